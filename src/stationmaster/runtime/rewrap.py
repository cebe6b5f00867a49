"""A new master key: everything that is sealed is sealed again under it, and only then the old one is forgotten."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from string import Formatter
from typing import Any

import structlog
from sqlalchemy import Column, ColumnElement, MetaData, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.runtime.cipher import HEADER_BYTES, Cipher
from stationmaster.runtime.db import Database, metadata
from stationmaster.runtime.master_key import MasterKeySource

log = structlog.get_logger("cipher")

_CONTEXT = "sealed_as"
_BATCH = 1000


def sealed_as(context: str) -> dict[str, str]:
    """The `info` of a column that holds sealed secrets: the context that they were sealed with, with the names of
    other columns of the row in braces. Rows whose column carries this are found by a rotation."""
    return {_CONTEXT: context}


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedCount:
    """How many stored secrets there are, and how many of them stand under a key that is not the newest."""

    all: int
    stale: int


async def rotate(
    database: Database, cipher: Cipher, source: MasterKeySource, *, resealed: Callable[[], Awaitable[None]]
) -> int:
    """Puts a new master key in the place of the old one and says how many stored secrets were sealed anew.

    `resealed` has to write anew, under the newest key, what is sealed outside the database. Wherever the work is cut
    off, everything opens with the keys that the source holds then, and calling this again finishes it: an unfinished
    rotation is gone on with instead of a new one being begun.
    """
    if not cipher.older:
        cipher.renew(await asyncio.to_thread(source.add_key))
    async with database.write() as connection:
        done = await rewrap(connection, metadata, cipher)
    await resealed()
    await asyncio.to_thread(source.drop_older)
    cipher.forget_older()
    log.info("master key rotated", secrets=done, key_id=cipher.key_id.hex())
    return done


async def rewrap(connection: AsyncConnection, tables: MetaData, cipher: Cipher) -> int:
    """Seals anew, in the caller's transaction, every secret that stands under an older key; says how many.

    Raises PlatformError where one does not open; the caller's transaction must then not commit.
    """
    return sum([await _rewrap_column(connection, column, cipher) for column in _sealed_columns(tables)])


async def count(connection: AsyncConnection, tables: MetaData, cipher: Cipher) -> SealedCount:
    total = stale = 0
    for column in _sealed_columns(tables):
        found = await connection.execute(select(func.count(column), func.count().filter(_is_stale(column, cipher))))
        everything, old = found.one()
        total, stale = total + everything, stale + old
    return SealedCount(all=total, stale=stale)


def _sealed_columns(tables: MetaData) -> Iterable[Column[Any]]:
    return [each for table in tables.tables.values() for each in table.columns if _CONTEXT in each.info]


def _is_stale(column: Column[Any], cipher: Cipher) -> ColumnElement[bool]:
    return func.substr(column, 1, HEADER_BYTES) != cipher.header


async def _rewrap_column(connection: AsyncConnection, column: Column[Any], cipher: Cipher) -> int:
    context = column.info[_CONTEXT]
    keys = list(column.table.primary_key.columns)
    named = [column.table.c[name] for _, name, _, _ in Formatter().parse(context) if name]
    stale = select(*(each.label(f"key_{each.name}") for each in keys), *named, column.label("sealed"))
    stale = stale.where(_is_stale(column, cipher)).limit(_BATCH)
    change = update(column.table).values({column.name: bindparam("fresh")})
    for each in keys:
        change = change.where(each == bindparam(f"key_{each.name}"))
    done = 0
    while rows := (await connection.execute(stale)).mappings().all():
        sealed = [
            {
                **{f"key_{each.name}": row[f"key_{each.name}"] for each in keys},
                "fresh": cipher.reseal(row["sealed"], context.format_map(row)),
            }
            for row in rows
        ]
        await connection.execute(change, sealed)
        done += len(rows)
    return done
