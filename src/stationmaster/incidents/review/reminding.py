"""Reminds of tasks: writes down what is owed by time, and sends it, never twice."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.response import Contact
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import store as incident_store
from stationmaster.incidents.notify.message import Message, Occasion
from stationmaster.incidents.notify.receipt import Receipt
from stationmaster.incidents.review import reminders, tasks_store
from stationmaster.incidents.review.desk import Reviews
from stationmaster.incidents.review.tasks_store import NewReminder, Reminder, State, Task
from stationmaster.incidents.sending import Again, CutOff, Ending, GivenUp, Patience, Sent, Tried
from stationmaster.incidents.sending_loop import Sender
from stationmaster.incidents.store import Incident

Send: TypeAlias = Callable[[Contact, Message], Awaitable[Receipt]]

_TICK_S = 5.0
_AT_ONCE, _TO_ONE = 64, 8
_PATIENCE = Patience(first_wait_s=10.0, longest_wait_s=600.0, most_attempts=10, cut_off=CutOff.NEVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    reminder: Reminder
    task: Task
    incident: Incident


@dataclass(slots=True, kw_only=True)
class Reminding:
    """`link` leads to an incident."""

    reviews: Reviews
    send: Send
    link: Callable[[int], str]
    spec: Callable[[], PlatformSpec]
    sender: Sender[Claimed] = field(init=False)

    def __post_init__(self) -> None:
        """What is cut off is not sent again: one is claimed only where it is sent at once."""
        ground = self.reviews.ground
        queue = ReminderQueue(hand_over=self._hand_over)
        self.sender = Sender(
            what="reminders",
            queue=queue,
            database=ground.database,
            now=ground.clock.now,
            batch=1,
            most_under_way=_AT_ONCE,
            most_to_one=_TO_ONE,
        )

    async def run(self) -> None:
        """For ever. A receiver that hangs does not keep what is owed from being seen."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.sender.run())
            while True:
                await self.look()
                self.reviews.unsent.set(self.sender.troubles())
                await asyncio.sleep(_TICK_S)

    async def look(self) -> None:
        """Shows what is overdue, and writes down of what somebody is to be reminded now."""
        ground = self.reviews.ground
        now = ground.clock.now()
        async with ground.database.read() as connection:
            tasks = await self._open(connection)
            fresh = await self._fresh(connection, tasks, now)
        self.reviews.overdue.set(tuple(each for each in tasks if each.due_at <= now))
        if fresh:
            async with ground.database.write() as connection:
                for each in fresh:
                    await tasks_store.remind(connection, each)

    async def _open(self, connection: AsyncConnection) -> list[Task]:
        """Tasks to be done now: those that an end of an incident left behind wait while it is open again."""
        found = await tasks_store.find(connection, done=False, limit=10_000)
        over = {number: await self._is_over(connection, number) for number in {each.incident for each in found}}
        return [each for each in found if over[each.incident] or each.key.startswith("by-hand/")]

    async def _is_over(self, connection: AsyncConnection, number: int) -> bool:
        incident = await incident_store.incident(connection, number)
        return incident is not None and incident.status.is_over

    async def _fresh(self, connection: AsyncConnection, tasks: Sequence[Task], now: datetime) -> list[NewReminder]:
        owed = {each.id: moment for each in tasks if (moment := _owed(each, now)) is not None}
        written = await tasks_store.reminder_keys(connection, list(owed))
        directory = self.reviews.ground.directory()
        found = []
        for task in tasks:
            moment = owed.get(task.id)
            if moment is None or any(key.startswith(f"{moment.key}/") for number, key in written if number == task.id):
                continue
            incident = await incident_store.known(connection, task.incident)
            for told in reminders.whom(task.owner, incident.channels, directory, now):
                key = f"{moment.key}/{told.to}"
                found.append(
                    NewReminder(
                        task=task.id,
                        key=key,
                        occasion=moment.occasion.value,
                        to=told.to,
                        contact=told.contact,
                        at=told.at,
                    )
                )
        return found

    async def _hand_over(self, claimed: Claimed) -> Receipt:
        return await self.send(claimed.reminder.contact, self.message(claimed))

    def message(self, claimed: Claimed) -> Message:
        task, incident, environment = claimed.task, claimed.incident, self.spec().environment
        when = {"soon": "is due at", "due": "is due now:", "late": "was due at"}[claimed.reminder.occasion]
        due = f"{task.due_at:%Y-%m-%d %H:%M UTC}"
        text = f"{task.text}\n\nThe task {when} {due}. `stm review task done {task.id}` says that it is done."
        return Message(
            occasion=Occasion.TASK,
            key=f"task/{task.id}/{claimed.reminder.key}",
            group=f"stationmaster/{environment}/task/{task.id}",
            number=incident.number,
            title=task.text,
            severity=incident.severity,
            urgency="low",
            status=incident.status.value,
            service=incident.service,
            environment=incident.environment,
            since=incident.opened_at,
            text=text,
            link=self.link(incident.number),
        )


