"""Says an incident in the words of its page: what somebody needs on a phone at three in the morning."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from stationmaster.incidents import diagnosis
from stationmaster.incidents.life import Status
from stationmaster.incidents.linked import LinkedAlert
from stationmaster.incidents.notify.message import one_line, plain
from stationmaster.incidents.paper import Owed, What
from stationmaster.incidents.story import Story
from stationmaster.incidents.talk.desk import Standing
from stationmaster.incidents.talk.drafts import under_way
from stationmaster.incidents.talk.places import duration_text, moment_text
from stationmaster.incidents.timeline import Entry

_MOST_LINES, _MOST_SHOWN, _MOST_ALERTS, _LINE_CHARACTERS = 200, 60, 20, 2000
_TARGET = re.compile(
    r"target (?P<target>\S+) (?P<how>taken out of|drained from|put back into) (?P<host>\S+?):(?P<why>.*)", re.DOTALL
)
_STEP = re.compile(r"step (?P<step>\S+) (?P<title>.*?): (?P<verdict>[a-z]+)(?: — (?P<detail>.*))?", re.DOTALL)
_CAUSES = ("alert.joined", "incident.correlated", "incident.likely", "incident.cause", "run.cause")
_MOST_DIAGNOSES = 3
_GOOD, _BAD = frozenset({"passed", "cured"}), frozenset({"failed", "refused", "aborted", "escalated"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`tone` is good, bad or nothing."""

    at: str
    who: str
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    summary: str
    state: str
    since: str
    labels: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPage:
    """`link` is the incident's own URL where it can be followed, else empty and `url` is only text."""

    number: int
    title: str
    status: Status
    severity: str
    tone: str
    lasts: str
    answered: str
    """Who has acknowledged it; empty where nobody has, or not any more."""
    facts: tuple[tuple[str, str], ...]
    summary: str
    url: str
    link: str
    alerts: tuple[AlertLine, ...]
    evidence: tuple[Line, ...]
    causes: tuple[Line, ...]
    found: tuple[Line, ...]
    """The last words of each run's diagnosis, in several lines each."""
    runs: tuple[Line, ...]
    running: tuple[str, ...]
    out: tuple[Line, ...]
    paged: tuple[Line, ...]
    timeline: tuple[Line, ...]
    left_out: int
    next_level: int | None
    """Counted from 1; None: there is none to ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePage:
    """`owed` says since when, or until when there is time; empty where no news are owed."""

    owed: str
    overdue: bool
    draft: str
    public: str
    open: str
    last: int
    given: tuple[Line, ...]


def page_of(story: Story, zone: ZoneInfo, now: datetime) -> IncidentPage:
    incident = story.incident
    lines = _Lines(zone, now)
    ended = incident.resolved_at or now
    shown = story.timeline[-_MOST_LINES:]
    return IncidentPage(
        number=incident.number,
        title=one_line(incident.title),
        status=incident.status,
        severity=incident.severity,
        tone=_tone(story),
        lasts=duration_text(ended - incident.opened_at),
        answered=_answered(story),
        facts=_facts(story, lines),
        summary=plain(incident.summary),
        url=one_line(incident.url, 500),
        link=incident.url if incident.url.lower().startswith(("http://", "https://")) else "",
        alerts=tuple(lines.alert(each) for each in story.alerts[:_MOST_ALERTS]),
        evidence=_evidence(story.timeline, lines),
        causes=tuple(lines.line(each) for each in _last(story.timeline, _CAUSES)),
        found=tuple(lines.line(each) for each in _last(story.timeline, (diagnosis.KIND,))[-_MOST_DIAGNOSES:]),
        runs=tuple(_run(each, lines) for each in _last(story.timeline, ("run.",))),
        running=under_way(story.timeline),
        out=_out(story.timeline, lines),
        paged=tuple(_paged(each, lines) for each in story.pages[-_MOST_SHOWN:] if each.what is What.PAGE),
        timeline=tuple(lines.line(each) for each in reversed(shown)),
        left_out=len(story.timeline) - len(shown),
        next_level=_next_level(story),
    )


def updates_of(standing: Standing, zone: ZoneInfo, now: datetime) -> UpdatePage:
    due_at, draft, lines = standing.due_at, standing.draft, _Lines(zone, now)
    overdue = due_at is not None and due_at <= now
    owed = ""
    if due_at is not None:
        span = duration_text(abs(now - due_at))
        owed = f"owed since {lines.at(due_at)}, for {span}" if overdue else f"owed at {lines.at(due_at)}, in {span}"
    return UpdatePage(
        owed=owed,
        overdue=overdue,
        draft=f"{draft.word.value.capitalize()}: {draft.text}",
        public=draft.public.text,
        open=", ".join(draft.public.open),
        last=standing.last,
        given=tuple(
            Line(at=lines.at(each.at), who=each.by, text=f"{each.word.value}: {plain(each.text)}")
            for each in reversed(standing.updates)
        ),
    )


@dataclass(frozen=True, slots=True)
class _Lines:
    """How moments and lines are said."""

    zone: ZoneInfo
    now: datetime

    def at(self, moment: datetime) -> str:
        return moment_text(moment, self.zone, self.now)

    def exactly(self, moment: datetime) -> str:
        there, today = moment.astimezone(self.zone), self.now.astimezone(self.zone)
        return there.strftime("%H:%M:%S" if there.date() == today.date() else "%Y-%m-%d %H:%M:%S")

    def line(self, entry: Entry, text: str | None = None, tone: str = "") -> Line:
        said = plain(entry.text if text is None else text, _LINE_CHARACTERS)
        return Line(at=self.exactly(entry.at), who=one_line(entry.by, 60), text=said, tone=tone)

    def alert(self, alert: LinkedAlert) -> AlertLine:
        labels = ", ".join(f"{name}={one_line(value, 100)}" for name, value in sorted(alert.labels.items()))
        return AlertLine(
            summary=one_line(alert.summary, 300),
            state="firing" if alert.firing else "recovered",
            since=self.exactly(alert.starts_at if alert.firing else alert.ends_at or alert.starts_at),
            labels=one_line(labels, 600),
        )


def _last(entries: Iterable[Entry], kinds: tuple[str, ...]) -> Sequence[Entry]:
    return [each for each in entries if each.kind.startswith(kinds)][-_MOST_SHOWN:]


def _tone(story: Story) -> str:
    incident = story.incident
    if incident.status.is_over:
        return "good"
    return "bad" if incident.status is Status.TRIGGERED else "warn"


def _answered(story: Story) -> str:
    incident = story.incident
    if not incident.acknowledged_by:
        return ""
    if incident.status is Status.TRIGGERED:
        return f"{one_line(incident.acknowledged_by)} had acknowledged it; that is over"
    return f"acknowledged by {one_line(incident.acknowledged_by)}"


def _facts(story: Story, lines: _Lines) -> tuple[tuple[str, str], ...]:
    incident = story.incident
    found = (
        ("Service", incident.service),
        ("Environment", incident.environment),
        ("Region", incident.region),
        ("Instance", incident.instance),
        ("Since", lines.at(incident.opened_at)),
        ("Until", lines.at(incident.resolved_at) if incident.resolved_at else ""),
        ("Urgency", incident.urgency.value),
        ("Priority", incident.priority),
        ("At work", ", ".join(each.name for each in story.responders)),
        ("Merged into", f"#{incident.merged_into}" if incident.merged_into else ""),
        ("Merged here", ", ".join(f"#{each}" for each in story.merged)),
    )
    return tuple((name, one_line(value, 300)) for name, value in found if value)


def _evidence(entries: Iterable[Entry], lines: _Lines) -> tuple[Line, ...]:
    """The last words of each alert."""
    found = {each.text.partition(":")[0]: each for each in entries if each.kind == "alert.fired"}
    return tuple(lines.line(each) for each in list(found.values())[-_MOST_ALERTS:])


def _run(entry: Entry, lines: _Lines) -> Line:
    match = _STEP.fullmatch(entry.text) if entry.kind == "run.step" else None
    word = match["verdict"] if match else entry.text.removeprefix("run ended: ").partition(" ")[0]
    tone = "good" if word in _GOOD else "bad" if word in _BAD else ""
    return lines.line(entry, tone=tone)


def _out(entries: Iterable[Entry], lines: _Lines) -> tuple[Line, ...]:
    """Targets that this incident took out and that nobody has put back."""
    found: dict[tuple[str, str], Line] = {}
    for entry in entries:
        match = _TARGET.fullmatch(entry.text) if entry.kind.startswith("target.") else None
        if match is None:
            continue
        key = (match["target"], match["host"])
        found.pop(key, None)
        if match["how"] != "put back into":
            found[key] = lines.line(entry)
    return tuple(found.values())


def _paged(owed: Owed, lines: _Lines) -> Line:
    page = owed.page
    level = f"level {page.level + 1}, " if page.level >= 0 else ""
    state = f"{owed.state.value}{f': {one_line(owed.detail, 200)}' if owed.detail else ''}"
    tone = {"sent": "good", "failed": "bad"}.get(owed.state.value, "")
    at = lines.exactly(owed.ended_at or page.due_at)
    return Line(at=at, who=one_line(page.to.name, 60), text=f"{level}{page.contact.name}: {state}", tone=tone)


def _next_level(story: Story) -> int | None:
    policy = story.incident.policy
    if policy is None or story.incident.status.is_over:
        return None
    last = max((each.level for each in story.levels if each.round == 0), default=-1) + 1
    return last + 1 if last < len(policy.levels) else None
