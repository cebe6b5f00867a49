"""Joins the reports of drills with the runs of their incidents: which runbooks were worked in which drill last."""

from collections.abc import Sequence

from sqlalchemy import select

from stationmaster.core.drilled import DrilledRunbook
from stationmaster.drills.store import reports
from stationmaster.runbooks.store import runs
from stationmaster.runtime.db import Database

_MOST_REPORTS = 500


async def drilled_runbooks(database: Database) -> Sequence[DrilledRunbook]:
    """The newest drill of each text of each runbook, the newest first; of the last 500 reports."""
    columns = (reports.c.drill, reports.c.ended_at, reports.c.passed, reports.c.body["incidents"].label("incidents"))
    wanted = select(*columns).order_by(reports.c.ended_at.desc()).limit(_MOST_REPORTS)
    async with database.read() as connection:
        told = {number: row for row in reversed((await connection.execute(wanted)).all()) for number in _numbers(row)}
        of_runs = select(runs.c.incident, runs.c.runbook, runs.c.file, runs.c.digest, runs.c.outcome)
        worked = (await connection.execute(of_runs.where(runs.c.incident.in_(sorted(told))))).all()
    found: dict[tuple[str, str], DrilledRunbook] = {}
    for run in worked:
        report = told[run.incident]
        made = DrilledRunbook(
            runbook=run.runbook,
            file=run.file,
            digest=run.digest,
            drill=report.drill,
            at=report.ended_at,
            passed=report.passed == "yes",
            outcome=run.outcome or "",
            incident=run.incident,
        )
        key = (made.file, made.digest)
        if key not in found or found[key].at < made.at:
            found[key] = made
    return sorted(found.values(), key=lambda each: each.at, reverse=True)


def _numbers(row: object) -> tuple[int, ...]:
    """Whoever sent the report may have written anything there."""
    numbers = getattr(row, "incidents", None)
    return tuple(each for each in numbers if type(each) is int) if isinstance(numbers, list) else ()
