"""What reviews ask of the other rooms: the runs of an incident with their files, and what the gateway served."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.loop import Incidents
from stationmaster.incidents.review.desk import Reviews
from stationmaster.incidents.review.worked import (
    AfterTask,
    AlertThreshold,
    Requests,
    Work,
    WorkedFile,
    WorkedRun,
    WorkedStep,
)
from stationmaster.monitor.objectives.indicator import REQUESTS
from stationmaster.monitor.promql.results import QueryError, QueryLimits, Result, Vector
from stationmaster.monitor.query.desk import QueryDesk
from stationmaster.monitor.query.queries import Queries, Terms
from stationmaster.runbooks import journal, store
from stationmaster.runbooks.diagnosis.rank import SAYS
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.library import Shelf, files_of
from stationmaster.runbooks.plan.planned import Effect, PlannedKind, PlannedStep
from stationmaster.runbooks.plan.words import title_of
from stationmaster.runbooks.read.document import ExpectationKind, Runbook
from stationmaster.runbooks.read.knowledge import Use
from stationmaster.runtime.db import Database

_PAST_RUNS = 50
_QUERY_MS = 5_000
_FAILED = "5xx"


def make_reviews(database: Database, incidents: Incidents, shelf: Shelf, desk: QueryDesk | None) -> Reviews:
    declared = incidents.declared
    return Reviews(
        ground=incidents.ground,
        work_of=RunsForReviews(database=database, shelf=shelf, declared=lambda: declared.value),
        requests_of=RequestsForReviews(desk=desk),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsForReviews:
    """The work of one incident, in the words of reviews."""

    database: Database
    shelf: Shelf
    declared: Callable[[], PlatformSpec]

    async def __call__(self, incident: int) -> Work:
        async with self.database.read() as connection:
            wanted = select(store.runs.c.id).where(store.runs.c.incident == incident)
            ids = (await connection.execute(wanted.order_by(store.runs.c.started_at, store.runs.c.id))).scalars().all()
            runs = [run for each in ids if (run := await store.find_run(connection, each)) is not None]
            steps = {run.id: await _steps(connection, run) for run in runs}
            past = {run.id: await _past(connection, run) for run in runs}
        books = {each.file: each for each in self.shelf.runbooks()}
        files = {run.file: await asyncio.to_thread(_file, run.file, books.get(run.file)) for run in runs}
        home = next(iter(self.declared().runbooks), None)
        found = None if home is None else await asyncio.to_thread(_home, home)
        made = tuple(_run(run, files[run.file], steps[run.id], past[run.id]) for run in runs)
        return Work(runs=made) if found is None else Work(runs=made, home=found[0], taken=found[1])


def _run(
    run: store.Run, file: WorkedFile, steps: tuple[WorkedStep, ...], past: tuple[int, tuple[tuple[str, int], ...]]
) -> WorkedRun:
    return WorkedRun(
        id=run.id,
        runbook=run.runbook,
        digest=run.digest,
        outcome=run.outcome.value if run.outcome else "",
        detail=run.detail,
        started_at=run.started_at,
        ended_at=run.ended_at,
        file=file,
        steps=steps,
        past_runs=past[0],
        past_skips=past[1],
        fingerprint=run.fingerprint,
    )


async def _steps(connection: AsyncConnection, run: store.Run) -> tuple[WorkedStep, ...]:
    """In the order of the plan; those that the run did not come to have no verdict."""
    if run.plan is None:
        return ()
    rows = {row.key: row for row in await connection.execute(select(store.steps).where(store.steps.c.run == run.id))}
    told = select(journal.events.c.step, journal.events.c.body).where(
        journal.events.c.run == run.id, journal.events.c.kind == "StepEnded"
    )
    outputs = {
        row.step: str(row.body.get("output", ""))
        for row in await connection.execute(told.order_by(journal.events.c.number))
    }
    return tuple(_step(each, rows.get(each.key), outputs) for each in run.plan.steps)


def _step(step: PlannedStep, row: object, outputs: Mapping[str, str]) -> WorkedStep:
    runs = step.effect is Effect.COMMAND or bool(step.script) or bool(step.refusal)
    output = outputs.get(step.key) or str(getattr(row, "output", ""))
    expects = any(each.kind is not ExpectationKind.OTHER for each in step.expectations)
    judged = step.kind not in (PlannedKind.CHECK, PlannedKind.WAIT) or expects or _judges_itself(step, output)
    return WorkedStep(
        key=step.key,
        title=step.title,
        kind=step.kind.value,
        command=(step.script or step.title) if runs else "",
        first=step.lines.first,
        last=step.lines.last,
        judged=judged,
        verdict=getattr(row, "verdict", None) or "",
        detail=getattr(row, "detail", ""),
        output=output,
        ended_at=getattr(row, "ended_at", None),
    )


def _judges_itself(step: PlannedStep, output: str) -> bool:
    """A wait tells by its exit status, a check that names a cause in words."""
    return step.script.startswith(("stm wait ", "stationmaster wait ")) or SAYS.search(output) is not None


async def _past(connection: AsyncConnection, run: store.Run) -> tuple[int, tuple[tuple[str, int], ...]]:
    """How many runs of the same text there were, this one among them, and how often each step was skipped."""
    same = (store.runs.c.file == run.file) & (store.runs.c.digest == run.digest) & store.runs.c.ended_at.is_not(None)
    wanted = select(store.runs.c.id).where(same).order_by(store.runs.c.started_at.desc()).limit(_PAST_RUNS)
    ids = (await connection.execute(wanted)).scalars().all()
    skipped = (store.steps.c.run.in_(ids)) & (store.steps.c.verdict == Verdict.SKIPPED.value)
    counted = select(store.steps.c.key, func.count()).where(skipped).group_by(store.steps.c.key)
    return len(ids), tuple((row[0], row[1]) for row in await connection.execute(counted))


def _file(file: str, runbook: Runbook | None) -> WorkedFile:
    path = Path(file)
    root = _root(path.parent)
    try:
        raw = path.read_bytes()
        text: str | None = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raw, text = b"", None
    known = runbook.knowledge if runbook is not None else None
    limits = known.thresholds if known else ()
    return WorkedFile(
        file=file,
        root=str(root),
        path=_below(path, root),
        text=text,
        digest=hashlib.sha256(raw).hexdigest(),
        thresholds=tuple(AlertThreshold(text=each.text, line=each.line) for each in limits if each.use is Use.ALERT),
        judged=_judged(runbook),
        tasks=tuple(
            AfterTask(text=each.text, group=each.group, due_s=each.due_s)
            for each in (known.tasks if known else ())
            if not each.done
        ),
    )


def _judged(runbook: Runbook | None) -> frozenset[str]:
    """Steps that only hold expectations judge the step that they name."""
    steps = () if runbook is None else tuple(runbook.walk())
    testable = {
        address
        for each in steps
        for address in (each.address, each.judges)
        if any(one.kind is not ExpectationKind.OTHER for one in each.expectations)
    }
    return frozenset(title_of(one.text) for each in steps if each.address in testable for one in each.commands)


def _home(folder: Path) -> tuple[tuple[str, str], frozenset[str]]:
    """The folder where a new runbook would stand, and the names that are taken there."""
    place = folder if folder.is_dir() else folder.parent
    root = _root(place)
    below = _below(place, root)
    return (str(root), "" if below == "." else below), frozenset(each.name for each in files_of(place))


def _root(folder: Path) -> Path:
    """The work tree of git that the folder is in; the folder itself where there is none."""
    whole = folder.resolve()
    return next((each for each in (whole, *whole.parents) if (each / ".git").exists()), whole)


def _below(path: Path, root: Path) -> str:
    whole = path.resolve()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else path.name


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestsForReviews:
    """What the gateway counted, asked of the samples that are kept."""

    desk: QueryDesk | None

    async def __call__(self, since: datetime, until: datetime, apis: Sequence[str]) -> Requests | None:
        """Of whole seconds, at least a minute: a counter needs two samples."""
        if self.desk is None:
            return None
        span_s = max(int((until - since).total_seconds()) + 1, 60)
        at_ms = int(until.timestamp() * 1000)
        query = f"sum by (api, code_class) (increase({REQUESTS}[{span_s}s]))"

        def work(queries: Queries, terms: Terms) -> Result:
            return queries.instant(query, at_ms, terms)

        try:
            found = await self.desk.ask(work, Terms(limits=QueryLimits(timeout_ms=_QUERY_MS)))
        except QueryError:
            return None
        return _requests(found.value, apis) if isinstance(found.value, Vector) else None


def _requests(found: Vector, apis: Sequence[str]) -> Requests | None:
    totals: dict[str, list[float]] = {}
    for each in found.samples:
        labels = dict(each.labels)
        api = labels.get("api", "")
        if apis and api not in apis:
            continue
        counted = totals.setdefault(api, [0.0, 0.0])
        counted[0] += each.value
        counted[1] += each.value if labels.get("code_class") == _FAILED else 0.0
    if not totals:
        return None
    return Requests(
        total=sum(each[0] for each in totals.values()),
        failed=sum(each[1] for each in totals.values()),
        by_api=tuple((api, each[0], each[1]) for api, each in sorted(totals.items())),
    )
