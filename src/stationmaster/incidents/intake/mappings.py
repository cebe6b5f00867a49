"""The table of mappings: how alerts are read out of the JSON of each foreign program, by its name."""

import re
from collections.abc import Mapping

from sqlalchemy import JSON, Column, String, Table, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.problem import PlatformError
from stationmaster.runtime.db import metadata

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,57}")

mappings = Table(
    "intake_mapping",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("fields", JSON, nullable=False),
)


def checked_name(name: str) -> str:
    """Raises PlatformError `bad-name`."""
    if not _NAME.fullmatch(name):
        hint = "1 to 58 of a-z, 0-9, dot, dash and underscore, a letter or digit first"
        raise PlatformError("bad-name", f"{name[:70]!r} cannot be the name of a sender", hint=hint)
    return name


async def keep(connection: AsyncConnection, name: str, fields: Mapping[str, str]) -> None:
    values = {"fields": dict(fields)}
    row = upsert(mappings).values(name=checked_name(name), **values)
    await connection.execute(row.on_conflict_do_update(index_elements=[mappings.c.name], set_=values))


async def of(connection: AsyncConnection, name: str) -> Mapping[str, str]:
    """Nothing, where none is kept."""
    row = (await connection.execute(select(mappings.c.fields).where(mappings.c.name == name))).one_or_none()
    return {} if row is None else row.fields


async def all_of(connection: AsyncConnection) -> Mapping[str, Mapping[str, str]]:
    rows = await connection.execute(select(mappings).order_by(mappings.c.name))
    return {row.name: row.fields for row in rows}


async def forget(connection: AsyncConnection, name: str) -> None:
    await connection.execute(delete(mappings).where(mappings.c.name == name))
