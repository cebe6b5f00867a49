"""Sends the reminders of tasks: written down when they are owed, claimed before they are sent, never sent twice."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.response import Contact
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import store as incident_store
from stationmaster.incidents.notify.message import Message, Occasion
from stationmaster.incidents.notify.receipt import Delivery, Receipt
from stationmaster.incidents.review import reminders, tasks_store
from stationmaster.incidents.review.desk import Reviews
from stationmaster.incidents.review.tasks_store import NewReminder, Reminder, State, Task
from stationmaster.incidents.store import Incident

Send: TypeAlias = Callable[[Contact, Message], Awaitable[Receipt]]

_TICK_S, _AT_ONCE = 5.0, 8
_MOST_ATTEMPTS = 10
_FIRST_WAIT_S, _LONGEST_WAIT_S = 10.0, 600.0

log = structlog.get_logger("reminders")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    reminder: Reminder
    task: Task
    incident: Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminding:
    """`send` keeps a time limit of its own; `link` leads to an incident."""

    reviews: Reviews
    send: Send
    link: Callable[[int], str]
    spec: Callable[[], PlatformSpec]

    async def run(self) -> None:
        """For ever."""
        await self.begin()
        while True:
            due = await self.tick()
            for first in range(0, len(due), _AT_ONCE):
                await asyncio.gather(*map(self.finish, due[first : first + _AT_ONCE]))
            await asyncio.sleep(_TICK_S)

    async def begin(self) -> None:
        """What was being sent when the process ended may have arrived: it is not sent again."""
        async with self.reviews.ground.database.write() as connection:
            cut = await tasks_store.reminders_in(connection, State.CLAIMED)
            at = self.reviews.ground.clock.now()
            ids = [each.id for each in cut]
            why = "the process ended while it was being sent"
            await tasks_store.change_reminders(connection, ids, state=State.CUT_OFF.value, ended_at=at, detail=why)
        if cut:
            log.warning("reminders were cut off", reminders=len(cut))

    async def tick(self) -> list[Reminder]:
        """Shows what is overdue, writes down what is owed, and gives what is to be sent now."""
        ground = self.reviews.ground
        now = ground.clock.now()
        async with ground.database.read() as connection:
            tasks = await self._open(connection)
            fresh = await self._fresh(connection, tasks, now)
            waiting = await tasks_store.reminders_in(connection, State.OWED)
        self.reviews.overdue.set(tuple(each for each in tasks if each.due_at <= now))
        if fresh:
            async with ground.database.write() as connection:
                for each in fresh:
                    await tasks_store.remind(connection, each)
                waiting = await tasks_store.reminders_in(connection, State.OWED)
        return [each for each in waiting if each.next_at <= now]

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

    async def _claim(self, connection: AsyncConnection, each: Reminder, now: datetime) -> Claimed | None:
        """None where nothing is to be sent any more."""
        task = await tasks_store.task(connection, each.task)
        incident = await incident_store.known(connection, task.incident)
        if self._stands(each, task, incident, now):
            values: dict[str, object] = {"state": State.CLAIMED.value, "claimed_at": now, "attempts": each.attempts + 1}
            await tasks_store.change_reminders(connection, [each.id], **values)
            return Claimed(reminder=each, task=task, incident=incident)
        values = {"state": State.NEEDLESS.value, "ended_at": now, "detail": "done, changed or outdated"}
        await tasks_store.change_reminders(connection, [each.id], **values)
        return None

    def _stands(self, reminder: Reminder, task: Task, incident: Incident, now: datetime) -> bool:
        """Whether nothing happened meanwhile that makes it needless: it is done, somebody else's, or a later one is
        owed."""
        moment = _owed(task, now)
        if moment is None or task.done_at is not None or not reminder.key.startswith(f"{moment.key}/"):
            return False
        return incident.status.is_over or task.key.startswith("by-hand/")

    async def finish(self, reminder: Reminder) -> None:
        """Claims it, sends it, and notes how it went."""
        async with self.reviews.ground.database.write() as connection:
            claimed = await self._claim(connection, reminder, self.reviews.ground.clock.now())
        if claimed is None:
            return
        receipt = await self.send(claimed.reminder.contact, self.message(claimed))
        now = self.reviews.ground.clock.now()
        async with self.reviews.ground.database.write() as connection:
            await tasks_store.change_reminders(connection, [claimed.reminder.id], **_noted(claimed, receipt, now))
        log.info(
            "reminder",
            incident=claimed.incident.number,
            task=claimed.task.id,
            to=claimed.reminder.to,
            outcome=receipt.delivery.value,
            detail=receipt.detail,
        )

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


def _owed(task: Task, now: datetime) -> reminders.Moment | None:
    return reminders.owed(task.created_at, task.due_at, task.owner, now)


def _noted(claimed: Claimed, receipt: Receipt, now: datetime) -> dict[str, object]:
    attempts = claimed.reminder.attempts + 1
    if receipt.delivery is Delivery.DELIVERED:
        return {"state": State.SENT.value, "ended_at": now, "detail": receipt.detail}
    if receipt.delivery is Delivery.REFUSED or attempts >= _MOST_ATTEMPTS:
        return {"state": State.FAILED.value, "ended_at": now, "detail": receipt.detail}
    wait_s = max(min(_FIRST_WAIT_S * 2.0 ** (attempts - 1), _LONGEST_WAIT_S), receipt.retry_after_s)
    return {"state": State.OWED.value, "next_at": now + timedelta(seconds=wait_s), "detail": receipt.detail}
