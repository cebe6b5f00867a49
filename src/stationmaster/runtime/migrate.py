"""Brings the store's tables to this version of the program."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from stationmaster.core.problem import PlatformError
from stationmaster.runtime import audit, outbox  # noqa: F401 the tables of this layer
from stationmaster.runtime.db import Database

_SCRIPTS = Path(__file__).parent / "migrations"


async def migrate(database: Database) -> None:
    """Runs every migration that the store lacks, in one transaction: all of them or none.

    SQLite changes a column by making its table anew, which foreign keys would forbid while rows refer to it: they are
    off meanwhile, and checked before the commit.
    """
    async with database.turn, database.writer.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.execute("PRAGMA foreign_keys=OFF")
        try:
            async with connection.begin():
                await connection.run_sync(_upgrade)
                await connection.run_sync(_check_references)
        finally:
            await driver.execute("PRAGMA foreign_keys=ON")
    database.committed.beat()


def _check_references(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        tables = ", ".join(sorted({str(row[0]) for row in broken}))
        raise PlatformError(
            "store-broken",
            f"rows of {tables} refer to rows that are not there, so that the store was not brought to this version",
            hint="restore the store from a copy; it is as it was before",
        )


def alembic_config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    command.upgrade(alembic_config(connection), "head")
