"""Writes a migration from the difference between the tables in the code and the newest migration: `make migration`."""

import asyncio
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

import stationmaster.app  # noqa: F401 every room's tables
from stationmaster.runtime.db import open_database
from stationmaster.runtime.migrate import alembic_config, migrate


async def main(message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(Path(folder) / "draft.db")
        await migrate(database)
        async with database.write() as connection:
            await connection.run_sync(_write, message)
        await database.close()


def _write(connection: Connection, message: str) -> None:
    config = alembic_config(connection)
    number = 1 + len(list(ScriptDirectory.from_config(config).walk_revisions()))
    command.revision(config, message=message, autogenerate=True, rev_id=f"{number:04}")


if __name__ == "__main__":
    asyncio.run(main(" ".join(sys.argv[1:]) or "Change the tables"))
