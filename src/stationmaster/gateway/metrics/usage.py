"""Reads what nodes have counted of API users, stores what is new by the hour, and answers who called what how often."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from urllib.parse import quote

import msgspec
import structlog

from stationmaster.core.names import NodeName
from stationmaster.core.spec import Address, GatewayNode, PlatformSpec
from stationmaster.gateway.admin import ask
from stationmaster.gateway.metrics import use_store, uses
from stationmaster.gateway.metrics.figures import USED
from stationmaster.gateway.metrics.use_store import Question, UseRow
from stationmaster.gateway.metrics.uses import Pair, Uses
from stationmaster.runtime.board import Cell, Pulse
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("gateway.usage")

RETENTION = timedelta(days=90)
MOST_ROWS = 5_000_000
"""Some 600 MB; beyond it the oldest hours are dropped before their time."""
_EVERY_S, _EXPIRE_EVERY_S = 60.0, 3_600.0
_FRESH_S = 1.0
_AT_ONCE = 500
"""Rows of one transaction: others wait for the writer."""
_FIGURES = f"/stats/prometheus?usedonly&filter={quote(USED, safe='')}"
_BIRTH = "/config_dump?resource=static_clusters&mask=last_updated"
_BODY_WITHIN_S = 10.0


class _Born(msgspec.Struct):
    last_updated: str


class _Births(msgspec.Struct):
    configs: tuple[_Born, ...] = ()


@dataclass(slots=True)
class Usage:
    """Supervise `run`; call the rest from anywhere. A request counts in the hour in which it is read, a minute after it
    ended at most, later only where the control plane was away. Lost is what an entrance counted in the last minute of
    its life; nothing counts twice."""

    database: Database
    declared: Cell[PlatformSpec]
    clock: Callable[[], datetime] = utc_now
    most_rows: int = MOST_ROWS
    _stored: dict[tuple[NodeName, str], dict[Pair, Uses]] = field(default_factory=dict)
    """What is stored of what each node has counted in each life of an entrance."""
    _wanted: Pulse = field(default_factory=Pulse)
    _read: Pulse = field(default_factory=Pulse)
    _read_at_s: float = float("-inf")
    _runs: bool = False

    async def run(self) -> None:
        self._runs = True
        expired_s = float("-inf")
        try:
            while True:
                seen = self._wanted.count
                await self.collect()
                if time.monotonic() - expired_s > _EXPIRE_EVERY_S:
                    expired_s = time.monotonic()
                    await self.expire()
                await self._wanted.beyond(seen, _EVERY_S)
        finally:
            self._runs = False

    async def refresh(self, limit_s: float = 3.0) -> None:
        """Waits, so long at most, until nodes have been read that were not read within a second."""
        if self._runs and time.monotonic() - self._read_at_s > _FRESH_S:
            seen = self._read.count
            self._wanted.beat()
            await self._read.beyond(seen, limit_s)

    async def asked(self, question: Question) -> Sequence[UseRow]:
        async with self.database.read() as connection:
            return await use_store.asked(connection, question)

    async def collect(self) -> None:
        """Reads every declared node once; one that does not answer is read the next time."""
        nodes = self.declared.value.nodes
        lives = await asyncio.gather(*(self._collect(node) for node in nodes))
        await self._forget({node.name: each for node, each in zip(nodes, lives, strict=True)})
        self._read_at_s = time.monotonic()
        self._read.beat()

    async def _collect(self, node: GatewayNode) -> frozenset[str] | None:
        """The lives that its entrances are in; None where that is not known."""
        found = await _figures(node.admin)
        if found is None:
            return None
        birth, body = found
        counted = await asyncio.to_thread(uses.read, body)
        for entrance, pairs in counted.items():
            await self._store(node.name, f"{birth} {entrance}", pairs)
        return frozenset(f"{birth} {entrance}" for entrance in counted)

    async def _store(self, node: NodeName, life: str, counted: Mapping[Pair, Uses]) -> None:
        if (node, life) not in self._stored:
            async with self.database.read() as connection:
                self._stored[node, life] = await use_store.was_read(connection, node, life)
        stored = self._stored[node, life]
        hour = use_store.hour_of(self.clock())
        for part in _parts(uses.risen(stored, counted)):
            now = {pair: counted[pair] for pair in part}
            async with self.database.write() as connection:
                await use_store.add(connection, hour, part)
                await use_store.note_read(connection, node, life, now)
            stored.update(now)

    async def _forget(self, lives: Mapping[NodeName, frozenset[str] | None]) -> None:
        """What was read of nodes that are not declared any more, and in lives that are over."""
        async with self.database.read() as connection:
            known = await use_store.lives(connection)
        over = [(node, life) for node, life in known if _is_over(life, lives.get(node, frozenset()))]
        if over:
            async with self.database.write() as connection:
                await use_store.forget(connection, over)
        for each in over:
            self._stored.pop(each, None)

    async def expire(self) -> None:
        """Drops hours that are too old, and the oldest where there are too many rows, one hour in a transaction."""
        before = use_store.hour_of(self.clock() - RETENTION)
        async with self.database.read() as connection:
            rows = await use_store.row_count(connection)
            oldest = await use_store.oldest_hour(connection)
        while oldest is not None and (oldest < before or rows > self.most_rows):
            if oldest >= before:
                log.warning("uses of APIs are dropped before their time", hour=str(oldest), rows=rows)
            async with self.database.write() as connection:
                rows -= await use_store.drop_hour(connection, oldest)
                oldest = await use_store.oldest_hour(connection)


async def _figures(admin: Address) -> tuple[str, bytes] | None:
    """What a node has counted, and in which of its lives; None where it does not answer, or was started anew."""
    life = await _life(admin)
    body = await ask(admin, _FIGURES, limit_s=_BODY_WITHIN_S) if life else None
    if life is None or body is None or await _life(admin) != life:
        return None
    return life, body


async def _life(admin: Address) -> str | None:
    """When the node began: its own clock at the moment at which it made its first clusters."""
    answer = await ask(admin, _BIRTH)
    try:
        births = msgspec.json.decode(answer, type=_Births).configs if answer else ()
    except msgspec.DecodeError:
        return None
    return min((each.last_updated for each in births), default=None)


def _is_over(life: str, current: frozenset[str] | None) -> bool:
    return current is not None and life not in current


def _parts(rises: Mapping[Pair, Uses]) -> Iterator[dict[Pair, Uses]]:
    rest = iter(rises.items())
    while part := dict(islice(rest, _AT_ONCE)):
        yield part
