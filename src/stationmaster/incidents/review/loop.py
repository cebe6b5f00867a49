"""Keeps reviews going: one is owed when an incident is resolved, and a moment later it is drafted, with its tasks."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import Fact, IncidentChanged, IncidentResolved
from stationmaster.incidents import store as incident_store
from stationmaster.incidents.life import DONE, Act
from stationmaster.incidents.review import store, tasks_store
from stationmaster.incidents.review.desk import Reviews, is_untouched
from stationmaster.incidents.review.drafting import Drafted
from stationmaster.incidents.review.reminders import REVIEW
from stationmaster.incidents.review.store import DRAFTER, Review
from stationmaster.incidents.timeline import Entry
from stationmaster.runtime import outbox
from stationmaster.runtime.metrics import Reading

CONSUMER = "reviews"
_TICK_S = 2.0
_BATCH = 100
_TOLD_WITHIN = timedelta(seconds=10)
"""So long a draft waits for the last line of the timeline."""

log = structlog.get_logger("reviews")


@dataclass(frozen=True, slots=True)
class ReviewLoop:
    """A draft that fails comes after all others the next time: it holds none of them up."""

    reviews: Reviews
    _failed: Counter[int] = field(default_factory=Counter)

    async def consume(self) -> None:
        """Hands every fact to `handle`, for ever."""
        await outbox.consume(self.reviews.ground.database, CONSUMER, self.handle)

    async def handle(self, connection: AsyncConnection, fact: Fact) -> None:
        """What was merged into another incident is reviewed with that."""
        match fact:
            case IncidentResolved(incident=number, at=at):
                incident = await incident_store.incident(connection, number)
                if incident is not None and incident.merged_into is None:
                    await store.begin(connection, number, resolved_at=at)
            case IncidentChanged(incident=number, act=act):
                if act == DONE[Act.REOPEN]:
                    await store.drop(connection, number)
                elif act == DONE[Act.REVIEW]:
                    await finished(connection, fact)

    async def run(self) -> None:
        """Drafts what is owed, for ever."""
        database = self.reviews.ground.database
        while True:
            seen = database.committed.count
            await self.draft_owed()
            await database.committed.beyond(seen, _TICK_S)
            await asyncio.sleep(0.2)  # one look for many commits

    async def draft_owed(self) -> int:
        """Returns how many were drafted."""
        async with self.reviews.ground.database.read() as connection:
            owed = await store.owed(connection, _BATCH)
            ready = [each for each in owed if await self._is_told(connection, each)]
        for review in sorted(ready, key=lambda each: self._failed[each.incident]):
            self._failed[review.incident] += 1
            await self._keep(review, await self.reviews.drafting.draft(review.incident))
            del self._failed[review.incident]
        return len(ready)

    async def _is_told(self, connection: AsyncConnection, review: Review) -> bool:
        """Whether the timeline has its end already: somebody else writes that."""
        if self.reviews.ground.clock.now() - review.resolved_at > _TOLD_WITHIN:
            return True
        lines = await incident_store.entries(connection, review.incident)
        return any(line.kind == "incident.resolved" and line.at >= review.resolved_at - _SLACK for line in lines)

    async def _keep(self, review: Review, drafted: Drafted) -> None:
        """All at once, or nothing; what people have written stays what holds."""
        at = self.reviews.ground.clock.now()
        number = review.incident
        async with self.reviews.ground.database.write() as connection:
            if not await store.drafted(connection, review, at):
                return
            untouched = is_untouched(await store.versions_of(connection, number))
            if untouched:
                await store.write(connection, number, by=DRAFTER, at=at, text=drafted.text)
            for each in drafted.tasks:
                await tasks_store.add(connection, number, each, at=at)
            await self._postpone(connection, review, drafted)
            what = "a draft of the review stands" if untouched else "the review that people wrote stays as it is"
            text = f"{what}; {len(drafted.tasks)} task(s) are left to do"
            key = f"review/{int(review.resolved_at.timestamp() * 1000)}"
            entry = Entry(at=at, kind="review.drafted", by=DRAFTER, text=text, key=key)
            await incident_store.add_entry(connection, number, entry)
        log.info("review drafted", incident=number, tasks=len(drafted.tasks))

    async def _postpone(self, connection: AsyncConnection, review: Review, drafted: Drafted) -> None:
        """After a reopening due times count from the newest end."""
        wanted = {each.key: each.due_at for each in drafted.tasks}
        for task in await tasks_store.of_incident(connection, review.incident):
            again = task.key in wanted and task.created_at < review.resolved_at
            if again and task.done_at is None and wanted[task.key] > task.due_at:
                await tasks_store.change(connection, task.id, due_at=wanted[task.key])

    async def readings(self) -> Iterable[Reading]:
        """For /metrics."""
        tasks = await self.reviews.tasks(done=False)
        return [
            Reading(name="review_tasks_open", help="Tasks of incidents that are not done.", samples={(): len(tasks)}),
            Reading(
                name="review_tasks_overdue",
                help="Tasks of incidents that should have been done.",
                labels=("service",),
                samples=await self._overdue(),
            ),
            Reading(
                name="reviews_unfinished",
                help="Reviews of resolved incidents that nobody has finished.",
                samples={(): len(await self.reviews.all(unfinished=True, limit=10_000))},
            ),
        ]

    async def _overdue(self) -> dict[tuple[str, ...], float]:
        found: dict[tuple[str, ...], float] = {}
        services = await self._services([each.incident for each in self.reviews.overdue.value])
        for each in self.reviews.overdue.value:
            label = (services.get(each.incident, ""),)
            found[label] = found.get(label, 0.0) + 1.0
        return found

    async def _services(self, numbers: Sequence[int]) -> dict[int, str]:
        async with self.reviews.ground.database.read() as connection:
            found = [await incident_store.incident(connection, number) for number in sorted(set(numbers))]
        return {each.number: each.service for each in found if each is not None}


_SLACK = timedelta(milliseconds=1)
"""Moments are kept as floating seconds."""


async def finished(connection: AsyncConnection, fact: IncidentChanged) -> None:
    """By whatever way somebody said that the incident is reviewed."""
    review = await store.find(connection, fact.incident)
    if review is not None and review.finished_at is None:
        await store.finish(connection, fact.incident, by=fact.by, at=fact.at)
    task = await tasks_store.by_key(connection, fact.incident, REVIEW)
    if task is not None and task.done_at is None:
        await tasks_store.change(connection, task.id, done_at=fact.at, done_by=fact.by)
