"""Which processes were started since the machine booted and with what, and which are held stopped."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil
from sqlalchemy import Column, String, Table, Text, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.runtime.db import Instant, metadata

_START_TICKS = 19
"""Place of `starttime` in /proc/PID/stat, counted behind the program's name; see proc(5)."""

launches = Table(
    "launch",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("boot", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("digest", String(16)),
)

holds = Table(
    "instance_hold",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("by", String(255), nullable=False),
    Column("why", Text, nullable=False),
    Column("at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """The last start of a process; `digest` (of `Launch`) is None when an older version started it."""

    at: datetime
    digest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Somebody wants a process to stay stopped; `of_scale`: because fewer of its service are wanted."""

    by: str
    why: str
    at: datetime
    of_scale: bool = False

    def __str__(self) -> str:
        return f"stopped by {self.by}: {self.why}" if self.why else f"stopped by {self.by}"


def this_boot() -> str:
    """Names the present life of the machine or container: its boot and the start of its first process."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        first_process = Path("/proc/1/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return str(round(psutil.boot_time(), -1))
    return f"{boot}/{first_process[_START_TICKS]}"


async def launched(connection: AsyncConnection) -> Mapping[str, Launched]:
    """The processes started in this boot, by name, and how each was started last."""
    wanted = select(launches.c.name, launches.c.at, launches.c.digest).where(launches.c.boot == this_boot())
    return {row.name: Launched(at=row.at, digest=row.digest) for row in await connection.execute(wanted)}


async def record_launch(connection: AsyncConnection, name: str, at: datetime, digest: str) -> None:
    row = {"boot": this_boot(), "at": at, "digest": digest}
    statement = upsert(launches).values(name=name, **row)
    await connection.execute(statement.on_conflict_do_update(index_elements=[launches.c.name], set_=row))


async def forget_launch(connection: AsyncConnection, name: str) -> None:
    await connection.execute(delete(launches).where(launches.c.name == name))


async def forget_launches(connection: AsyncConnection) -> None:
    await connection.execute(delete(launches))


async def held(connection: AsyncConnection) -> Mapping[str, Hold]:
    rows = await connection.execute(select(holds))
    return {row.name: Hold(by=row.by, why=row.why, at=row.at) for row in rows}


async def hold(connection: AsyncConnection, name: str, given: Hold) -> None:
    row = {"by": given.by, "why": given.why, "at": given.at}
    statement = upsert(holds).values(name=name, **row)
    await connection.execute(statement.on_conflict_do_update(index_elements=[holds.c.name], set_=row))


async def release(connection: AsyncConnection, name: str) -> bool:
    """Says whether it was held."""
    return (await connection.execute(delete(holds).where(holds.c.name == name))).rowcount > 0
