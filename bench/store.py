"""Durable facts per second through the store, beside bare SQLite with the same durability in the same run."""

import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.figures import row
from stationmaster.core.facts import NoteAdded
from stationmaster.runtime import outbox
from stationmaster.runtime.db import open_database
from stationmaster.runtime.migrate import migrate

_COMMITS = 300
_ROUNDS = 5


def rows() -> Iterator[str]:
    ours, bare = [], []
    for _ in range(_ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            ours.append(_COMMITS / asyncio.run(_ours(Path(folder))))
            bare.append(_COMMITS / _bare(Path(folder)))
    ratios = [mine / peer for mine, peer in zip(ours, bare, strict=True)]
    yield row("facts committed, one a transaction", ours, "1/s")
    yield row("bare `sqlite3`, same rows and durability", bare, "1/s")
    yield row("ratio to bare `sqlite3`", ratios, "", note="same run, interleaved")


def _fact(number: int) -> NoteAdded:
    return NoteAdded(at=datetime.now(UTC), incident=1, key=f"k{number}", by="bench", text="a note of usual length")


async def _ours(folder: Path) -> float:
    database = open_database(folder / "ours.db")
    await migrate(database)
    started = time.perf_counter()
    for number in range(_COMMITS):
        async with database.write() as connection:
            await outbox.append(connection, _fact(number))
    elapsed = time.perf_counter() - started
    await database.close()
    return elapsed


def _bare(folder: Path) -> float:
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE fact (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL, kind TEXT, body TEXT)")
    started = time.perf_counter()
    for number in range(_COMMITS):
        fact = _fact(number)
        body = json.dumps(msgspec.to_builtins(fact))
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO fact (at, kind, body) VALUES (?, 'NoteAdded', ?)", (fact.at.timestamp(), body))
        connection.execute("COMMIT")
    elapsed = time.perf_counter() - started
    connection.close()
    return elapsed
