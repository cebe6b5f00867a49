"""What a drill proved: how long each stage took, whom it paged, what was lost, whether all is well again."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from stationmaster.api.wire import TimelineEntry
from stationmaster.api.wire_drills import DrillShown, FaultShown
from stationmaster.api.wire_incidents import IncidentStory
from stationmaster.cli import drill_causes
from stationmaster.cli.load import Load, LoadReport
from stationmaster.core.drills import OVER_AT_ONCE, FaultKind

_LEFT: Final = ("refused", "manual")
_DONE: Final = re.compile(r": (?:passed|failed)(?: — |$)")
"""What the timeline says of a step that was really done."""
_CONTROL: Final = "control"
"""What alerts call the service that the control plane is."""


class Step(msgspec.Struct, kw_only=True):
    """A step that was left to people, and why."""

    title: str
    why: str


class DrillReport(msgspec.Struct, kw_only=True):
    """Durations are seconds since the fault; None means that it never happened."""

    drill: str
    instance: str
    """What was broken; several are parted by commas."""
    incident: int | None
    incidents: tuple[int, ...]
    """Every incident that it opened; one failure should open one."""
    unused_s: float | None
    """When it gave its last answer through the gateway before it was put back."""
    detected_s: float | None
    out_of_balancer_s: float | None
    paged_s: float | None
    restarted_s: float | None
    back_in_balancer_s: float | None
    recovered_s: float | None
    resolved_s: float | None
    reviewed_s: float | None
    """When the last of its incidents was reviewed."""
    paged: tuple[str, ...]
    diagnosis: str
    """right: the incident names what was broken, and the cause that was named fits; open: no cause was named; wrong:
    one of both misses; none: there is no incident."""
    cause: str
    """The likely cause as it was named first."""
    runs: tuple[str, ...]
    """The runbooks that were worked, and how that ended."""
    approvals: int
    left: tuple[Step, ...]
    """Steps that nobody but a person could do."""
    supervised: bool
    """Its supervisor started it again before any check found it down: there was nothing to work for a runbook."""
    uncovered: tuple[str, ...]
    """Alerts for which no runbook was worked, and what a run asked somebody to look at."""
    load: LoadReport
    lost_from_s: float | None
    lost_until_s: float | None
    """Between which moments clients lost requests."""
    lost_allowed: bool
    """Nothing healthy was left."""
    steady_again: bool
    passed: bool
    timeline: tuple[TimelineEntry, ...]

    def stages(self) -> Iterator[tuple[str, float | None]]:
        yield "last answer from it after", self.unused_s
        yield "detected after", self.detected_s
        yield "taken out of the balancer after", self.out_of_balancer_s
        yield "first page after", self.paged_s
        yield "restarted after", self.restarted_s
        yield "recovered after", self.recovered_s
        yield "back in the balancer after", self.back_in_balancer_s
        yield "incident resolved after", self.resolved_s
        yield "incident reviewed after", self.reviewed_s


def report_of(
    drill: DrillShown,
    faults: Sequence[FaultShown],
    stories: Sequence[IncidentStory],
    load: Load,
    *,
    steady: bool,
    restarts: Mapping[str, datetime],
) -> DrillReport:
    """`restarts` says when what was killed was seen with another process."""
    zero = min(each.began_at for each in faults)
    timeline = tuple(sorted((entry for each in stories for entry in each.timeline), key=lambda entry: entry.at))
    broken = [each.of for each in faults]
    measured = load.report()
    resolved = (
        _last(timeline, "incident.resolved", zero) if all(each.incident.resolved_at for each in stories) else None
    )
    spared = not drill.spared or measured.lost == 0
    supervised = not stories and bool(broken) and restarts.keys() == set(broken)
    worked = _worked(drill, stories, resolved) and _was_worked(drill, timeline, zero)
    return DrillReport(
        drill=drill.name,
        instance=", ".join(filter(None, broken)),
        incident=stories[0].incident.number if stories else None,
        incidents=tuple(each.incident.number for each in stories),
        unused_s=_last_answer_s(load, broken, zero, timeline),
        detected_s=_first(timeline, "alert.fired", zero),
        out_of_balancer_s=_first(timeline, "target.out", zero),
        paged_s=_first(timeline, "page.sent", zero),
        restarted_s=_since(max(restarts.values()), zero)
        if supervised
        else _first(timeline, "instance.restarted", zero),
        recovered_s=_last(timeline, "alert.recovered", zero),
        back_in_balancer_s=_last(timeline, "target.in", zero),
        resolved_s=resolved,
        reviewed_s=_reviewed(stories, zero),
        paged=tuple(dict.fromkeys(f"{page.to} by {page.contact}" for each in stories for page in each.pages)),
        diagnosis=_diagnosis(stories, drill, timeline),
        cause=drill_causes.named(timeline),
        runs=tuple(entry.text for entry in timeline if entry.kind in ("run.started", "run.ended", "run.declined")),
        approvals=sum(entry.kind == "approval.asked" for entry in timeline),
        left=tuple(_left(timeline)),
        supervised=supervised,
        uncovered=tuple(entry.text for entry in timeline if entry.kind in ("run.declined", "escalation")),
        load=measured,
        lost_from_s=_since(measured.lost_from, zero),
        lost_until_s=_since(measured.lost_until, zero),
        lost_allowed=not drill.spared,
        steady_again=steady,
        passed=steady and spared and (worked or supervised),
        timeline=timeline,
    )


def _worked(drill: DrillShown, stories: Sequence[IncidentStory], resolved: float | None) -> bool:
    """What the platform can mend has to be resolved; of the rest it has to know, and tell whom it concerns. Alerts over
    long windows, as of error budgets, may keep such an incident open for a while after its fault is gone."""
    return resolved is not None if drill.cured else bool(stories)


def _in_time(drill: DrillShown, timeline: Sequence[TimelineEntry], zero: datetime) -> bool:
    """Whether the platform mended it, and not the end of the fault."""
    if not drill.cured or all(FaultKind(each.kind) in OVER_AT_ONCE for each in drill.faults):
        return True
    recovered = _last(timeline, "alert.recovered", zero)
    return recovered is not None and recovered <= drill.for_s


def _was_worked(drill: DrillShown, timeline: Sequence[TimelineEntry], zero: datetime) -> bool:
    """A drill whose runs were all declined, or could not do a single step, proves nothing about its cure. Without a
    fault, as when the alerts of another system are sent again, there is nothing to cure."""
    if not drill.faults:
        return True
    began = any(entry.kind == "run.started" for entry in timeline) and _in_time(drill, timeline, zero)
    return began and any(_DONE.search(entry.text) for entry in timeline if entry.kind == "run.step")


def _reviewed(stories: Sequence[IncidentStory], zero: datetime) -> float | None:
    moments = [each.reviewed_at for each in stories]
    known = [each for each in moments if each is not None]
    return _since(max(known), zero) if known and len(known) == len(moments) else None


def _left(timeline: Sequence[TimelineEntry]) -> Iterator[Step]:
    for entry in timeline:
        title, _, said = entry.text.partition(": ")
        verdict, _, why = said.partition(" — ")
        if entry.kind == "run.step" and verdict in _LEFT:
            yield Step(title=title, why=why)


def _diagnosis(stories: Sequence[IncidentStory], drill: DrillShown, timeline: Sequence[TimelineEntry]) -> str:
    if not stories:
        return drill_causes.NONE
    told = {value for each in stories for alert in each.alerts for value in alert.labels.values()}
    places = {each.of for each in drill.faults if each.of}
    places |= {_CONTROL for each in drill.faults if each.kind == FaultKind.CONTROL_KILL.value}
    cause = drill_causes.named(timeline)
    return drill_causes.judged(cause, [each.kind for each in drill.faults], knows_place=places <= told)


def _last_answer_s(
    load: Load, broken: Sequence[str], zero: datetime, timeline: Sequence[TimelineEntry]
) -> float | None:
    back = min((entry.at for entry in timeline if entry.kind == "target.in"), default=datetime.max.replace(tzinfo=UTC))
    found = [at for name in broken if (at := load.last_answer(name, before=back)) is not None]
    return max(0.0, round((max(found) - zero).total_seconds(), 3)) if found else None


def _since(moment: datetime | None, zero: datetime) -> float | None:
    return None if moment is None else round((moment - zero).total_seconds(), 3)


def _first(timeline: Sequence[TimelineEntry], kind: str, zero: datetime) -> float | None:
    moments = [entry.at for entry in timeline if entry.kind == kind and entry.at >= zero]
    return _since(min(moments, default=None), zero)


def _last(timeline: Sequence[TimelineEntry], kind: str, zero: datetime) -> float | None:
    moments = [entry.at for entry in timeline if entry.kind == kind and entry.at >= zero]
    return _since(max(moments, default=None), zero)
