"""Drafts the review of an incident as Markdown, from what is known; what is not known is said to be unknown."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from stationmaster.incidents.review.durations import Measured, span_words
from stationmaster.incidents.review.lessons import Lessons
from stationmaster.incidents.review.worked import Requests
from stationmaster.incidents.timeline import Entry

_MOST_LINES = 60
_LINE_CHARACTERS = 300
_KEPT = (
    "alert.",
    "incident.",
    "target.",
    "instance.restarted",
    "run.started",
    "run.ended",
    "run.declined",
    "escalation",
    "approval.",
    "page.level",
    "page.failed",
    "page.nobody",
    "page.overdue",
    "page.lapsed",
    "page.escalated",
    "status.posted",
    "fault.",
    "note",
)
_LEFT_OUT = frozenset({"incident.routed", "incident.noted"})
_STEP = re.compile(r": (failed|refused|manual)\b")
_CAUSE = re.compile(r"\b(?:likely|probable|root) cause\b|\bcaused by\b|\bdepends on\b|\bcause:", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """`requests` None: nobody counted them."""

    services: tuple[str, ...] = ()
    dependants: tuple[str, ...] = ()
    apis: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    requests: Requests | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What is still to be done, as the review lists it."""

    text: str
    owner: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All that a review is drafted from."""

    number: int
    title: str
    summary: str
    severity: str
    environment: str
    measured: Measured
    lines: Sequence[Entry]
    impact: Impact
    lessons: Lessons
    actions: Sequence[Action]
    zone: str = "UTC"
    cause: str = ""
    """Where it is known for sure."""
    closing: Sequence[str] = ()
    """Lines of what the platform did about the review itself."""


def draft(found: Material) -> str:
    parts = (
        [f"# Review of incident #{found.number}: {_plain(found.title)}"],
        _summary(found),
        _impact(found.impact),
        _timeline(found),
        _durations(found),
        _detection(found),
        _causes(found),
        _list("What went well", found.lessons.well, "nothing that the platform could see"),
        _list("What went badly", found.lessons.badly, "nothing that the platform could see"),
        _actions(found),
        *([found.closing] if found.closing else []),
    )
    return "\n".join("\n".join([*part, ""]) for part in parts)


def _summary(found: Material) -> list[str]:
    measured = found.measured
    lasted = span_words(measured.resolve_s)
    drill = f" It was a drill ({_plain(measured.drill)})." if measured.drill else ""
    again = f" It was opened again {_times(measured.reopened)}." if measured.reopened else ""
    where = f" in {_plain(found.environment)}" if found.environment else ""
    said = f"{_plain(found.summary) or _plain(found.title)}"
    text = f"{said} Severity {_plain(found.severity)}{where}; it lasted {lasted}.{again}{drill}"
    return ["## Summary", "", text]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _impact(impact: Impact) -> list[str]:
    rows = (
        ("Services", impact.services),
        ("Services that depend on them", impact.dependants),
        ("APIs", impact.apis),
        ("Components of the status page", impact.components),
        ("Instances", impact.instances),
    )
    made = [f"- {name}: {', '.join(map(_plain, values)) or 'none known'}" for name, values in rows]
    return ["## Impact", "", *made, *_requests(impact.requests)]


def _requests(requests: Requests | None) -> Iterator[str]:
    if requests is None:
        yield "- Failed requests: unknown (no numbers of the gateway cover this time)"
        return
    share = f" ({requests.failed / requests.total:.2%})" if requests.total else ""
    yield f"- Failed requests: {requests.failed:.0f} of {requests.total:.0f}{share}, as the gateway counted them"
    for api, total, failed in requests.by_api:
        if failed:
            yield f"  - {_plain(api)}: {failed:.0f} of {total:.0f}"


def _timeline(found: Material) -> list[str]:
    chosen = [each for each in found.lines if matters(each)]
    shown = chosen if len(chosen) <= _MOST_LINES else [*chosen[: _MOST_LINES // 2], *chosen[-_MOST_LINES // 2 :]]
    zone = ZoneInfo(found.zone)
    made = ["## Timeline", "", f"Times in {found.zone}.", "", "| When | After | Who | What |", "|---|---|---|---|"]
    made += [_row(each, zone, found.measured.began_at) for each in shown]
    left = len(found.lines) - len(shown)
    return [*made, *(["", f"{left} more lines: `stm incident show {found.number}`"] if left else [])]


def matters(line: Entry) -> bool:
    """Whether a reader of the review wants to see it; every line stays in the incident."""
    if line.kind == "run.step":
        return _STEP.search(line.text) is not None
    return line.kind.startswith(_KEPT) and line.kind not in _LEFT_OUT


def _row(line: Entry, zone: ZoneInfo, zero: datetime) -> str:
    after = (line.at - zero).total_seconds()
    first = next(iter(line.text.splitlines()), "")
    when = f"{line.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    sign = "-" if after < 0 else "+"
    return f"| {when} | {sign}{span_words(abs(after))} | {_cell(line.by)} | {_cell(first)} |"


def _durations(found: Material) -> list[str]:
    each = found.measured
    rows = (
        ("Detected", each.detect_s, "from the beginning of the fault to the first alert"),
        ("Acknowledged", each.acknowledge_s, "from the first alert"),
        ("Mitigated", each.mitigate_s, "from the beginning of the fault until nobody suffered"),
        ("Resolved", each.resolve_s, "from the beginning of the fault"),
    )
    made = ["## Durations", "", "| | Took | Counted |", "|---|---|---|"]
    return [*made, *(f"| {name} | {span_words(value)} | {how} |" for name, value, how in rows)]


def _detection(found: Material) -> list[str]:
    first = next((each for each in found.lines if each.kind == "alert.fired"), None)
    how = f"By {_plain(first.by)}: {_plain(first.text)}" if first else "Nothing says how it was detected."
    began = found.measured.began_at.astimezone(ZoneInfo(found.zone))
    if found.measured.detect_s is None:
        text = f"When the fault began is unknown: it counts from the first alert, {began:%Y-%m-%d %H:%M:%S}."
        return ["## Detection", "", how, "", text]
    known = "a drill says so" if found.measured.drill else "the alert says since when it failed"
    text = f"The fault began at {began:%Y-%m-%d %H:%M:%S} ({known})."
    return ["## Detection", "", how, "", text]


def _causes(found: Material) -> list[str]:
    said = [
        each
        for each in found.lines
        if _CAUSE.search(each.text) and each.kind not in _LEFT_OUT and not each.text.startswith("no likely cause")
    ]
    made = [f"- Known: {_plain(found.cause)}"] if found.cause else []
    made += [f"- Proposed, by {_plain(each.by)}: {_plain(each.text)}" for each in said[:10]]
    fallback = "- Unknown: nothing that was recorded names a cause. Write it here."
    return ["## Root cause", "", *(dict.fromkeys(made) or [fallback])]


def _list(title: str, found: Sequence[str], nothing: str) -> list[str]:
    return [f"## {title}", "", *(f"- {_plain(each)}" for each in found or (nothing,))]


def _actions(found: Material) -> list[str]:
    zone = ZoneInfo(found.zone)
    made = [_action(each, zone) for each in found.actions]
    return ["## Action items", "", *(made or ["- none"])]


def _action(action: Action, zone: ZoneInfo) -> str:
    due = f"{action.due_at.astimezone(zone):%Y-%m-%d %H:%M}"
    return f"- [ ] {_plain(action.text)} ({_plain(action.owner) or 'nobody yet'}, due {due})"


def _plain(text: str, limit: int = _LINE_CHARACTERS) -> str:
    """One line whose marks mean nothing in Markdown's blocks and tags."""
    one = " ".join(text.split()).replace("<", "&lt;")
    return one if len(one) <= limit else f"{one[: limit - 1]}…"


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")
