"""The face of a run without a server: plans any runbook, works it with an operator, and goes on after a crash."""

import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks import journal, store
from stationmaster.runbooks.changing import CheckSecond
from stationmaster.runbooks.driving import Driving
from stationmaster.runbooks.hands import Hands
from stationmaster.runbooks.journal import Write
from stationmaster.runbooks.journal_file import open_journal, telling
from stationmaster.runbooks.library import load_file
from stationmaster.runbooks.permit import Policy
from stationmaster.runbooks.plan.alone import plan_alone
from stationmaster.runbooks.plan.planned import Plan, PlannedKind
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.request import RunRequest, kept_request, request_again
from stationmaster.runbooks.run import Finish, Outcome
from stationmaster.runbooks.talk import NeedsPersonError, Operator, RunEvent, RunFinished, RunOpened
from stationmaster.runbooks.worked import Worked
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.lock import acquire, holder, own_folder

__all__ = ["Alone", "CheckSecond", "NeedsPersonError", "RunRequest", "RunSummary", "plan_alone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """`outcome` is None while a run is open; `held_by` is the process that works it at this moment, if any."""

    id: str
    runbook: str
    file: str
    host: str
    requested_by: str
    started_at: datetime
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    why: str = ""
    held_by: int | None = None


@dataclass(slots=True, kw_only=True)
class Alone:
    """Works runs whose journal is `journal`: a file of its own, or the platform's store. `locks` is the folder of the
    lock files; beside a journal file it is the journal's own."""

    journal: Path | Database
    operator: Operator
    check_second: CheckSecond | None = None
    parallel: int = 4
    locks: Path | None = None
    now: Callable[[], datetime] = utc_now
    _opened: Database | None = field(default=None, init=False)
    _working: Worked | None = field(default=None, init=False)

    async def start(self, request: RunRequest) -> RunFinished:
        """Plans and works a new run. Raises PlatformError when another run of the same runbook is under way, or stands
        open and is not to be given up."""
        plan = plan_alone(request)
        if not plan.steps:
            hint = "see what was understood of it: stm runbook read"
            raise PlatformError("no-steps", f"{request.runbook.file} has no step that could be done", hint=hint)
        database = await self._database()
        file, subject = _file_of(request.runbook), request.subject
        with self._held(file, subject):
            await self._leave_behind(database, request)
            at = self.now()
            run = store.Run(
                id=_new_id(request.runbook, at),
                incident=0,
                fingerprint="",
                alert_at=at,
                runbook=request.runbook.title,
                file=file,
                digest=request.runbook.digest,
                why=f"asked for by {request.requested_by}",
                plan=plan,
                started_at=at,
                host=subject,
                requested_by=request.requested_by,
                request=kept_request(request),
            )
            async with telling(self._file), database.write() as connection:
                await store.create_run(connection, run)
            worked = self._worked(database, run.id, plan, request)
            return await self._work(worked, resumed=False)

    async def resume(
        self,
        run: str,
        *,
        env: Mapping[str, str] | None = None,
        policy: Policy | None = None,
        values: Mapping[str, str] | None = None,
    ) -> RunFinished:
        """Goes on with a run that was interrupted, by the plan that it began with. `env` and `values` give anew what
        is not journaled: the environment and secrets."""
        database = await self._database()
        found = await self._find(database, run)
        if found.ended_at is not None:
            why = f"{run} has ended: {found.detail}"
            raise PlatformError("run-ended", why, hint="start the runbook anew", status=409)
        if found.plan is None:
            hint = "abandon it, and start the runbook anew"
            raise PlatformError("plan-unreadable", f"the plan of {run} cannot be read by this version", hint=hint)
        with self._held(found.file, found.host):
            runbook = Runbook(file=found.file, digest=found.digest, title=found.runbook)
            again = found.request or {}
            request = request_again(again, runbook, env=dict(os.environ) if env is None else env, values=values or {})
            request = request if policy is None else replace(request, policy=policy)
            worked = self._worked(database, run, found.plan, request)
            worked.doubts = _changes_since(found)
            return await self._work(worked, resumed=True)

    def skip(self, step: str, by: str) -> None:
        """Ends what runs of a step at this moment: a look is skipped, a change has failed."""
        if self._working is not None:
            self._working.halted_by = by
            self._working.halt(step).set()

    async def abandon(self, run: str, *, why: str) -> None:
        """Ends an interrupted run for good; it cannot be resumed any more."""
        database = await self._database()
        found = await self._find(database, run)
        with self._held(found.file, found.host):
            await self._end(database, run, Finish(outcome=Outcome.ABORTED, why=why))

    async def runs(self) -> list[RunSummary]:
        """Every run of the journal, newest first."""
        database = await self._database()
        async with telling(self._file), database.read() as connection:
            found = await store.worked_runs(connection)
        return [self._summary(each) for each in found]

    async def story(self, run: str) -> tuple[RunEvent, ...]:
        """Every event of a run in order; outputs are kept head and tail, secrets redacted."""
        database = await self._database()
        found = await self._find(database, run)
        plan = found.plan or Plan(runbook=found.runbook, digest=found.digest, instance="", service="", steps=())
        async with telling(self._file), database.read() as connection:
            return await journal.story(connection, run, plan)

    async def close(self) -> None:
        """Lets go of the journal's file."""
        if self._opened is not None:
            await self._opened.close()
            self._opened = None

    # The loop

    async def _work(self, worked: Worked, *, resumed: bool) -> RunFinished:
        await worked.load()
        async with telling(self._file), worked.database.read() as connection:
            ended = await journal.ended_steps(connection, worked.run)
        opened = RunOpened(at=self.now(), run=worked.run, plan=worked.plan, resumed=resumed, ended=ended)
        await worked.write(Write(events=[opened]))
        hands = Hands(worked=worked, check_second=self.check_second)
        self._working = worked
        try:
            finish = await Driving(worked=worked, hands=hands, parallel=self.parallel).to_end()
        except NeedsPersonError as error:
            return await self._stopped(worked, error.message)
        finally:
            self._working = None
        return await self._finished(worked, finish)

    async def _finished(self, worked: Worked, finish: Finish) -> RunFinished:
        return await self._end(worked.database, worked.run, finish, tell=worked)

    async def _stopped(self, worked: Worked, why: str) -> RunFinished:
        """The run stays open; only its story says that it was left."""
        event = RunFinished(at=self.now(), run=worked.run, outcome=Outcome.STOPPED, why=why)
        await worked.write(Write(events=[event]))
        return event

    async def _end(self, database: Database, run: str, finish: Finish, *, tell: Worked | None = None) -> RunFinished:
        at = self.now()
        event = RunFinished(at=at, run=run, outcome=finish.outcome, why=finish.why)
        async with telling(self._file), database.write() as connection:
            number = await journal.next_number(connection, run)
            await journal.write(connection, run, Write(events=[event]), number=number, at=at)
            await store.end_run(connection, run, outcome=finish.outcome, detail=finish.why, at=at)
        if tell is not None:
            tell.operator.told(event)
        return event

    # One run of a runbook at a time

    async def standing(self, request: RunRequest) -> RunSummary | None:
        """The newest run that `request` would take the place of: open, and worked by nobody at this moment."""
        database = await self._database()
        found = [self._summary(each) for each in await self._open_ones(database, request)]
        return next((each for each in found if each.held_by is None), None)

    async def _open_ones(self, database: Database, request: RunRequest) -> list[store.Run]:
        wanted = (_file_of(request.runbook), request.subject)
        async with telling(self._file), database.read() as connection:
            found = await store.worked_runs(connection)
        return [each for each in found if each.ended_at is None and (each.file, each.host) == wanted]

    async def _leave_behind(self, database: Database, request: RunRequest) -> None:
        """Runs of the same runbook that nobody works any more: one that may be in the middle of a change has to be
        resumed or abandoned first, any other is given up for the new one where that is wanted."""
        for each in await self._open_ones(database, request):
            async with telling(self._file), database.read() as connection:
                begun = await journal.entries(connection, each.id)
            steps = each.plan.steps if each.plan is not None else ()
            changes = {step.key for step in steps if step.kind is PlannedKind.ACTION}
            unknown = [key for key, entry in begun.items() if entry.verdict is None and key in changes]
            if unknown:
                message = f"{each.id} was interrupted in step {unknown[0]}, and nobody knows whether that happened"
                hint = f"resume it: stm runbook resume {each.id}"
                raise PlatformError("run-interrupted", message, hint=hint, status=409)
            if not request.anew:
                ended = sum(entry.verdict is not None for entry in begun.values())
                message = f"run {each.id} of this runbook stands open: {ended} of {len(steps)} steps have ended"
                hint = f"go on with it: stm runbook resume {each.id}; give it up for a new one: run … --anew"
                raise PlatformError("run-open", message, hint=hint, status=409)
            why = f"{request.requested_by} began a new run in its place"
            await self._end(database, each.id, Finish(outcome=Outcome.ABORTED, why=why))

    @contextmanager
    def _held(self, file: str, subject: str) -> Iterator[None]:
        path = self._lock_path(file, subject)
        own_folder(path.parent)
        lock = acquire(path)
        if lock is None:
            who = holder(path)
            process = f" (process {who})" if who is not None else ""
            message = f"a run of {file}{f' on {subject}' if subject else ''} is under way already{process}"
            hint = "wait until it ends, or look at it with `stm runbook runs`"
            raise PlatformError("run-under-way", message, hint=hint, status=409)
        try:
            yield
        finally:
            lock.release()

    def _lock_path(self, file: str, subject: str) -> Path:
        name = hashlib.sha256(f"{file}\0{subject}".encode()).hexdigest()[:20]
        folder = self.locks
        if folder is None and isinstance(self.journal, Path):
            folder = self.journal.parent / f"{self.journal.name}.locks"
        return (folder or Path(tempfile.gettempdir()) / f"stationmaster-runs-{os.getuid()}") / f"{name}.lock"

    def _summary(self, run: store.Run) -> RunSummary:
        held_by = holder(self._lock_path(run.file, run.host)) if run.ended_at is None else None
        return RunSummary(
            id=run.id,
            runbook=run.runbook,
            file=run.file,
            host=run.host,
            requested_by=run.requested_by,
            started_at=run.started_at,
            ended_at=run.ended_at,
            outcome=run.outcome,
            why=run.detail,
            held_by=held_by,
        )

    # The journal

    @property
    def _file(self) -> Path | None:
        return self.journal if isinstance(self.journal, Path) else None

    async def _database(self) -> Database:
        if isinstance(self.journal, Database):
            return self.journal
        if self._opened is None:
            self._opened = await open_journal(self.journal)
        return self._opened

    async def _find(self, database: Database, run: str) -> store.Run:
        async with telling(self._file), database.read() as connection:
            found = await store.find_run(connection, run)
        if found is None or found.incident:
            raise PlatformError("no-such-run", f"there is no run {run}", hint="see `stm runbook runs`", status=404)
        return found

    def _worked(self, database: Database, run: str, plan: Plan, request: RunRequest) -> Worked:
        return Worked(
            run=run,
            plan=plan,
            request=request,
            database=database,
            file=self._file,
            operator=self.operator,
            now=self.now,
        )


def _file_of(runbook: Runbook) -> str:
    return os.path.abspath(runbook.file)  # noqa: PTH100 pathlib's `resolve` would follow links


def _changes_since(run: store.Run) -> tuple[str, ...]:
    """A run goes on by the plan that it began with; what its document has become since is told before any change."""
    path = Path(run.file)
    if not path.is_file():
        return ()
    runbook, _ = load_file(path)
    if runbook is not None and runbook.digest == run.digest:
        return ()
    return ("the runbook has been edited since this run began, which goes on as it was then",)


def _new_id(runbook: Runbook, at: datetime) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", runbook.title.lower()).strip("-")[:30].strip("-") or "run"
    return f"{at:%Y%m%d-%H%M%S}-{slug}-{secrets.token_hex(2)}"
