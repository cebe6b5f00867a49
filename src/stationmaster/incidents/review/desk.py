"""What people do with reviews: read, write, finish, look at what is proposed and measured, and work their tasks."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.problem import PlatformError
from stationmaster.incidents import store as incident_store
from stationmaster.incidents.acts import Acts
from stationmaster.incidents.doing import Ground
from stationmaster.incidents.life import Status
from stationmaster.incidents.review import measuring, store, tasks_store
from stationmaster.incidents.review.drafting import Drafted, Drafting
from stationmaster.incidents.review.durations import By, Measured, Stats, stats
from stationmaster.incidents.review.evidence import ChecksOf, EvidenceOf, nothing_checked, nothing_kept
from stationmaster.incidents.review.owners import check_owner
from stationmaster.incidents.review.proposals import Changed
from stationmaster.incidents.review.reminders import REVIEW
from stationmaster.incidents.review.store import DRAFTER, Review, Version
from stationmaster.incidents.review.tasks_store import NewTask, Task
from stationmaster.incidents.review.worked import RequestsOf, WorkOf, nobody_counted, nothing_worked
from stationmaster.runtime import audit
from stationmaster.runtime.audit import Change
from stationmaster.runtime.board import Cell

_MOST_TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """`versions` are all there ever were; the last is what holds."""

    review: Review
    versions: Sequence[Version]
    tasks: Sequence[Task]
    measured: Measured


def _nothing() -> Cell[tuple[str, ...]]:
    return Cell(())


def _no_texts() -> Cell[tuple[Task, ...]]:
    return Cell(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviews:
    """`by` is always the name of who does it."""

    ground: Ground
    work_of: WorkOf = nothing_worked
    requests_of: RequestsOf = nobody_counted
    checks_of: ChecksOf = nothing_checked
    evidence_of: EvidenceOf = nothing_kept
    overdue: Cell[tuple[Task, ...]] = field(default_factory=_no_texts)
    """Tasks that should have been done."""
    unsent: Cell[tuple[str, ...]] = field(default_factory=_nothing)
    """Reminders that are not taken, in words."""

    @property
    def drafting(self) -> Drafting:
        return Drafting(
            database=self.ground.database,
            spec=lambda: self.ground.declared.value,
            directory=self.ground.directory,
            work_of=self.work_of,
            requests_of=self.requests_of,
        )

    async def all(self, *, unfinished: bool = False, limit: int = 100) -> Sequence[Review]:
        async with self.ground.database.read() as connection:
            return await store.all_of(connection, unfinished=unfinished, limit=limit)

    async def show(self, number: int) -> Shown:
        """Raises PlatformError `unknown-incident` or `no-review`."""
        async with self.ground.database.read() as connection:
            incident = await incident_store.known(connection, number)
            review = await store.known(connection, number)
            versions = await store.versions_of(connection, number)
            tasks = await tasks_store.of_incident(connection, number)
        measured = await self.drafting.measured(incident)
        return Shown(review=review, versions=versions, tasks=tasks, measured=measured)

    async def draft(self, number: int) -> Drafted:
        """A fresh draft of an incident that is over, to look at: it stands nowhere."""
        async with self.ground.database.read() as connection:
            await store.known(connection, number)
        return await self.drafting.draft(number)

    async def write(self, number: int, text: str, *, by: str, instead_of: int | None = None) -> int:
        """Returns the new version's number. Raises PlatformError `written-meanwhile` (409) where somebody wrote one
        after the version `instead_of`, and `empty-review`."""
        if not text.strip():
            raise PlatformError("empty-review", "the review says nothing", hint="`review show` shows what stands there")
        at = self.ground.clock.now()
        async with self.ground.database.write() as connection:
            await store.known(connection, number)
            last = await _last_version(connection, number)
            if instead_of is not None and instead_of != last:
                hint = f"`review show {number}` shows it; put your changes into that"
                message = f"version {last} was written meanwhile"
                raise PlatformError("written-meanwhile", message, hint=hint, status=409)
            version = await store.write(connection, number, by=by, at=at, text=text)
            deed = _Deed(at=at, by=by, action="write", kind="review")
            await audit.record(connection, deed.change(str(number), {"version": last}, {"version": version}))
            return version

    async def finish(self, number: int, *, by: str, why: str = "") -> None:
        """The incident is reviewed from now on, and the task to review it is done. Raises PlatformError `not-now`."""
        at = self.ground.clock.now()
        async with self.ground.database.read() as connection:
            await store.known(connection, number)
            incident = await incident_store.known(connection, number)
        if incident.status is not Status.REVIEWED:
            await Acts(self.ground).review(number, by=by, why=why)
        async with self.ground.database.write() as connection:
            await store.finish(connection, number, by=by, at=at)
            task = await tasks_store.by_key(connection, number, REVIEW)
            if task is not None and task.done_at is None:
                await tasks_store.change(connection, task.id, done_at=at, done_by=by)

    async def proposals(self, number: int) -> tuple[Changed, ...]:
        """What could be better in the runbooks. Raises PlatformError `unknown-incident`."""
        async with self.ground.database.read() as connection:
            incident = await incident_store.known(connection, number)
        return await self.drafting.proposals(incident)

    async def stats(self, since: datetime, by: By, *, drills: bool = False) -> tuple[Stats, ...]:
        services = measuring.services_of(self.ground.declared.value)
        found = await measuring.measured_since(self.ground.database, since, services)
        return stats(found, by, drills=drills)

    async def tasks(self, *, owner: str = "", done: bool | None = None) -> Sequence[Task]:
        async with self.ground.database.read() as connection:
            return await tasks_store.find(connection, owner=owner, done=done)

    async def add_task(self, number: int, text: str, *, due_at: datetime, by: str, owner: str = "") -> Task:
        """To an incident, whatever its status. Raises PlatformError `unknown-incident`, `unknown-owner` or
        `empty-task`."""
        said = _said(text)
        check_owner(owner, by, self.ground.directory().responders)
        at = self.ground.clock.now()
        key = f"by-hand/{uuid.uuid4().hex}"
        async with self.ground.database.write() as connection:
            await incident_store.known(connection, number)
            new = NewTask(key=key, text=said, due_at=due_at, owner=owner or by, source=by)
            await tasks_store.add(connection, number, new, at=at)
            made = await tasks_store.by_key(connection, number, key)
            if made is None:
                raise PlatformError("not-written", "the task was not written", hint="try it again", status=500)
            deed = _Deed(at=at, by=by, action="create", kind="task")
            await audit.record(connection, deed.change(str(made.id), None, _shown(made)))
            return made

    async def do_task(self, task: int, *, by: str) -> Task:
        """Doing it again changes nothing."""
        return await self._change_task(task, by, "done", lambda each: _done(each, self.ground.clock.now(), by))

    async def reopen_task(self, task: int, *, by: str) -> Task:
        return await self._change_task(task, by, "reopen", lambda _: {"done_at": None, "done_by": ""})

    async def edit_task(
        self, task: int, *, by: str, owner: str | None = None, due_at: datetime | None = None, text: str | None = None
    ) -> Task:
        """None leaves it as it is. Raises PlatformError `unknown-task`, `unknown-owner` or `task-done` (409)."""
        check_owner(owner or "", by, self.ground.directory().responders)
        wanted = {"owner": owner, "due_at": due_at, "text": None if text is None else _said(text)}
        values = {name: value for name, value in wanted.items() if value is not None}
        return await self._change_task(task, by, "edit", lambda each: _still(each, values))

    async def _change_task(self, task: int, by: str, action: str, values: Callable[[Task], dict[str, Any]]) -> Task:
        async with self.ground.database.write() as connection:
            before = await tasks_store.task(connection, task)
            changed = values(before)
            if not changed:
                return before
            await tasks_store.change(connection, task, **changed)
            after = await tasks_store.task(connection, task)
            deed = _Deed(at=self.ground.clock.now(), by=by, action=action, kind="task")
            await audit.record(connection, deed.change(str(task), _shown(before), _shown(after)))
            return after

    def troubles(self) -> tuple[str, ...]:
        """Overdue tasks in words, the longest overdue first."""
        late = self.overdue.value
        more = len(late) - _MOST_TOLD
        told = [*map(_late_words, late[:_MOST_TOLD])]
        told += [f"{more} more tasks are overdue: `stm review tasks`"] if more > 0 else []
        return (*told, *self.unsent.value)


def _late_words(task: Task) -> str:
    due = f"{task.due_at:%Y-%m-%d %H:%M UTC}"
    return f"#{task.incident}: task {task.id} ({task.owner or 'nobody’s'}) was due {due}: {task.text[:120]}"


async def _last_version(connection: AsyncConnection, number: int) -> int:
    found = await store.versions_of(connection, number)
    return found[-1].number if found else 0


def is_untouched(versions: Sequence[Version]) -> bool:
    """Whether nobody wrote anything yet."""
    return all(each.by == DRAFTER for each in versions)


def _done(task: Task, at: datetime, by: str) -> dict[str, Any]:
    return {} if task.done_at is not None else {"done_at": at, "done_by": by}


def _still(task: Task, values: dict[str, Any]) -> dict[str, Any]:
    if task.done_at is not None and values:
        hint = f"`review task reopen {task.id}` opens it again"
        raise PlatformError("task-done", f"task {task.id} is done", hint=hint, status=409)
    return values


def _said(text: str) -> str:
    if not text.strip():
        raise PlatformError("empty-task", "the task says nothing", hint="say what is to be done")
    return " ".join(text.split())


def _shown(task: Task) -> dict[str, Any]:
    return {
        "incident": task.incident,
        "text": task.text,
        "owner": task.owner,
        "due_at": task.due_at.isoformat(),
        "done_at": None if task.done_at is None else task.done_at.isoformat(),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Deed:
    """Somebody does something to a task or a review."""

    at: datetime
    by: str
    action: str
    kind: str

    def change(self, name: str, before: Any, after: Any) -> Change:
        return Change(
            at=self.at, who=self.by, action=self.action, kind=self.kind, name=name, before=before, after=after
        )
