"""A rotation of the master key that is cut off anywhere leaves everything openable, and is finished afterwards."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table, insert, select

from stationmaster.runtime import files, master_key, rewrap
from stationmaster.runtime.cipher import Cipher
from stationmaster.runtime.db import Database, metadata
from stationmaster.runtime.master_key import MasterKeySource

TABLE = Table(
    "rewrap_test",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("owner", String(20), primary_key=True),
    Column("sealed", LargeBinary, info=rewrap.sealed_as("thing/{owner}")),
    Column("other", String(20)),
)
COUNT = 1203


class CutError(Exception):
    """Stands for a process that ends here."""


@pytest.fixture(scope="module", autouse=True)
def _one_of_the_platforms_tables() -> Iterator[None]:
    """For these tests alone: others compare the platform's tables with its migrations."""
    table = TABLE.to_metadata(metadata)
    yield
    metadata.remove(table)


@pytest.fixture
def source(tmp_path: Path) -> MasterKeySource:
    return MasterKeySource(tmp_path / "master.key")


@pytest.fixture
async def cipher(database: Database, source: MasterKeySource) -> Cipher:
    made = source.load_or_make()
    rows = [
        {"id": number, "owner": owner, "sealed": made.seal(f"{number} {owner}".encode(), f"thing/{owner}")}
        for number in range(COUNT)
        for owner in ("ada", "grace")
    ]
    async with database.write() as connection:
        await connection.execute(insert(TABLE), [*rows, {"id": -1, "owner": "ada", "sealed": None}])
    return made


async def all_open(database: Database, cipher: Cipher) -> None:
    async with database.read() as connection:
        rows = (await connection.execute(select(TABLE))).all()
    assert len(rows) == 2 * COUNT + 1
    for row in rows:
        if row.sealed is not None:
            assert cipher.open(row.sealed, f"thing/{row.owner}") == f"{row.id} {row.owner}".encode()


async def nothing() -> None:
    pass


async def test_every_secret_is_sealed_anew_and_the_old_key_is_gone(
    database: Database, source: MasterKeySource, cipher: Cipher
) -> None:
    old = cipher.key_id
    assert await rewrap.rotate(database, cipher, source, resealed=nothing) == 2 * COUNT
    await all_open(database, cipher)
    await all_open(database, source.load())
    assert cipher.key_id != old
    assert (cipher.older, source.load().older) == ((), ())
    async with database.read() as connection:
        counted = await rewrap.count(connection, metadata, cipher)
    assert (counted.all, counted.stale) == (2 * COUNT, 0)


def cut_before(where: str) -> Callable[..., Any]:
    def cut(*_: object, **__: object) -> None:
        raise CutError(where)

    return cut


async def cut_async() -> None:
    raise CutError


def cut_after_files(monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
    """Cut off right after the key file was written for the nth time."""
    real, seen = files.write_private, 0

    def write_then_cut(path: Path, content: bytes) -> None:
        nonlocal seen
        real(path, content)
        seen += 1
        if seen == calls:
            raise CutError

    monkeypatch.setattr(master_key, "write_private", write_then_cut)


def cut_after_reseals(monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
    real, seen = Cipher.reseal, 0

    def reseal(self: Cipher, sealed: bytes, context: str) -> bytes:
        nonlocal seen
        seen += 1
        if seen > calls:
            raise CutError
        return real(self, sealed, context)

    monkeypatch.setattr(Cipher, "reseal", reseal)


@pytest.mark.parametrize(
    "step",
    [
        "before the new key is written",
        "after the new key is written",
        "in the first batch",
        "in the second batch",
        "before anything outside is sealed anew",
        "before the old key is dropped",
        "after the old key is dropped",
    ],
)
async def test_cut_off_anywhere_everything_opens_and_the_next_start_finishes_it(
    database: Database, source: MasterKeySource, cipher: Cipher, step: str
) -> None:
    old, resealed = cipher.key_id, nothing
    with pytest.MonkeyPatch.context() as patch:
        match step:
            case "before the new key is written":
                patch.setattr(master_key, "write_private", cut_before(step))
            case "after the new key is written":
                cut_after_files(patch, 1)
            case "in the first batch":
                cut_after_reseals(patch, 10)
            case "in the second batch":
                cut_after_reseals(patch, 1500)
            case "before anything outside is sealed anew":
                resealed = cut_async
            case "before the old key is dropped":
                patch.setattr(MasterKeySource, "drop_older", cut_before(step))
            case _:
                cut_after_files(patch, 2)
        with pytest.raises(CutError):
            await rewrap.rotate(database, cipher, source, resealed=resealed)
    started = source.load()
    await all_open(database, started)
    if started.older:
        await rewrap.rotate(database, started, source, resealed=nothing)
        assert source.load().older == ()
    await all_open(database, source.load())
    assert (source.load().key_id == old) is (step == "before the new key is written")


async def test_a_spoiled_secret_stops_the_rotation_and_nothing_is_lost(
    database: Database, source: MasterKeySource, cipher: Cipher
) -> None:
    async with database.write() as connection:
        await connection.execute(insert(TABLE), [{"id": 9999, "owner": "ada", "sealed": cipher.seal(b"x", "else")}])
    with pytest.raises(Exception, match="was changed or belongs somewhere else"):
        await rewrap.rotate(database, cipher, source, resealed=nothing)
    async with database.write() as connection:
        await connection.execute(TABLE.delete().where(TABLE.c.id == 9999))
    await all_open(database, source.load())
    await all_open(database, cipher)
