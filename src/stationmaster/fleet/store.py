"""Which processes were started since the machine booted."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import psutil
from sqlalchemy import Column, String, Table, delete, select
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
)


def this_boot() -> str:
    """Names the present life of the machine or container: its boot and the start of its first process."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        first_process = Path("/proc/1/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return str(round(psutil.boot_time(), -1))
    return f"{boot}/{first_process[_START_TICKS]}"


async def launched(connection: AsyncConnection) -> Mapping[str, datetime]:
    """The processes started in this boot, by name, and when each was started last."""
    rows = await connection.execute(select(launches.c.name, launches.c.at).where(launches.c.boot == this_boot()))
    return {row.name: row.at for row in rows}


async def record_launch(connection: AsyncConnection, name: str, at: datetime) -> None:
    row = {"boot": this_boot(), "at": at}
    statement = upsert(launches).values(name=name, **row)
    await connection.execute(statement.on_conflict_do_update(index_elements=[launches.c.name], set_=row))


async def forget_launches(connection: AsyncConnection) -> None:
    await connection.execute(delete(launches))
