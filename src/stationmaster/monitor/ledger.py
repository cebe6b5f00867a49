"""Writes alerts that fire and recover, with their facts: whatever waits goes into one transaction."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import Alert, AlertFired, AlertRecovered
from stationmaster.monitor import store
from stationmaster.monitor.rules import recovery_of
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database

log = structlog.get_logger("monitor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """This alert fires from its `starts_at` on."""

    alert: Alert
    evidence: str

    @property
    def fingerprint(self) -> str:
        return self.alert.fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """The alert of this fingerprint has recovered; `why` says in words what is well now."""

    fingerprint: str
    at: datetime
    why: str


Change: TypeAlias = Opening | Closing
Waiting: TypeAlias = tuple[Change, "asyncio.Future[None]"]


class Ledger:
    """Whoever comes while a transaction is under way is written with all others who came meanwhile in the next one.

    An alert that fires already does not fire again, one that does not fire does not recover: writing a change a second
    time is harmless.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._turn = asyncio.Lock()
        self._waiting: list[Waiting] = []

    async def write(self, *changes: Change) -> None:
        """Returns when the changes are committed, and raises what kept them from being so."""
        loop = asyncio.get_running_loop()
        mine = [loop.create_future() for _ in changes]
        self._waiting += zip(changes, mine, strict=True)
        try:
            async with self._turn:
                while not all(future.done() for future in mine):
                    await self._write_some()
        finally:
            errors = [future.exception() for future in mine if not future.cancel()]
        for error in errors:
            if error is not None:
                raise error

    async def _write_some(self) -> None:
        """One transaction; what it was about to write waits again when its writer is cancelled."""
        batch = self._next_batch()
        try:
            facts = await self._commit([change for change, _ in batch])
        except asyncio.CancelledError:
            self._waiting[:0] = batch
            raise
        except (SQLAlchemyError, OSError) as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for _, future in batch:
            if not future.done():
                future.set_result(None)
        for fact in facts:
            _tell(fact)

    def _next_batch(self) -> list[Waiting]:
        """All that somebody waits for, one change a fingerprint."""
        batch: dict[str, Waiting] = {}
        later = []
        for each in self._waiting:
            if each[1].done():
                continue
            if each[0].fingerprint in batch:
                later.append(each)
            else:
                batch[each[0].fingerprint] = each
        self._waiting = later
        return list(batch.values())

    async def _commit(self, changes: Sequence[Change]) -> list[AlertFired | AlertRecovered]:
        async with self.database.write() as connection:
            return await record(connection, changes)


async def record(connection: AsyncConnection, changes: Sequence[Change]) -> list[AlertFired | AlertRecovered]:
    """Writes the changes, at most one a fingerprint, and the facts that they make; returns those."""
    firing = await store.firing_of(connection, [change.fingerprint for change in changes])
    opened: list[Alert] = []
    ended: dict[str, datetime] = {}
    facts: list[AlertFired | AlertRecovered] = []
    for change in changes:
        alert = firing.get(change.fingerprint)
        match change:
            case Opening() if alert is None:
                opened.append(change.alert)
                facts.append(AlertFired(at=change.alert.starts_at, alert=change.alert, evidence=change.evidence))
            case Closing() if alert is not None:
                ended[change.fingerprint] = change.at
                evidence = recovery_of(alert, change.why, change.at)
                facts.append(AlertRecovered(at=change.at, alert=alert, evidence=evidence))
    await store.open_alerts(connection, opened)
    await store.close_alerts(connection, ended)
    await outbox.append(connection, *facts)
    return facts


def _tell(fact: AlertFired | AlertRecovered) -> None:
    alert = fact.alert
    words = {"alert": alert.name, "instance": alert.labels.get("instance"), "url": alert.url, "evidence": fact.evidence}
    if isinstance(fact, AlertFired):
        log.warning("alert fired", **words)
    else:
        log.info("alert recovered", **words)
