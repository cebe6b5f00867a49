"""What outlives the process, and what the disk may do wrong."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from stationmaster.monitor.promql.samples import STALE_BITS
from stationmaster.monitor.series import tending
from stationmaster.monitor.series.eviction import MemoryBounds
from stationmaster.monitor.series.keeping import Keeping
from stationmaster.monitor.series.store import SeriesStore
from tests.monitor.series.samples import START_MS, bits_of, everything, labels, named, values_of, write

HOUR_MS = 3_600_000
LITTLE = MemoryBounds(raw_ms=HOUR_MS)


@dataclass
class Broken:
    """A file that fails when it is written."""

    inner: Keeping
    save: Callable[..., None]

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


class Clock:
    def __init__(self) -> None:
        self.now_ms = START_MS

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "metrics.db"


def filled(path: Path, *, rows: int, every_ms: int = 15_000, clock: Clock | None = None) -> SeriesStore:
    store = SeriesStore(path, memory=LITTLE, now_ms=clock or Clock())
    for at in range(rows):
        values = {labels("up", n=str(n)): float(at * n) for n in range(5)}
        if at == rows // 2:
            values[labels("once")] = 1.0
        write(store, "a", START_MS + at * every_ms, values)
    return store


async def tend(store: SeriesStore, clock: Clock, now_ms: int, retention_ms: int = 1 << 50) -> None:
    """As `run` would, once, at a moment that a clock has come to in good order."""
    clock.now_ms = now_ms
    store._tending._trusted_ms = now_ms
    await store._tending.tend(retention_ms)


def in_memory(store: SeriesStore, stream: str = "a") -> int:
    return sum(block.rows for block in store._held.by_name[stream].blocks)


def test_a_store_goes_on_where_it_was_closed(path: Path) -> None:
    before = filled(path, rows=300)
    held = everything(before)
    before.close()
    after = SeriesStore(path, memory=LITTLE)
    assert everything(after) == held
    assert (values_of(after, "once")[1][1], after.series_count) == (STALE_BITS, 5)
    later = START_MS + 300 * 15_000
    assert write(after, "a", later - 15_000, {labels("up", n="0"): 1.0}).refused == 1
    assert write(after, "a", later, {labels("up", n="0"): 1.0}).ended == 4
    assert after.label_names([], later - 1, later) == ["__name__", "n"]
    after.close()


async def test_old_samples_leave_memory_and_are_read_from_disk(path: Path) -> None:
    clock = Clock()
    store = filled(path, rows=1000, clock=clock)
    held = everything(store)
    await tend(store, clock, START_MS + 1000 * 15_000)
    assert in_memory(store) < 480
    assert everything(store) == held
    store.close()
    again = SeriesStore(path, memory=LITTLE, now_ms=clock)
    assert in_memory(again) < 480
    assert everything(again) == held
    again.close()


async def test_samples_beyond_the_retention_are_deleted_with_their_series(path: Path) -> None:
    clock = Clock()
    store = filled(path, rows=1000, clock=clock)
    write(store, "b", START_MS, {labels("quiet"): 1.0})
    end_ms = START_MS + 1000 * 15_000
    await tend(store, clock, end_ms, retention_ms=1)
    await tend(store, clock, end_ms + 120_000, retention_ms=1)
    await tend(store, clock, end_ms + 240_000, retention_ms=1)
    assert min(at for _, at, _ in everything(store)) > end_ms - 2 * HOUR_MS
    assert store.series(named("once"), 0, 1 << 60) == store.series(named("quiet"), 0, 1 << 60) == []
    assert "b" not in store._held.by_name
    write(store, "b", end_ms, {labels("quiet"): 2.0})
    assert [bits for _, bits in values_of(store, "quiet")] == [bits_of(2.0)]
    store.close()
    again = SeriesStore(path, memory=LITTLE, now_ms=clock)
    assert [bits for _, bits in values_of(again, "quiet")] == [bits_of(2.0)]
    assert again.series(named("once"), 0, 1 << 60) == []
    again.close()


async def test_a_clock_that_jumps_ahead_deletes_nothing_that_it_should_not(path: Path) -> None:
    clock = Clock()
    store = filled(path, rows=600, clock=clock)
    held = everything(store)
    clock.now_ms = START_MS + 400 * 24 * HOUR_MS
    for _ in range(3):
        await store._tending.tend(15 * 24 * HOUR_MS)
    assert everything(store) == held
    store.close()


async def test_a_clock_set_back_far_keeps_the_file_under_another_name(path: Path) -> None:
    store = filled(path, rows=600)
    store._tending.finish()
    store.rewind(START_MS + 1000)
    assert [at for at, _ in values_of(store, "up")] == [START_MS] * 5
    store.close()
    aside = SeriesStore(path.with_name("metrics.db.later-1"))
    assert len(everything(aside)) == 600 * 5 + 2
    aside.close()
    again = SeriesStore(path)
    assert len(everything(again)) == 5
    again.close()


WRITER = """
import asyncio, sys, time
from pathlib import Path
from stationmaster.monitor.series.keeping import Keeping
from stationmaster.monitor.series.store import SeriesStore

