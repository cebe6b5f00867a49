"""The migrations make exactly the tables that the code declares."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

import stationmaster.app  # noqa: F401 every room's tables
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Urgency
from stationmaster.incidents.linked import alerts_of, open_about, open_incidents
from stationmaster.incidents.store import all_incidents
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


async def test_runs_of_the_third_version_keep_their_steps(tmp_path: Path) -> None:
    database = open_database(tmp_path / "old.db")
    async with database.write() as connection:
        await connection.run_sync(_third_version)
    await migrate(database)
    async with database.read() as connection:
        found = (await connection.execute(text("SELECT incident, host FROM run"))).all()
        kept = (await connection.execute(text("SELECT run, key FROM step"))).all()
        enforced = (await connection.execute(text("PRAGMA foreign_keys"))).scalar_one()
    assert [tuple(each) for each in found] == [(7, "")]
    assert [tuple(each) for each in kept] == [("run-7", "1")]
    assert enforced == 1
    async with database.write() as connection:
        assert (await connection.execute(text("PRAGMA foreign_keys"))).scalar_one() == 1
    await database.close()


async def test_a_store_whose_rows_refer_to_nothing_is_left_as_it_was(tmp_path: Path) -> None:
    database = open_database(tmp_path / "old.db")
    async with database.write() as connection:
        await connection.run_sync(_third_version)
    async with database.writer.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.execute("PRAGMA foreign_keys=OFF")
        await driver.execute("UPDATE step SET run = 'run-8'")
        await driver.execute("PRAGMA foreign_keys=ON")
    with pytest.raises(PlatformError, match="rows of step refer to rows that are not there"):
        await migrate(database)
    async with database.read() as connection:
        assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one() == "0003"
    await database.close()


def _third_version(connection: Connection) -> None:
    command.upgrade(alembic_config(connection), "0003")
    connection.execute(
        text(
            "INSERT INTO run (id, incident, fingerprint, alert_at, runbook, file, digest, why, plan, started_at,"
            " detail, asked) VALUES ('run-7', 7, 'f', 1.0, 'r', 'r.md', 'd', 'w', '{}', 2.0, '', 0)"
        )
    )
    connection.execute(
        text(
            "INSERT INTO step (run, key, idempotency_key, started_at, tried_at, attempts, detail, output)"
            " VALUES ('run-7', '1', 'run-7:1', 3.0, 3.0, 1, '', '')"
        )
    )


async def test_an_open_incident_of_the_sixth_version_lives_on(tmp_path: Path) -> None:
    database = open_database(tmp_path / "old.db")
    async with database.write() as connection:
        await connection.run_sync(_sixth_version)
    await migrate(database)
    async with database.read() as connection:
        (found,) = await all_incidents(connection)
    assert (found.number, found.title, found.status.value, found.urgency) == (
        4,
        "shop is down",
        "triggered",
        Urgency.HIGH,
    )
    assert (found.policy, found.channels, found.chain) == (None, (), 0)
    async with database.read() as connection:
        (one,) = await alerts_of(connection, 4)
        assert await open_about(connection, instance="shop-1") == (4,)
        assert await open_about(connection, address="127.0.0.1:9001") == (), "its URL was not kept then"
        (kept,) = await open_incidents(connection, numbers=[4])
    assert (one.firing, kept.worked) == (True, True)
    await database.close()


def _sixth_version(connection: Connection) -> None:
    command.upgrade(alembic_config(connection), "0006")
    connection.execute(
        text(
            "INSERT INTO incident (number, title, status, severity, service, environment, run_open, opened_at)"
            " VALUES (4, 'shop is down', 'triggered', 'critical', 'shop', 'lab', 1, 7.0)"
        )
    )
    connection.execute(
        text(
            "INSERT INTO incident_alert (incident, fingerprint, labels, summary, firing, starts_at) VALUES (4, 'f1',"
            """ '{"alertname": "Down", "service": "shop", "instance": "shop-1"}', 'shop-1 is down', 1, 7.0)"""
        )
    )