HandOver: TypeAlias = Callable[[Claimed], Awaitable[Receipt]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderQueue:
    hand_over: HandOver

    @property
    def patience(self) -> Patience:
        return _PATIENCE

    async def due(
        self, connection: AsyncConnection, now: datetime, limit: int, full: Collection[Hashable]
    ) -> Sequence[int]:
        owed = await tasks_store.reminders_in(connection, State.OWED)
        return [each.id for each in owed if each.next_at <= now and _receiver(each) not in full][:limit]

    async def next_due(self, connection: AsyncConnection) -> datetime | None:
        owed = await tasks_store.reminders_in(connection, State.OWED)
        return min((each.next_at for each in owed), default=None)

    async def claim(self, connection: AsyncConnection, keys: Sequence[int], now: datetime) -> Sequence[Claimed]:
        owed = [each for each in await tasks_store.reminders_in(connection, State.OWED) if each.id in keys]
        found = [await self._claim(connection, each, now) for each in owed]
        return [each for each in found if each is not None]

    async def _claim(self, connection: AsyncConnection, each: Reminder, now: datetime) -> Claimed | None:
        """None where nothing is to be sent any more."""
        task = await tasks_store.task(connection, each.task)
        incident = await incident_store.known(connection, task.incident)
        if _stands(each, task, incident, now):
            begun = replace(each, state=State.CLAIMED, claimed_at=now, attempts=each.attempts + 1)
            values: dict[str, object] = {"state": State.CLAIMED.value, "claimed_at": now, "attempts": begun.attempts}
            await tasks_store.change_reminders(connection, [each.id], **values)
            return Claimed(reminder=begun, task=task, incident=incident)
        values = {"state": State.NEEDLESS.value, "ended_at": now, "detail": "done, changed or outdated"}
        await tasks_store.change_reminders(connection, [each.id], **values)
        return None

    async def cut_off(self, connection: AsyncConnection) -> Sequence[Claimed]:
        found = []
        for each in await tasks_store.reminders_in(connection, State.CLAIMED):
            task = await tasks_store.task(connection, each.task)
            incident = await incident_store.known(connection, task.incident)
            found.append(Claimed(reminder=each, task=task, incident=incident))
        return found

    async def send(self, item: Claimed) -> Receipt:
        return await self.hand_over(item)

    async def note(self, connection: AsyncConnection, item: Claimed, how: Ending, now: datetime) -> None:
        match how:
            case Sent():
                values: dict[str, object] = {"state": State.SENT.value, "ended_at": now}
            case GivenUp():
                state = State.CUT_OFF if how.cut_off else State.FAILED
                values = {"state": state.value, "ended_at": now}
            case Again():
                values = {"state": State.OWED.value, "next_at": how.at}
        await tasks_store.change_reminders(connection, [item.reminder.id], detail=how.detail, **values)

    async def owed(self, connection: AsyncConnection, now: datetime) -> int:
        found = [
            each
            for state in (State.OWED, State.CLAIMED)
            for each in await tasks_store.reminders_in(connection, state)
            if each.next_at <= now
        ]
        return len(found)

    def tried(self, item: Claimed) -> Tried:
        each = item.reminder
        return Tried(attempts=each.attempts, since=each.claimed_at or each.next_at)

    def receiver(self, item: Claimed) -> Hashable:
        return _receiver(item.reminder)

    def about(self, item: Claimed) -> dict[str, object]:
        return {"incident": item.incident.number, "task": item.task.id, "to": item.reminder.to}


def _receiver(reminder: Reminder) -> Hashable:
    contact = reminder.contact
    return (contact.kind, contact.address, contact.secret_file)


def _stands(reminder: Reminder, task: Task, incident: Incident, now: datetime) -> bool:
    """Whether nothing happened meanwhile that makes it needless: it is done, somebody else's, or a later one is
    owed."""
    moment = _owed(task, now)
    if moment is None or task.done_at is not None or not reminder.key.startswith(f"{moment.key}/"):
        return False
    return incident.status.is_over or task.key.startswith("by-hand/")


def _owed(task: Task, now: datetime) -> reminders.Moment | None:
    return reminders.owed(task.created_at, task.due_at, task.owner, now)
