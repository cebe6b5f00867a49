"""Rules about a whole library: which alerts are answered, by whom, and by how many."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath

from stationmaster.core.facts import Alert
from stationmaster.runbooks.lint.alert_rules import AlertRule
from stationmaster.runbooks.lint.finding import Finding
from stationmaster.runbooks.lint.rules import finding
from stationmaster.runbooks.lint.subject import Subject
from stationmaster.runbooks.lint.upkeep import line_of
from stationmaster.runbooks.match import Ambiguous, Index, Match, choose

_MEANT = 0.5
"""A runbook that only shares words with an alert was not written for it."""
_BY_HAND = "procedure"
"""The type of a document that people begin and no alert does."""
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def findings(subjects: Sequence[Subject], rules: Sequence[AlertRule]) -> Iterator[Finding]:
    yield from _titles(subjects)
    yield from _twice(subjects)
    for subject in subjects:
        match = subject.runbook.match
        on_purpose = subject.runbook.retired or subject.runbook.type == _BY_HAND
        if not match.alerts and not match.quoted and not on_purpose:
            hint = "write `alert:` and `service:` in the front matter"
            yield finding("SM606", subject.file, 1, "it names no alert and quotes none", hint=hint)
    yield from _retired(subjects)
    if rules:
        yield from _of_rules(subjects, rules)


def _titles(subjects: Sequence[Subject]) -> Iterator[Finding]:
    first: dict[str, Subject] = {}
    for subject in subjects:
        title = " ".join(subject.runbook.title.lower().split())
        before = first.setdefault(title, subject)
        if before is not subject:
            message = f"its title '{subject.runbook.title}' is that of {before.file} as well"
            line = line_of(subject, subject.runbook.title)
            yield finding("SM603", subject.file, line, message, hint="say in the title what is different")


def _twice(subjects: Sequence[Subject]) -> Iterator[Finding]:
    first: dict[tuple[str, str], Subject] = {}
    for subject in subjects:
        service = subject.runbook.match.service
        for alert in () if subject.runbook.retired else subject.runbook.match.alerts:
            before = first.setdefault((alert, service), subject)
            if before is not subject:
                about = f" of {service}" if service else ""
                message = f"{before.file} answers the alert {alert}{about} as well, so neither is run"
                line = line_of(subject, alert)
                yield finding(
                    "SM602", subject.file, line, message, hint="give each its own service or alert, or join them"
                )


def _retired(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """One that is retired and still wins, because no living one names the alert."""
    index = Index(each.runbook for each in subjects)
    for subject in subjects:
        if not subject.runbook.retired:
            continue
        for name in subject.runbook.match.alerts:
            won = choose(_alert(name, {"service": subject.runbook.match.service}), index)
            if isinstance(won, Match) and won.runbook is subject.runbook:
                message = f"it is retired, and the alert {name} still finds it and no other"
                hint = "name the alert in the runbook that took its place"
                yield finding("SM604", subject.file, line_of(subject, name), message, hint=hint)


def _of_rules(subjects: Sequence[Subject], rules: Sequence[AlertRule]) -> Iterator[Finding]:
    index = Index(each.runbook for each in subjects)
    stems = {subject.path.stem.lower() for subject in subjects}
    for rule in rules:
        found = choose(_alert(rule.name, rule.labels, rule.summary), index)
        if isinstance(found, Ambiguous):
            message = f"the alert {rule.name}: {found.why}"
            yield finding("SM602", rule.file, rule.line, message, hint="keep one of them")
            continue
        meant = isinstance(found, Match) and found.score >= _MEANT
        if not meant and not _linked(rule, stems):
            near = f"; {found.why} in {found.runbook.file}" if isinstance(found, Match) else ""
            hint = f"write one whose front matter says `alert: {rule.name}`"
            yield finding("SM601", rule.file, rule.line, f"no runbook answers the alert {rule.name}{near}", hint=hint)
    named = {rule.name for rule in rules}
    for subject in subjects:
        for alert in subject.runbook.match.alerts:
            if alert not in named:
                message = f"it answers the alert {alert}, which the given rules do not have"
                yield finding(
                    "SM605", subject.file, line_of(subject, alert), message, hint="correct the name, or drop it"
                )


def _linked(rule: AlertRule, stems: set[str]) -> bool:
    """Whether the rule itself says which runbook is meant."""
    path = PurePosixPath(rule.runbook_url.partition("#")[0].rstrip("/"))
    return bool(rule.runbook_url) and (path.stem.lower() in stems or path.name.lower() in stems)


def _alert(name: str, labels: dict[str, str], summary: str = "") -> Alert:
    return Alert(fingerprint="", labels={"alertname": name, **labels}, summary=summary, url="", starts_at=_NEVER)
