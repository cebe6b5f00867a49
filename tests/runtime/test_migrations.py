"""The migrations make exactly the tables that the code declares."""

from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

import stationmaster.app  # noqa: F401 every room's tables
from stationmaster.runtime.db import metadata, open_database
from stationmaster.runtime.migrate import migrate


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
