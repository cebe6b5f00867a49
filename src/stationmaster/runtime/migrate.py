"""Brings the store's tables to this version of the program."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from stationmaster.runtime import audit, outbox  # noqa: F401 the tables of this layer
from stationmaster.runtime.db import Database

_SCRIPTS = Path(__file__).parent / "migrations"


async def migrate(database: Database) -> None:
    """Runs every migration that the store lacks, in one transaction: all of them or none."""
    async with database.write() as connection:
        await connection.run_sync(_upgrade)


def alembic_config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    command.upgrade(alembic_config(connection), "head")
