"""Rules about places that have to be filled in."""

import re
from collections.abc import Iterator

from stationmaster.runbooks.lint.finding import Finding
from stationmaster.runbooks.lint.rules import finding
from stationmaster.runbooks.lint.subject import Ground, Judged, Subject
from stationmaster.runbooks.read.document import Parameter, SessionKind, Step
from stationmaster.runbooks.read.parameters import parameters_of, plain_name
from stationmaster.runbooks.shell.commands import parse

ALERT_LABELS = frozenset(
    {"alertname", "service", "environment", "region", "instance", "severity", "url", "ip", "host", "port", "ip:port"}
    | {"address"}
)
"""What every alert of the platform says, and what its inventory knows of the instance."""
_ENVIRONMENT = frozenset({"home", "user", "path", "pwd", "hostname", "shell", "tmpdir", "editor", "lang", "oldpwd"})
_LOOPED = re.compile(r"\bfor\s+(\w+)\s+in\b|\bread\s+(?:-\w+\s+)*(\w+)")


def findings(subject: Subject, ground: Ground) -> Iterator[Finding]:
    known = ALERT_LABELS | _ENVIRONMENT | {plain_name(each) for each in ground.known}
    known |= {name for step in subject.runbook.walk() for name in _declared(step)}
    told: set[str] = set()
    for judged in subject.commands:
        known |= _assigned(judged)
        for place in _places(judged):
            if place.name not in known and place.name not in told:
                told.add(place.name)
                yield _unbound(subject, judged, place)


def _unbound(subject: Subject, judged: Judged, place: Parameter) -> Finding:
    name = re.sub(r"\W", "_", place.name) or "NAME"
    return finding(
        "SM201",
        subject.file,
        judged.line,
        f"nothing says what `{place.text}` is; a run would have to ask",
        hint=f"take it from an earlier step with {{capture={name}}}, say what it looks like with "
        f'{{pattern="{name}=/…/"}}, or list it under `known` in .stationmaster-lint.yaml',
    )


def _declared(step: Step) -> Iterator[str]:
    """Names that an attribute gives a value or a pattern."""
    for said in (step.attributes.capture, step.attributes.pattern):
        if said:
            yield plain_name(said.split("=", 1)[0])


def _places(judged: Judged) -> Iterator[Parameter]:
    """A `$` that no shell would touch is none; neither is one that a session's own language has."""
    if judged.command.session.kind is not SessionKind.LOCAL:
        yield from (each for each in parameters_of(judged.command.text) if not each.text.startswith("$"))
        return
    for command in parse(judged.command.text).commands:
        for word in command.words:
            places = parameters_of(word.text)
            yield from (each for each in places if word.dynamic or not each.text.startswith("$"))


def _assigned(judged: Judged) -> set[str]:
    """Variables that a command sets for itself and those after it."""
    names = {name for command in parse(judged.command.text).commands for name in command.assignments}
    looped = {name for match in _LOOPED.finditer(judged.command.text) for name in match.groups() if name}
    return {plain_name(name.split("=", 1)[0]) for name in names | looped}
