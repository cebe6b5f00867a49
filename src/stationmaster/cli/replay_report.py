"""What came of a replay: how the incident went then beside how it went now, stage by stage."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from stationmaster.api.wire import TimelineEntry
from stationmaster.api.wire_replay import NotReproduced
from stationmaster.cli.report import DrillReport

_STAGES = (
    ("taken out of the balancer", "target.out"),
    ("first page", "page.sent"),
    ("acknowledged", "incident.acknowledged"),
    ("runbook began", "run.started"),
    ("approval asked", "approval.asked"),
    ("restarted", "instance.restarted"),
    ("recovered", "alert.recovered"),
    ("back in the balancer", "target.in"),
    ("resolved", "incident.resolved"),
)
_VERDICTS = ("passed", "failed", "skipped", "refused", "manual")
_LAST = frozenset({"alert.recovered", "target.in", "incident.resolved"})
"""Of these the last one counts: all has to be well again."""


class Story(msgspec.Struct, kw_only=True):
    """How an incident went. Seconds are those since its first alert, None where it never happened; `detected_s` since
    the fault, None where nobody knows when that began."""

    detected_s: float | None
    stages: dict[str, float | None]
    alerts: tuple[str, ...]
    paged: tuple[str, ...]
    runbooks: tuple[str, ...]
    steps: dict[str, int]
    """Steps of runs by their verdict."""
    lost: int | None
    """Requests of the drill's own clients; None where there were none."""


class ReplayReport(msgspec.Struct, kw_only=True):
    incident: int
    signed_by: str
    """The fingerprint of the key that signed the bundle."""
    then: Story
    now: Story
    missing: tuple[str, ...]
    """Alerts that should have fired and did not."""
    left: tuple[NotReproduced, ...]
    drill: DrillReport
    passed: bool


def story_then(records: Sequence[tuple[str, Mapping[str, Any]]]) -> Story:
    """Of the bundle's records: kinds and bodies."""
    lines = [
        TimelineEntry(at=datetime.fromisoformat(body["at"]), kind=body["kind"], by=body["by"], text=body["text"])
        for kind, body in records
        if kind == "timeline"
    ]
    sent = [body for kind, body in records if kind == "page" and body["state"] == "sent"]
    alerts = [str(body["labels"].get("alertname", "")) for kind, body in records if kind == "incident_alert"]
    paged = tuple(
        dict.fromkeys(
            f"{each['target_kind']}/{each['target_name']} by {each['contact'].get('name', '')}" for each in sent
        )
    )
    return _story(sorted(lines, key=lambda each: each.at), alerts=alerts, paged=paged, lost=None, fault_at=None)


def story_now(report: DrillReport, alerts: Sequence[str]) -> Story:
    fault_at = None
    if report.detected_s is not None and (first := _first_alert(report.timeline)) is not None:
        fault_at = first.timestamp() - report.detected_s
    lost = report.load.lost if report.load.sent else None
    return _story(report.timeline, alerts=alerts, paged=report.paged, lost=lost, fault_at=fault_at)


def rows_of(report: ReplayReport) -> Iterator[tuple[str, str, str]]:
    """What, then, now."""
    then, now = report.then, report.now
    yield "alerts", _listed(then.alerts), _listed(now.alerts)
    yield "detected after", _seconds(then.detected_s, "unknown"), _seconds(now.detected_s, "never")
    for name in then.stages:
        yield f"{name} after", _seconds(then.stages[name], "never"), _seconds(now.stages[name], "never")
    yield "paged", _listed(then.paged, "nobody"), _listed(now.paged, "nobody")
    yield "runbook", _listed(then.runbooks, "none"), _listed(now.runbooks, "none")
    yield "steps", _counted(then.steps), _counted(now.steps)
    yield "requests lost", "not measured" if then.lost is None else str(then.lost), _lost(report)


def _story(
    lines: Sequence[TimelineEntry],
    *,
    alerts: Sequence[str],
    paged: tuple[str, ...],
    lost: int | None,
    fault_at: float | None,
) -> Story:
    first = _first_alert(lines)
    fault = fault_at if fault_at is not None else _injected(lines)
    detected = None if first is None or fault is None else round(max(0.0, first.timestamp() - fault), 3)
    steps: dict[str, int] = {}
    for verdict in (_verdict(each.text) for each in lines if each.kind == "run.step"):
        steps[verdict] = steps.get(verdict, 0) + 1
    return Story(
        detected_s=detected,
        stages={name: _stage(lines, kind, first) for name, kind in _STAGES},
        alerts=tuple(sorted(set(alerts))),
        paged=paged,
        runbooks=tuple(dict.fromkeys(_titles(lines))),
        steps=steps,
        lost=lost,
    )


def _first_alert(lines: Sequence[TimelineEntry]) -> datetime | None:
    return min((each.at for each in lines if each.kind == "alert.fired"), default=None)


def _injected(lines: Sequence[TimelineEntry]) -> float | None:
    """Where the incident came of a drill, when its fault was made."""
    return min((each.at.timestamp() for each in lines if each.kind == "fault.injected"), default=None)


def _stage(lines: Sequence[TimelineEntry], kind: str, first: datetime | None) -> float | None:
    moments = [each.at for each in lines if each.kind == kind]
    if not moments or first is None:
        return None
    at = max(moments) if kind in _LAST else min(moments)
    return round((at - first).total_seconds(), 3)


def _titles(lines: Sequence[TimelineEntry]) -> Iterator[str]:
    for each in lines:
        if each.kind == "run.started":
            yield each.text.partition("“")[2].partition("”")[0] or each.text
        elif each.kind == "run.declined":
            yield "none was chosen"


def _verdict(text: str) -> str:
    """`step 2.1 Start it anew.: passed — why`."""
    return next((each for each in _VERDICTS if f": {each}" in text), "unknown")


def _listed(words: Sequence[str], none: str = "none") -> str:
    return ", ".join(words) or none


def _seconds(value: float | None, none: str) -> str:
    return none if value is None else f"{value:.1f} s"


def _counted(steps: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(steps.items())) or "none"


def _lost(report: ReplayReport) -> str:
    load = report.drill.load
    return "not measured" if report.now.lost is None else f"{report.now.lost} of {load.sent}"
