"""What a drill proved: how long each stage took, what was lost, whether all is well again."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from stationmaster.api.wire import FaultInjection, IncidentDetail, TimelineEntry
from stationmaster.cli.load import Load, LoadReport


class DrillReport(msgspec.Struct, kw_only=True):
    """Durations are seconds since the fault; None means that it never happened."""

    drill: str
    instance: str
    incident: int | None
    unused_s: float | None
    """When it gave its last answer through the gateway before it was put back."""
    detected_s: float | None
    out_of_balancer_s: float | None
    restarted_s: float | None
    back_in_balancer_s: float | None
    recovered_s: float | None
    resolved_s: float | None
    load: LoadReport
    steady_again: bool
    passed: bool
    timeline: tuple[TimelineEntry, ...]

    def stages(self) -> Iterator[tuple[str, float | None]]:
        yield "last answer from it after", self.unused_s
        yield "detected after", self.detected_s
        yield "taken out of the balancer after", self.out_of_balancer_s
        yield "restarted after", self.restarted_s
        yield "recovered after", self.recovered_s
        yield "back in the balancer after", self.back_in_balancer_s
        yield "incident resolved after", self.resolved_s


def report_of(
    drill: str, fault: FaultInjection, detail: IncidentDetail | None, load: Load, *, steady: bool
) -> DrillReport:
    timeline = detail.timeline if detail else ()
    measured = load.report()
    resolved = _after(timeline, "incident.resolved", fault.at)
    return DrillReport(
        drill=drill,
        instance=fault.instance,
        incident=detail.incident.number if detail else None,
        unused_s=_last_answer_s(load, fault, timeline),
        detected_s=_after(timeline, "alert.fired", fault.at),
        out_of_balancer_s=_after(timeline, "target.out", fault.at),
        restarted_s=_after(timeline, "instance.restarted", fault.at),
        recovered_s=_after(timeline, "alert.recovered", fault.at),
        back_in_balancer_s=_after(timeline, "target.in", fault.at),
        resolved_s=resolved,
        load=measured,
        steady_again=steady,
        passed=resolved is not None and steady and measured.lost == 0,
        timeline=timeline,
    )


def _last_answer_s(load: Load, fault: FaultInjection, timeline: tuple[TimelineEntry, ...]) -> float | None:
    back = min((entry.at for entry in timeline if entry.kind == "target.in"), default=datetime.max.replace(tzinfo=UTC))
    last = load.last_answer(fault.instance, before=back)
    return None if last is None else max(0.0, round((last - fault.at).total_seconds(), 3))


def _after(timeline: tuple[TimelineEntry, ...], kind: str, zero: datetime) -> float | None:
    moments = [entry.at for entry in timeline if entry.kind == kind]
    return round((min(moments) - zero).total_seconds(), 3) if moments else None
