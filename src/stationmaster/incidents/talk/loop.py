"""Watches when incidents owe news: has their channels told, and hears of what was put on the status page."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import Fact, IncidentChanged, IncidentOpened, IncidentResolved, RunStarted, StatusPosted
from stationmaster.incidents import store as incident_store
from stationmaster.incidents.paper import What
from stationmaster.incidents.store import Incident
from stationmaster.incidents.talk import knowing, notices, store
from stationmaster.incidents.talk.desk import Talk
from stationmaster.incidents.talk.drafts import draft, worded
from stationmaster.incidents.talk.moments import Template, Word
from stationmaster.incidents.talk.notices import Notice
from stationmaster.incidents.talk.owed import Decision, decide
from stationmaster.incidents.talk.places import duration_text
from stationmaster.incidents.talk.store import Fresh, Publication
from stationmaster.incidents.timeline import Entry
from stationmaster.runtime import outbox

log = structlog.get_logger("updates")

CONSUMER = "updates"
_TICK_S, _PAUSE_S = 1.0, 0.2
_BATCH = 20
_MOST_SHOWN = 1000


@dataclass(slots=True)
class Updates:
    talk: Talk
    _every_s: float = 0.0

    async def run(self) -> None:
        """For ever."""
        committed = self.talk.ground.database.committed
        await self.begin()
        while True:
            seen = committed.count
            await self.settle()
            await self.tick()
            await asyncio.sleep(_PAUSE_S)  # one look for many commits
            await committed.beyond(seen, _TICK_S)

    async def begin(self) -> None:
        """After a start: what is open and was never looked at is looked at; what was to be published is published."""
        async with self.talk.ground.database.write() as connection:
            await store.look_at_unknown(connection, self.talk.ground.clock.now())
        async with self.talk.turn:
            await self.settle()
            async with self.talk.ground.database.read() as connection:
                left = await store.wanted(connection)
            for each in left:
                await self.talk.put_out(each)

    async def settle(self) -> None:
        """Hears of everything that happened."""
        while await outbox.drain_at_once(self.talk.ground.database, CONSUMER, self.handle):
            pass

    async def handle(self, connection: AsyncConnection, fact: Fact) -> None:
        match fact:
            case IncidentOpened() | IncidentChanged() | IncidentResolved() | RunStarted():
                await store.change(connection, fact.incident, look_at=fact.at)
            case StatusPosted():
                await self._posted(connection, fact)

    async def tick(self) -> None:
        """Everything that is due at this moment."""
        ground = self.talk.ground
        await self._hear_of_another_pace()
        while True:
            async with ground.database.read() as connection:
                numbers = await store.to_look_at(connection, ground.clock.now(), _BATCH)
            if not numbers:
                break
            templates = {number: await self.talk.messages(number) for number in numbers}
            async with ground.database.write() as connection:
                for number in numbers:
                    await self._look(connection, number, templates[number])
        await self._show()

    async def _hear_of_another_pace(self) -> None:
        every_s = self.talk.every_s(())
        if every_s != self._every_s:
            async with self.talk.ground.database.write() as connection:
                await store.look_soon(connection, self.talk.ground.clock.now())
            self._every_s = every_s

    async def _look(self, connection: AsyncConnection, number: int, templates: Iterable[Template]) -> None:
        incident = await incident_store.incident(connection, number)
        if incident is None:
            return await store.change(connection, number, look_at=None, due_at=None)
        now, found = self.talk.ground.clock.now(), tuple(templates)
        told_at = await store.told_at(connection, number)
        said = knowing.said_of(incident, await store.last_of(connection, number), told_at)
        decision = decide(said, self.talk.every_s(found), now)
        values = {"look_at": decision.look_at, "due_at": decision.due_at}
        if decision.tell is not None:
            await self._tell(connection, incident, decision, found)
            values["told_at"] = decision.tell
        elif not said.owes:
            await notices.withdraw_owed(connection, number, now)
        return await store.change(connection, number, **values)

    async def _tell(
        self, connection: AsyncConnection, incident: Incident, decision: Decision, templates: tuple[Template, ...]
    ) -> None:
        """The draft is that of the moment at which it is told."""
        now, spec, every_s = self.talk.ground.clock.now(), self.talk.ground.declared.value, self.talk.every_s(templates)
        if decision.tell is None or decision.due_at is None:
            return
        known = await knowing.known(connection, incident, spec, every_s=every_s, now=now)
        late = duration_text(now - decision.due_at) if now > decision.due_at else ""
        owed = f"An update is owed since {decision.due_at:%H:%M:%S UTC}{f', for {late}' if late else ''}."
        drafted = draft(known, templates, now)
        how = f"Post it: `stm incident update {incident.number}`, or by the link of your own page."
        text = f"{owed} {how}\nDraft:\n{worded(drafted.word, drafted.text)}"
        directory, key = self.talk.ground.directory(), f"update-owed/{int(decision.tell.timestamp() * 1000)}"
        notice = Notice(what=What.UPDATE_OWED, key=key, text=text, at=now)
        await notices.tell(connection, incident, directory, notice)
        entry = Entry(at=now, kind="update.owed", by=notices.BY, text=owed, key=key)
        await incident_store.add_entry(connection, incident.number, entry)
        log.warning("update owed", incident=incident.number, since=decision.due_at.isoformat())

    async def _show(self) -> None:
        async with self.talk.ground.database.read() as connection:
            found = await store.overdue(connection, self.talk.ground.clock.now(), _MOST_SHOWN)
        if found != self.talk.owed.value:
            self.talk.owed.set(found)

    async def _posted(self, connection: AsyncConnection, fact: StatusPosted) -> None:
        """One of ours stands where it was to stand; any other is an update by itself."""
        for each in await store.wanted(connection, fact.incident):
            if (each.word.value, each.public_text) == (fact.status, fact.text):
                await store.settle(connection, each.id, Publication.POSTED)
                return
        known = {each.value: each for each in Word}
        if await incident_store.incident(connection, fact.incident) is None:
            return
        fresh = Fresh(
            incident=fact.incident,
            at=fact.at + self.talk.ground.clock.ahead(),
            word=known.get(fact.status, Word.INVESTIGATING),
            by=fact.by,
            text=fact.text,
            public_text=fact.text,
            publication=Publication.POSTED,
        )
        await store.write(connection, fresh)
        await notices.withdraw_owed(connection, fact.incident, fresh.at)
        await store.change(connection, fact.incident, look_at=fresh.at, due_at=None)
