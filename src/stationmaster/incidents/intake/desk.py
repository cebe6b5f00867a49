"""Takes foreign alerts in: durable before it is answered, many senders in one transaction, facts beside the rows."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import AlertFired, AlertRecovered, Fact, NoteAdded
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import linked
from stationmaster.incidents.intake import store
from stationmaster.incidents.intake.decide import Decision, Fire, Kept, Recover, Sight, heard, passed
from stationmaster.incidents.intake.flapping import TERMS, FlapTerms
from stationmaster.incidents.intake.foreign import Ended, ForeignAlert, as_alert
from stationmaster.incidents.intake.repeats import Remembered, repeated
from stationmaster.incidents.silences import Silence, silenced
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("intake")

BY = "intake"
_MOST_WAITING = 50_000
_MOST_AT_ONCE = 2_000
"""Alerts of one transaction; a batch is never parted."""

Given: TypeAlias = ForeignAlert | Ended
Waiting: TypeAlias = tuple[Sequence[Given], "asyncio.Future[None]"]


def _no_silences() -> Cell[tuple[Silence, ...]]:
    return Cell(())


@dataclass(slots=True, kw_only=True)
class Desk:
    """`silences` are those that have not ended."""

    database: Database
    declared: Cell[PlatformSpec]
    silences: Cell[tuple[Silence, ...]] = field(default_factory=_no_silences)
    terms: FlapTerms = TERMS
    most_waiting: int = _MOST_WAITING
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waiting: list[Waiting] = field(default_factory=list)
    _remembered: Remembered = field(default_factory=Remembered)

    async def take(self, given: Sequence[Given]) -> None:
        """Returns when all of it is committed. Raises PlatformError `intake-full` (503) where more waits than could be
        written soon, and what kept it from being written."""
        if not given:
            return
        if sum(len(batch) for batch, _ in self._waiting) + len(given) > max(self.most_waiting, len(given)):
            hint = "send it again: what is sent twice counts once"
            raise PlatformError("intake-full", "more alerts wait than can be written", hint=hint, status=503)
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((given, mine))
        try:
            async with self._turn:
                while not mine.done():
                    await self._write_some()
        finally:
            error = None if mine.cancel() else mine.exception()
        if error is not None:
            raise error

    async def look(self, now: datetime, limit: int = _MOST_AT_ONCE) -> int:
        """Does what time has made due, and says of how many alerts."""
        async with self.database.read() as connection:
            if not await store.due(connection, now, 1):
                return 0
        async with self.database.write() as connection:
            found = await store.due(connection, now, limit)
            decisions = [passed(each, self.sight(each.given.labels, now)) for each in found]
            await self._record(connection, decisions, now)
        return len(found)

    async def firing(self) -> Sequence[Kept]:
        async with self.database.read() as connection:
            return await store.all_firing(connection)

    def sight(self, labels: Mapping[str, str], now: datetime) -> Sight:
        return Sight(now=now, silences=silenced(self.silences.value, labels, now), terms=self.terms)

    async def _write_some(self) -> None:
        """One transaction; what it was about to write waits again when its writer is cancelled."""
        batches = self._next_batches()
        try:
            await self._commit([each for given, _ in batches for each in given])
        except asyncio.CancelledError:
            self._waiting[:0] = batches
            raise
        except (SQLAlchemyError, OSError) as error:
            for _, future in batches:
                if not future.done():
                    future.set_exception(error)
            return
        for _, future in batches:
            if not future.done():
                future.set_result(None)

    def _next_batches(self) -> list[Waiting]:
        batches: list[Waiting] = []
        count = 0
        wanted = [each for each in self._waiting if not each[1].done()]
        while wanted and (not batches or count + len(wanted[0][0]) <= _MOST_AT_ONCE):
            batches.append(wanted.pop(0))
            count += len(batches[-1][0])
        self._waiting = wanted
        return batches

    async def _commit(self, given: Sequence[Given]) -> None:
        async with self.database.write() as connection:
            written = await self.record(connection, given, utc_now())
        # Nobody else had a turn since the commit: the next transaction begins behind the next await.
        self._remembered.keep(written)

    async def record(self, connection: AsyncConnection, given: Sequence[Given], now: datetime) -> Sequence[Kept]:
        """Writes what was heard, and the facts that it makes, in the caller's transaction; says what then stands."""
        keys = {each.key for each in given}
        known = self._remembered.of(keys)
        self._remembered.forget(known)
        known |= await store.of_keys(connection, [each for each in keys if each not in known])
        prolonged: dict[str, Kept] = {}
        decisions: dict[str, list[Decision]] = {}
        for each in given:
            before = known.get(each.key)
            again = repeated(before, each, now, self.terms) if before is not None else None
            if again is not None:
                known[each.key] = prolonged[each.key] = again
                continue
            labels = each.labels if isinstance(each, ForeignAlert) else before.given.labels if before else {}
            decision = heard(before, each, self.sight(labels, now))
            if decision is not None and decision.kept is not before:
                known[each.key] = decision.kept
                prolonged.pop(each.key, None)
                decisions.setdefault(each.key, []).append(decision)
        await self._record(connection, [each for several in decisions.values() for each in several], now)
        await store.prolong(connection, list(prolonged.values()))
        return list(known.values())

    async def change(self, connection: AsyncConnection, kept: Sequence[Kept]) -> None:
        """Writes them over what is known of the same alerts."""
        self._remembered.forget([each.given.key for each in kept])
        await store.keep(connection, kept)

    async def _record(self, connection: AsyncConnection, decisions: Sequence[Decision], now: datetime) -> None:
        last = {each.kept.given.key: each.kept for each in decisions}
        await self.change(connection, list(last.values()))
        facts = [fact for each in decisions for fact in await self._facts(connection, each, now)]
        await outbox.append(connection, *facts)
        _tell(facts)

    async def _facts(self, connection: AsyncConnection, decision: Decision, now: datetime) -> list[Fact]:
        facts: list[Fact] = []
        for each in decision.says:
            alert = as_alert(decision.kept.given, self.declared.value.environment)
            if isinstance(each, Fire):
                facts.append(AlertFired(at=now, alert=alert, evidence=each.evidence))
            elif isinstance(each, Recover):
                facts.append(AlertRecovered(at=each.at, alert=alert, evidence=each.evidence))
            else:
                about = await linked.open_incidents(connection, fingerprint=alert.fingerprint)
                facts += [
                    NoteAdded(at=now, incident=found.number, key=each.key, by=BY, text=each.text) for found in about
                ]
        return facts


def _tell(facts: Iterable[Fact]) -> None:
    fired = [fact for fact in facts if isinstance(fact, AlertFired)]
    over = [fact for fact in facts if isinstance(fact, AlertRecovered)]
    if fired or over:
        names = sorted({each.alert.name for each in fired} | {each.alert.name for each in over})[:10]
        log.info("foreign alerts", fired=len(fired), recovered=len(over), alerts=names)
