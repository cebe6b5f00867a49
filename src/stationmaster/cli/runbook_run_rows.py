"""The rows of `runbook runs`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from stationmaster.api.wire_runbooks import IncidentRunShown
from stationmaster.runbooks.alone import RunSummary


class RunRow(msgspec.Struct, kw_only=True, frozen=True):
    """`outcome` is "open" while a run has not ended; `held_by` is the process that works it at this moment. `incident`
    is None for a run of a terminal; any other is worked by the platform."""

    run: str
    incident: int | None = None
    runbook: str
    file: str
    host: str
    by: str
    began_at: datetime
    ended_at: datetime | None
    outcome: str
    why: str
    held_by: int | None


def run_rows(runs: Sequence[RunSummary]) -> tuple[RunRow, ...]:
    return tuple(
        RunRow(
            run=each.id,
            runbook=each.runbook,
            file=each.file,
            host=each.host,
            by=each.requested_by,
            began_at=each.started_at,
            ended_at=each.ended_at,
            outcome=each.outcome.value if each.outcome else "open",
            why=each.why,
            held_by=each.held_by,
        )
        for each in runs
    )


def platform_rows(runs: Sequence[IncidentRunShown]) -> tuple[RunRow, ...]:
    return tuple(
        RunRow(
            run=each.run,
            incident=each.incident,
            runbook=each.runbook,
            file=each.file,
            host=each.host,
            by="the platform",
            began_at=each.began_at,
            ended_at=each.ended_at,
            outcome=each.outcome or "open",
            why=each.why,
            held_by=None,
        )
        for each in runs
    )


def age(length: timedelta) -> str:
    """How long ago, in the largest unit: "48 s", "3 min", "5 h", "12 days"."""
    seconds = max(int(length.total_seconds()), 0)
    for unit, name in ((86_400, "day"), (3_600, "h"), (60, "min")):
        if seconds >= unit:
            count = seconds // unit
            return f"{count} {name}{'s' if name == 'day' and count > 1 else ''}"
    return f"{seconds} s"
