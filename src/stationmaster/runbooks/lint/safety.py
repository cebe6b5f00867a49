"""Rules about safety: changes that nothing checks, destruction that nothing guards."""

import re
from collections.abc import Iterator

from stationmaster.runbooks.lint.finding import Finding
from stationmaster.runbooks.lint.rules import finding
from stationmaster.runbooks.lint.subject import Judged, Subject
from stationmaster.runbooks.read.document import PlatformAction, Section, Step, StepKind
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.risk import Risk
from stationmaster.runbooks.risk.classes import worst

_CHANGING = (Risk.CHANGE, Risk.DESTROY)
_VERIFYING = re.compile(r"\b(?:verif\w*|confirm\w*|validat\w*|check\w*|afterwards|recover(?:y|ed))\b", re.IGNORECASE)
_BACKUP = re.compile(
    r"back[- ]?(?:ed )?ups?\b|\bsnapshots?\b|\b(?:pg|mysql|mongo)_?dump(?:all)?\b|\bvelero\b", re.IGNORECASE
)
_BY_HAND = (
    (re.compile(r"\b(?:docker|podman|systemctl|supervisorctl)\b.*\brestart\b|\bservice \S+ restart\b"), "restart"),
    (re.compile(r"\b(?:docker|podman) logs\b|\bjournalctl\b.*\s-u\b"), "logs"),
    (
        re.compile(r"\b(?:page|call|notify|escalate)\b[^.]*\b(?:level \d|on[- ]?call|team|engineer)\b", re.IGNORECASE),
        "escalate",
    ),
    (re.compile(r"\b(?:remove|take)\b[^.]*\b(?:from|out of)\b[^.]*\bbalancer\b", re.IGNORECASE), "remove"),
    (re.compile(r"\b(?:add|put)\b[^.]*\b(?:in)?to\b[^.]*\bbalancer\b", re.IGNORECASE), "add"),
)
_ACTIONS = {
    "restart": PlatformAction.SERVICE_RESTART,
    "logs": PlatformAction.SERVICE_LOGS,
    "escalate": PlatformAction.ESCALATE,
    "remove": PlatformAction.TARGET_REMOVE,
    "add": PlatformAction.TARGET_ADD,
}


def findings(subject: Subject) -> Iterator[Finding]:
    yield from _unchecked(subject)
    for judged in subject.commands:
        yield from _of_command(subject, judged)
    for step in subject.runbook.walk():
        yield from _by_hand(subject, step)


def _of_command(subject: Subject, judged: Judged) -> Iterator[Finding]:
    step, text = judged.step, _short(judged.command.text)
    forbidding = next((each for each in (*judged.command.cautions, *step.cautions) if each.forbids), None)
    unguarded = judged.risk is Risk.DESTROY and forbidding is None
    if unguarded and not step.attributes.rollback and not _backed_up(subject, judged.line):
        message = f"`{text}` destroys: {'; '.join(judged.assessed.why)}; nothing before it keeps a copy"
        hint = 'add a step that makes a backup, or say how it is undone: {rollback="…"}'
        yield finding("SM402", subject.file, judged.line, message, hint=hint)
    said = step.attributes.risk
    known = judged.assessed.risk is not Risk.UNKNOWN
    if said is not None and known and worst(Risk(said), judged.assessed.risk) is not Risk(said):
        message = f"`{text}` is called {said}, yet it is {judged.assessed.risk.value}: {'; '.join(judged.assessed.why)}"
        yield finding("SM403", subject.file, judged.line, message, hint="a run keeps the class that was found")
    if forbidding is not None:
        message = f"`{text}` is never run: {_short(forbidding.text)}"
        yield finding("SM404", subject.file, judged.line, message, hint="the warning stays with it in every run")


def _backed_up(subject: Subject, line: int) -> bool:
    earlier = (step for step in subject.runbook.walk() if step.lines.first < line)
    return any(_BACKUP.search(f"{step.text} {command}") for step in earlier for command in _texts(step, line))


def _texts(step: Step, line: int) -> list[str]:
    return [each.text for each in step.commands if each.lines.first < line] or [""]


def _unchecked(subject: Subject) -> Iterator[Finding]:
    steps = list(subject.runbook.walk())
    told: set[str] = set()
    for judged in subject.commands:
        forbidden = any(each.forbids for each in (*judged.command.cautions, *judged.step.cautions))
        if judged.risk in _CHANGING and not forbidden and judged.step.address not in told:
            told.add(judged.step.address)
            if not _checked(subject, steps, judged.step):
                yield _of_change(
                    subject, judged.line, f"`{_short(judged.command.text)}`", _reads_after(subject, judged)
                )
    for step in steps:
        restarts = any(each.action is PlatformAction.SERVICE_RESTART for each in step.actions)
        if restarts and step.address not in told and not any(map(_says, steps)):
            yield _of_change(subject, step.lines.first, "the restart", read_after=False)


def _of_change(subject: Subject, line: int, what: str, read_after: bool) -> Finding:
    missing = "what reads after it does not say what has to be seen" if read_after else "nothing after it looks"
    hint = 'say what the check has to show, for example {expect="Running"} or “the output contains `Running`”'
    return finding("SM401", subject.file, line, f"{what} changes something, and {missing}", hint=hint)


def _checked(subject: Subject, steps: list[Step], changed: Step) -> bool:
    scope = _scope(subject, changed.lines.first)
    verifying = [each.lines for each in subject.runbook.sections if _VERIFYING.search(each.title)]
    after = [each for each in steps if each.lines.first >= changed.lines.first]
    return any(_says(each) and (_within(each, scope) or any(_within(each, s) for s in verifying)) for each in after)


def _says(step: Step) -> bool:
    attributes = step.attributes
    return bool(step.expectations or attributes.expect or attributes.verify)


def _scope(subject: Subject, line: int) -> Lines:
    """The cause that the line belongs to; otherwise its outermost section below the title."""
    for cause in subject.runbook.knowledge.causes:
        if cause.lines.first <= line <= cause.lines.last:
            return cause.lines
    whole = Lines(first=1, last=len(subject.lines))
    sections = subject.runbook.sections
    level = min((each.level for each in sections if each.level > 1), default=0)
    outer = [each for each in sections if each.level <= level]
    holder = next((each for each in reversed(outer) if each.lines.first <= line), None)
    return whole if holder is None else Lines(first=holder.lines.first, last=_end(outer, holder, whole.last))


def _end(outer: list[Section], holder: Section, last: int) -> int:
    return min((each.lines.first - 1 for each in outer if each.lines.first > holder.lines.first), default=last)


def _within(step: Step, lines: Lines) -> bool:
    return lines.first <= step.lines.first <= lines.last


def _reads_after(subject: Subject, changed: Judged) -> bool:
    return any(each.line > changed.line and each.risk is Risk.READ for each in subject.commands)


def _by_hand(subject: Subject, step: Step) -> Iterator[Finding]:
    if step.kind not in {StepKind.MANUAL, StepKind.NAVIGATION, StepKind.COMMAND} or step.actions:
        return
    text = " ".join((step.text, *(each.text for each in step.commands)))
    name = next((name for pattern, name in _BY_HAND if pattern.search(text)), None)
    if name is not None:
        action = _ACTIONS[name].value
        hint = f"for an instance of the platform, write <!-- {{action={action}}} --> beside it"
        yield finding("SM405", subject.file, step.lines.first, f"the platform has {action} for this step", hint=hint)


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= 80 else f"{plain[:79]}…"
