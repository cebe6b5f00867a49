"""Watching follows what is declared: new instances, removed ones, changed checks, and what somebody stopped."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from stationmaster.core.facts import AlertRecovered
from stationmaster.core.problem import Origin
from stationmaster.core.spec import HealthCheck, PlatformSpec
from stationmaster.monitor.loop import Monitor
from stationmaster.monitor.rules import Health
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now
from tests.monitor.servers import serving
from tests.monitor.test_loop import CHECK, WELL, facts, kinds, running, spec, until, until_health, until_kinds

Ports = Callable[[], int]
STARTED = {"keys-0": utc_now().replace(year=2020), "keys-1": utc_now().replace(year=2020)}


async def launched() -> dict[str, object]:
    return dict(STARTED)


def monitor_of(database: Database, cell: Cell[PlatformSpec], held: dict[str, str] | None = None) -> Monitor:
    return Monitor(database, cell, launched=launched, held=lambda: held or {})  # type: ignore[arg-type]


async def test_a_new_instance_is_watched_and_a_removed_one_no_longer(database: Database, free_port: Ports) -> None:
    first, second = free_port(), free_port()
    cell = Cell(spec(first))
    async with serving(first, WELL), running(monitor_of(database, cell)) as monitor:
        await until_health(monitor, "keys-0", Health.UP)
        cell.set(spec(first, second))
        await until(lambda: "keys-1" in monitor.health.value)
        await until_health(monitor, "keys-1", Health.DOWN)
        assert monitor.health.value["keys-0"].state is Health.UP
        cell.set(spec(first))
        await until(lambda: monitor.health.value.keys() == {"keys-0"})
        await until_kinds(database, "AlertFired", "AlertRecovered")
        assert await monitor.ask("keys-1") is None
        answer = await monitor.ask("keys-0")
        assert answer is not None
        assert answer.ok
    recovered = (await facts(database))[-1]
    assert isinstance(recovered, AlertRecovered)
    assert recovered.evidence.startswith("instance keys-1 is no longer declared with a health check; it lasted ")


async def test_a_changed_check_takes_effect_and_keeps_what_is_known(database: Database, free_port: Ports) -> None:
    port = free_port()
    cell = Cell(spec(port))
    async with serving(port, WELL), running(monitor_of(database, cell)) as monitor:
        await until_health(monitor, "keys-0", Health.UP)
        since = monitor.health.value["keys-0"].since
        cell.set(spec(port, check=replace(CHECK, contains="all is")))
        await until(lambda: "'all is'" in monitor.health.value["keys-0"].detail)
        assert monitor.health.value["keys-0"].since == since
        cell.set(spec(port, check=replace(CHECK, contains="broken")))
        await until_health(monitor, "keys-0", Health.DOWN)
    assert await kinds(database) == ["AlertFired"]


async def test_another_line_in_the_file_changes_nothing(database: Database, free_port: Ports) -> None:
    asked = 0

    async def slow(*_: object) -> None:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()

    port = free_port()
    cell = Cell(spec(port))
    async with running(Monitor(database, cell, probe=slow)):  # type: ignore[arg-type]
        await until(lambda: asked == 1)
        cell.set(spec(port, check=replace(CHECK, origin=Origin(file="platform.yaml", line=7))))
        await asyncio.wait_for(cell.changed.beyond(0, 1), 2)
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert asked == 1
        cell.set(spec(port, check=replace(CHECK, timeout_ms=7)))
        await until(lambda: asked == 2)


async def test_a_new_address_ends_the_alert_of_the_old_one(database: Database, free_port: Ports) -> None:
    old, new = free_port(), free_port()
    cell = Cell(spec(old))
    async with serving(new, WELL), running(monitor_of(database, cell)) as monitor:
        await until_health(monitor, "keys-0", Health.DOWN)
        cell.set(spec(new))
        await until_health(monitor, "keys-0", Health.UP)
        await until_kinds(database, "AlertFired", "AlertRecovered")
    recovered = (await facts(database))[-1]
    assert isinstance(recovered, AlertRecovered)
    assert recovered.evidence.startswith(f"instance keys-0 is declared at 127.0.0.1:{new} now; it lasted ")


async def test_what_somebody_stopped_raises_no_alarm_until_it_is_let_go(database: Database, free_port: Ports) -> None:
    port = free_port()
    held: dict[str, str] = {}
    monitor = Monitor(database, Cell(spec(port)), held=lambda: held)
    async with running(monitor):
        async with serving(port, WELL):
            await until_health(monitor, "keys-0", Health.UP)
        await until_health(monitor, "keys-0", Health.DOWN)
        held["keys-0"] = "stopped by ada: maintenance"
        await until_health(monitor, "keys-0", Health.HELD)
        assert monitor.health.value["keys-0"].detail == "stopped by ada: maintenance"
        assert await monitor.firing() == []
        held.clear()
        await until_health(monitor, "keys-0", Health.UNKNOWN)
        async with serving(port, WELL):
            await until_health(monitor, "keys-0", Health.UP)
    assert await kinds(database) == ["AlertFired", "AlertRecovered"]


async def test_a_check_may_be_taken_away_and_given(database: Database, free_port: Ports) -> None:
    port = free_port()
    cell: Cell[PlatformSpec] = Cell(spec(port))
    async with serving(port, WELL), running(monitor_of(database, cell)) as monitor:
        await until_health(monitor, "keys-0", Health.UP)
        (service,) = cell.value.services
        cell.set(replace(cell.value, services=(replace(service, health=None),)))
        await until(lambda: not monitor.health.value)
        cell.set(replace(cell.value, services=(replace(service, health=HealthCheck(path="/")),)))
        await until(lambda: "keys-0" in monitor.health.value)
        await until_health(monitor, "keys-0", Health.UP)
    assert await kinds(database) == []