async def write():
    store = SeriesStore(Path(sys.argv[1]))
    ids = [store.table.intern((("__name__", "m"), ("n", str(n)))) for n in range(200)]
    task = asyncio.create_task(store.run())
    row = 0
    while True:
        now_ms = int(time.time() * 1000)
        store.append("a", now_ms, {number: float(row) for number in ids})
        print(row, now_ms, flush=True)
        row += 1
        await asyncio.sleep(0.02)

asyncio.run(write())
"""


def test_a_killed_process_loses_at_most_about_a_second(path: Path) -> None:
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        until = time.monotonic() + 30
        written: list[tuple[int, int]] = []
        while time.monotonic() < until and (not written or written[-1][1] - written[0][1] < 2500):
            row, at = process.stdout.readline().split()
            written.append((int(row), int(at)))
        os.kill(process.pid, signal.SIGKILL)
        written += [(int(line.split()[0]), int(line.split()[1])) for line in process.stdout.readlines()]
        process.wait()
        process.stdout.close()
        store = SeriesStore(path)
        found = {at: value for _, at, value in everything(store)}
        store.close()
        expected = {at: bits_of(float(row)) for row, at in written}
        kept = [at for at in expected if found.get(at) == expected[at]]
        assert kept == [at for at in expected if at <= kept[-1]], "no hole"
        assert written[-1][1] - kept[-1] < 2000


def damaged_files(path: Path) -> list[Path]:
    return sorted(path.parent.glob("metrics.db.damaged-?"))


@pytest.mark.parametrize("damage", ["garbage", "cut", "other-format", "folder-of-zeroes", "no-text", "no-number"])
def test_a_damaged_file_is_set_aside_and_begun_anew(path: Path, damage: str) -> None:
    filled(path, rows=300).close()
    match damage:
        case "garbage":
            path.write_bytes(b"this is no database at all" * 500)
        case "cut":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        case "other-format":
            with sqlite3.connect(path) as connection:
                connection.execute("PRAGMA user_version = 99")
            connection.close()
        case "no-text":  # SQLite quotes it in its error, which Python cannot read as text then
            raw = path.read_bytes()
            path.write_bytes(raw.replace(b"CREATE TABLE row", b"CREATE TABLE \xef\xef\xef", 1))
        case "no-number":
            with sqlite3.connect(path) as connection:
                connection.executescript("DROP TABLE stream; CREATE TABLE stream (number, name)")
                connection.execute("INSERT INTO stream VALUES (NULL, x'00')")
            connection.close()
        case _:
            path.write_bytes(bytes(path.stat().st_size))
    store = SeriesStore(path)
    write(store, "a", START_MS + HOUR_MS * 5, {labels("new"): 1.0})
    store.close()
    again = SeriesStore(path)
    assert [bits for _, bits in values_of(again, "new")] == [bits_of(1.0)]
    again.close()
    assert len(damaged_files(path)) == 1


@pytest.mark.parametrize(
    ("statement", "lost"),
    [
        ("UPDATE row SET data = x'00' WHERE id = (SELECT MAX(id) - 1 FROM row)", "some rows"),
        ("UPDATE series SET labels = x'0011223344' WHERE slot = 1", "a series"),
        ("UPDATE head SET slots = x'00'", "a head"),
        ("UPDATE piece SET data = x'0011'", "chunks"),
        ("UPDATE chunk SET times = x'00'", "chunks"),
        ("DELETE FROM piece", "chunks"),
    ],
)
def test_what_is_damaged_inside_is_left_out_and_the_rest_goes_on(path: Path, statement: str, lost: str) -> None:
    before = filled(path, rows=330)
    held = everything(before)
    before.close()
    connection = sqlite3.connect(path)
    assert connection.execute(statement).rowcount > 0
    connection.commit()
    connection.close()
    for _ in range(2):
        store = SeriesStore(path)
        found = everything(store)
        write(store, "a", store.newest_ms + 15_000, {labels("up", n="1"): 1.0})
        store.close()
        assert len(found) > 0, lost
        assert set(found) != set(held)
        assert len(set(found) - set(held)) <= 7, "nothing but what was written since"
    assert damaged_files(path) == []


async def test_a_file_whose_errors_are_no_text_is_set_aside_while_it_is_written(path: Path) -> None:
    store = filled(path, rows=3)

    def broken(*_: object) -> None:
        b"\xef".decode()

    assert store._older.keeping is not None
    store._older.keeping = cast(Keeping, Broken(store._older.keeping, broken))
    await store._tending.tend(1 << 50)
    assert (store.trouble, len(damaged_files(path))) == ("", 1)
    await store._tending.tend(1 << 50)
    store.close()
    again = SeriesStore(path)
    assert len(everything(again, named("up"))) == 15
    again.close()


async def test_a_damaged_chunk_leaves_a_hole_in_a_query(path: Path) -> None:
    clock = Clock()
    store = filled(path, rows=1000, clock=clock)
    await tend(store, clock, START_MS + 1000 * 15_000)
    held = everything(store)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE piece SET data = x'00' WHERE chunk = (SELECT MIN(id) FROM chunk)")
    connection.commit()
    connection.close()
    store._older._kept.clear()
    found = everything(store)
    assert set(found) < set(held)
    assert len(found) > len(held) // 2
    store.close()


async def test_a_full_disk_is_told_and_memory_goes_on(path: Path) -> None:
    clock = Clock()
    store = filled(path, rows=10, clock=clock)
    await tend(store, clock, START_MS + 200_000)
    keeping = store._older.keeping
    assert keeping is not None
    writer = keeping.file._writer
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count = {pages}")
    values = {labels("new", n=str(n)): float(n) for n in range(3000)}
    write(store, "b", START_MS + 200_000, values)
    await tend(store, clock, START_MS + 201_000)
    assert "full" in store.trouble
    assert len(everything(store, named("new"))) == 3000
    writer.execute("PRAGMA max_page_count = 1000000")
    write(store, "b", START_MS + 201_000, values)
    await tend(store, clock, START_MS + 202_000)
    assert store.trouble == ""
    store.close()
    again = SeriesStore(path)
    assert len(everything(again, named("new"))) == 6000
    again.close()


async def test_where_no_file_can_be_opened_memory_goes_on_and_it_is_tried_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.mkdir(parents=True)  # noqa: ASYNC240
    clock = Clock()
    store = SeriesStore(path, memory=LITTLE, now_ms=clock)
    assert store.trouble
    write(store, "a", START_MS, {labels("up"): 1.0})
    await tend(store, clock, START_MS + 1000)
    assert len(everything(store)) == 1
    path.rmdir()  # noqa: ASYNC240
    monkeypatch.setattr(tending, "_OPEN_EVERY_S", 0.0)
    for second in range(2, 4):
        await tend(store, clock, START_MS + second * 1000)
    assert store.trouble == ""
    store.close()
    again = SeriesStore(path, memory=LITTLE)
    assert len(everything(again)) == 1
    again.close()


async def test_a_file_that_is_taken_away_is_written_anew(path: Path) -> None:
    clock = Clock()
    store = filled(path, rows=300, clock=clock)
    await tend(store, clock, START_MS + 300 * 15_000)
    for part in path.parent.iterdir():
        part.unlink()
    await tend(store, clock, START_MS + 300 * 15_000 + 1)
    await tend(store, clock, START_MS + 300 * 15_000 + 2)
    held = everything(store)
    store.close()
    again = SeriesStore(path, memory=LITTLE)
    assert everything(again) == held
    assert len(held) > 0
    again.close()


async def test_a_file_that_breaks_while_it_is_written_is_set_aside(path: Path) -> None:
    clock = Clock()
    store = filled(path, rows=300, clock=clock)
    await tend(store, clock, START_MS + 300 * 15_000)
    held = everything(store)
    keeping = store._older.keeping
    assert keeping is not None
    keeping.file._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    keeping.file._writer.execute("PRAGMA shrink_memory")
    size = path.stat().st_size  # noqa: ASYNC240
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    for more in range(1, 4):
        write(store, "a", START_MS + (300 + more) * 15_000, {labels("up", n="1"): 1.0, labels("m", n=str(more)): 1.0})
        await tend(store, clock, START_MS + (300 + more) * 15_000)
    assert len(damaged_files(path)) == 1
    in_memory = {each for each in held if each[1] >= START_MS + 60 * 15_000}
    assert in_memory <= set(everything(store)), "only what had left memory is gone"
    store.close()
    again = SeriesStore(path, memory=LITTLE)
    assert len(values_of(again, "m")) == 5
    again.close()


async def test_memory_has_a_bound(path: Path) -> None:
    clock = Clock()
    bounds = MemoryBounds(most_bytes=400_000)
    store = SeriesStore(path, memory=bounds, now_ms=clock)
    ids = np.array([store.table.intern(labels("m", n=str(n))) for n in range(100)])
    for at in range(1200):
        clock.now_ms = START_MS + at * 1000
        store.append_row("a", clock.now_ms, ids, np.arange(100.0) + at)
        if at % 20 == 0:
            await tend(store, clock, clock.now_ms)
    assert sum(block.size_bytes for block in store._held.by_name["a"].blocks) <= 2 * bounds.most_bytes
    assert len(everything(store)) == 120_000
    store.close()


async def test_a_store_without_a_file_keeps_its_memory_bounded_too() -> None:
    clock = Clock()
    store = SeriesStore(memory=LITTLE, now_ms=clock)
    for at in range(1000):
        write(store, "a", START_MS + at * 15_000, {labels("up"): 1.0})
        await tend(store, clock, START_MS + at * 15_000)
    assert 240 <= len(values_of(store, "up")) <= 370


async def test_running_writes_within_a_second_and_what_is_left_at_the_end(path: Path) -> None:
    store = SeriesStore(path)
    running = asyncio.create_task(store.run())
    now_ms = int(time.time() * 1000)
    write(store, "a", now_ms, {labels("up"): 1.0})
    async with asyncio.timeout(5):
        while _rows_on_disk(path) == 0:
            await asyncio.sleep(0.05)
    write(store, "a", now_ms + 1, {labels("up"): 2.0})
    running.cancel()
    await asyncio.wait([running])
    store.close()
    again = SeriesStore(path)
    assert [bits for _, bits in values_of(again, "up")] == [bits_of(1.0), bits_of(2.0)]
    again.close()


def _rows_on_disk(path: Path) -> int:
    connection = sqlite3.connect(path)
    (rows,) = connection.execute("SELECT COUNT(*) FROM row").fetchone()
    connection.close()
    return int(rows)
