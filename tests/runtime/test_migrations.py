"""The migrations make exactly the tables that the code declares."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

import stationmaster.app  # noqa: F401 every room's tables
from stationmaster.runtime.db import metadata, open_database
from stationmaster.runtime.migrate import alembic_config, migrate


def difference(connection: Connection) -> list[Any]:
    options = {"compare_type": True, "render_as_batch": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


async def test_a_migrated_store_has_the_declared_tables_and_migrating_again_changes_nothing(tmp_path: Path) -> None:
    database = open_database(tmp_path / "new.db")
    await migrate(database)
    await migrate(database)
    async with database.write() as connection:
        tables = await connection.run_sync(lambda sync: set(inspect(sync).get_table_names()))
        assert tables == {*metadata.tables, "alembic_version"}
        assert await connection.run_sync(difference) == []
    await database.close()


async def test_credentials_of_the_first_version_go_on_to_hold(tmp_path: Path) -> None:
    database = open_database(tmp_path / "old.db")
    async with database.write() as connection:
        await connection.run_sync(_first_version)
    await migrate(database)
    async with database.read() as connection:
        keys = (await connection.execute(text('SELECT "user", prefix, digest, text_sealed FROM api_key'))).all()
        found = (await connection.execute(text('SELECT "user", digest, created_at FROM client_secret'))).all()
    assert [tuple(each) for each in keys] == [("ada", "stm_0123", "d" * 64, b"sealed")]
    assert [tuple(each) for each in found] == [("ada", "e" * 64, 7.0)]
    await database.close()


def _first_version(connection: Connection) -> None:
    command.upgrade(alembic_config(connection), "0002")
    connection.execute(
        text("INSERT INTO api_user_credential VALUES ('ada', 'ada', :secret, 'stm_0123', :key, :sealed, 7.0)"),
        {"secret": "e" * 64, "key": "d" * 64, "sealed": b"sealed"},
    )
