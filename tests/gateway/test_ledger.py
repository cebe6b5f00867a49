"""What a node holds, from the messages of one stream, and the file that keeps it."""

import sqlite3
from pathlib import Path

import pytest

from stationmaster.gateway.ledger import Ledger, Row
from stationmaster.gateway.record import Record
from stationmaster.gateway.snapshot import Kind

POOL, ENDPOINTS, ENTRANCE = Kind.POOL.value, Kind.ENDPOINTS.value, Kind.ENTRANCE.value


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "acknowledged.db")


def row(name: str, version: str = "1") -> Row:
    return name, version, f"{name} {version}".encode()


def exchange(ledger: Ledger, kind: str, *rows: Row, removed: tuple[str, ...] = (), refused: bool = False) -> None:
    nonce = f"{kind} {rows} {removed}"
    ledger.sent(kind, nonce, rows, removed)
    ledger.answered(nonce, refused=refused)


def first(ledger: Ledger, kind: str, *wants: str, has: dict[str, str] | None = None) -> tuple[str, ...]:
    return ledger.asked(kind, wants=wants, drops=(), has=has or {})


def test_only_what_was_acknowledged_is_on_record(record: Record) -> None:
    ledger = Ledger(record)
    first(ledger, POOL)
    exchange(ledger, POOL, row("a"), row("b"))
    exchange(ledger, POOL, row("b", "2"), refused=True)
    ledger.sent(POOL, "under way", [row("c")], ())
    assert record.versions(POOL) == {"a": "1", "b": "1"}


def test_what_was_removed_or_is_no_longer_wanted_leaves_the_record(record: Record) -> None:
    ledger = Ledger(record)
    first(ledger, ENDPOINTS, "a", "b", "c")
    exchange(ledger, ENDPOINTS, row("a"), row("b"), row("c"))
    exchange(ledger, ENDPOINTS, removed=("a",))
    ledger.asked(ENDPOINTS, wants=(), drops=["b"], has={})
    assert record.versions(ENDPOINTS) == {"c": "1"}


def test_a_stream_is_complete_when_all_that_was_asked_for_was_answered(record: Record) -> None:
    ledger = Ledger(record)
    first(ledger, POOL)
    assert not ledger.complete()
    exchange(ledger, POOL, row("a"))
    assert not ledger.complete(), "it has no entrance"
    first(ledger, ENTRANCE)
    exchange(ledger, ENTRANCE, row("entrance"))
    assert ledger.complete()
    first(ledger, ENDPOINTS, "a", "ghost")
    assert not ledger.complete()
    exchange(ledger, ENDPOINTS, row("a"), removed=("ghost",))
    assert ledger.complete()


def test_left_overs_go_when_the_stream_settles(record: Record) -> None:
    record.put(POOL, [row("of an earlier life")])
    ledger = Ledger(record)
    first(ledger, POOL)
    exchange(ledger, POOL, row("a"))
    assert "of an earlier life" in record.versions(POOL), "until the new one is whole, it may be needed"
    ledger.settle()
    assert record.versions(POOL) == {"a": "1"}


def test_what_a_node_has_and_the_record_lacks_is_asked_for_again(record: Record) -> None:
    record.put(POOL, [row("a"), row("b")])
    assert set(first(Ledger(record), POOL, has={"a": "1", "b": "2", "c": "1"})) == {"b", "c"}


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    record = Record(tmp_path / "acknowledged.db")
    record.put(POOL, [row("a"), row("b")])
    record.put(POOL, [row("b", "2")])
    record.put(ENDPOINTS, [row("a")])
    record.close()
    again = Record(tmp_path / "acknowledged.db")
    assert sorted(again.everything()) == [(POOL, row("a")), (POOL, row("b", "2")), (ENDPOINTS, row("a"))]
    assert (tmp_path / "acknowledged.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_broken_record_is_put_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "acknowledged.db"
    path.write_bytes(content)
    record = Record(path)
    assert list(record.everything()) == []
    record.put(POOL, [row("a")])
    record.close()
    assert path.with_name("acknowledged.db.broken").read_bytes() == content
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM acknowledged").fetchone() == (1,)
    database.close()


def test_a_disk_that_takes_nothing_keeps_no_configuration_from_a_node(record: Record) -> None:
    record.put(POOL, [row("a")])
    record._database.execute("PRAGMA query_only = 1")
    ledger = Ledger(record)
    first(ledger, POOL)
    exchange(ledger, POOL, row("a", "2"), row("b"))
    ledger.settle()
    assert ledger.held[POOL] == {"a", "b"}
    record._database.execute("PRAGMA query_only = 0")
    assert set(first(Ledger(record), POOL, has={"a": "2", "b": "1"})) == {"a", "b"}, "it is asked for again"
