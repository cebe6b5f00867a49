"""The monitor against a real server that stops and comes back: facts from the outbox, once per transition."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.core.facts import AlertFired, AlertRecovered, Fact
from stationmaster.core.names import InstanceName, ServiceName
from stationmaster.core.spec import Address, HealthCheck, Instance, PlatformSpec, Service
from stationmaster.monitor import rules, store
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.loop import Monitor
from stationmaster.monitor.rules import START_GRACE, Health
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.outbox import facts_since
from tests.monitor.servers import http_bytes, says, serving

CHECK = HealthCheck(path="/healthz", contains="well", interval_ms=50, timeout_ms=1000)
WELL = says(http_bytes(200, b"all is well"))
LIMIT_S = 10.0

Ports = Callable[[], int]


def spec(*ports: int, check: HealthCheck = CHECK) -> PlatformSpec:
    name = ServiceName("keys")
    instances = tuple(
        Instance(
            name=InstanceName(f"keys-{at}"), service=name, region="eu-de", address=Address(host="127.0.0.1", port=port)
        )
        for at, port in enumerate(ports)
    )
    service = Service(name=name, port=8888, health=check, instances=instances)
    return PlatformSpec(environment="lab", services=(service,))


def declared(*ports: int, check: HealthCheck = CHECK) -> Cell[PlatformSpec]:
    return Cell(spec(*ports, check=check))


@asynccontextmanager
async def running(monitor: Monitor) -> AsyncIterator[Monitor]:
    task = asyncio.get_running_loop().create_task(monitor.run())
    try:
        yield monitor
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_health(monitor: Monitor, instance: str, health: Health) -> None:
    async with asyncio.timeout(LIMIT_S):
        async for shown in monitor.health.changes(tick=0.1):
            if shown[instance].state is health:
                return


async def facts(database: Database) -> list[Fact]:
    return await facts_since(database, datetime(2020, 1, 1, tzinfo=UTC))


async def kinds(database: Database) -> list[str]:
    return [type(fact).__name__ for fact in await facts(database)]


async def test_a_server_that_stops_and_comes_back_makes_one_alert_and_one_recovery(
    database: Database, free_port: Ports
) -> None:
    port = free_port()
    async with running(Monitor(database, declared(port))) as monitor:
        async with serving(port, WELL):
            await until_health(monitor, "keys-0", Health.UP)
        await until_health(monitor, "keys-0", Health.DOWN)
        assert [alert.labels["instance"] for alert in await monitor.firing()] == ["keys-0"]
        assert monitor.health.value["keys-0"].detail == "connection refused"
        async with serving(port, WELL):
            await until_health(monitor, "keys-0", Health.UP)
            assert await monitor.firing() == []
    fired, recovered = await facts(database)
    assert isinstance(fired, AlertFired)
    assert isinstance(recovered, AlertRecovered)
    assert replace(fired.alert, active_at=None) == recovered.alert
    assert fired.alert.active_at is not None
    assert fired.alert.active_at <= fired.alert.starts_at
    url = f"http://127.0.0.1:{port}/healthz"
    assert fired.alert.summary == f"Service: keys in env: lab is down, url is {url}, instance is keys-0"
    assert "connection refused" in fired.evidence
    assert "body contains 'well'" in recovered.evidence
    assert re.search(r"; it lasted (less than a second|\d+ s): Service: keys in env: lab", recovered.evidence)
    assert fired.at < recovered.at


async def test_an_instance_falls_without_its_neighbours(database: Database, free_port: Ports) -> None:
    first, second = free_port(), free_port()
    async with running(Monitor(database, declared(first, second))) as monitor, serving(first, WELL):
        async with serving(second, WELL):
            await until_health(monitor, "keys-0", Health.UP)
            await until_health(monitor, "keys-1", Health.UP)
        await until_health(monitor, "keys-1", Health.DOWN)
        assert monitor.health.value["keys-0"].state is Health.UP
    assert await kinds(database) == ["AlertFired"]


async def test_an_instance_that_is_still_down_after_a_restart_does_not_fire_again(
    database: Database, free_port: Ports
) -> None:
    port = free_port()
    await fall(database, port)
    monitor = Monitor(database, declared(port))
    async with running(monitor):
        await until_health(monitor, "keys-0", Health.DOWN)
        await until(lambda: monitor.health.value["keys-0"].detail == "connection refused")
        assert len(await monitor.firing()) == 1
    assert await kinds(database) == ["AlertFired"]


async def test_an_instance_that_was_started_long_before_has_no_grace_after_a_restart(
    database: Database, free_port: Ports
) -> None:
    async def launched() -> dict[str, datetime]:
        return {"keys-0": utc_now() - timedelta(minutes=5)}

    monitor = Monitor(database, declared(free_port()), launched=launched)
    async with running(monitor), asyncio.timeout(START_GRACE.total_seconds() / 2):
        await until_health(monitor, "keys-0", Health.DOWN)
    assert await kinds(database) == ["AlertFired"]


async def test_an_instance_that_came_back_during_a_restart_recovers(database: Database, free_port: Ports) -> None:
    port = free_port()
    await fall(database, port)
    async with serving(port, WELL), running(Monitor(database, declared(port))) as monitor:
        await until_health(monitor, "keys-0", Health.UP)
        assert await monitor.firing() == []
    assert await kinds(database) == ["AlertFired", "AlertRecovered"]


async def test_the_alert_of_an_instance_that_is_no_longer_declared_is_closed(
    database: Database, free_port: Ports
) -> None:
    await fall(database, free_port())
    async with running(Monitor(database, Cell(PlatformSpec(environment="lab")))):
        await until_kinds(database, "AlertFired", "AlertRecovered")
    recovered = (await facts(database))[-1]
    assert isinstance(recovered, AlertRecovered)
    assert recovered.evidence.startswith("instance keys-0 is no longer declared with a health check; it lasted ")


async def test_a_service_is_unknown_until_it_was_seen_and_its_grace_is_over(
    database: Database, free_port: Ports
) -> None:
    async with running(Monitor(database, declared(free_port()))) as monitor:
        await until(lambda: monitor.health.value["keys-0"].detail == "connection refused")
        assert monitor.health.value["keys-0"].state is Health.UNKNOWN
    assert await kinds(database) == []


async def test_a_run_that_is_started_again_goes_on_where_it_was(database: Database, free_port: Ports) -> None:
    port = free_port()
    monitor = Monitor(database, declared(port))
    async with serving(port, WELL), running(monitor):
        await until_health(monitor, "keys-0", Health.UP)
    async with running(monitor):
        await until_health(monitor, "keys-0", Health.DOWN)
    async with running(monitor):
        await until_health(monitor, "keys-0", Health.DOWN)
    assert await kinds(database) == ["AlertFired"]


async def test_an_instance_is_asked_by_one_check_at_a_time(database: Database, free_port: Ports) -> None:
    asked = under_way = most = 0

    async def slow(_address: Address, _check: HealthCheck) -> ProbeAnswer:
        nonlocal asked, under_way, most
        asked += 1
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.03)
        under_way -= 1
        return ProbeAnswer(ok=True, detail="status 200", latency_ms=30, at=utc_now())

    async with running(Monitor(database, declared(free_port(), check=replace(CHECK, interval_ms=5)), probe=slow)):
        await until(lambda: asked >= 5)
    assert most == 1


async def test_a_check_that_breaks_does_not_stop_the_others(database: Database, free_port: Ports) -> None:
    broken, good = free_port(), free_port()

    async def half(address: Address, _check: HealthCheck) -> ProbeAnswer:
        if address.port == broken:
            raise OSError("too many open files")
        return ProbeAnswer(ok=True, detail="status 200", latency_ms=1, at=utc_now())

    async with running(Monitor(database, declared(broken, good), probe=half)) as monitor:
        await until_health(monitor, "keys-1", Health.UP)
        assert monitor.health.value["keys-0"].state is Health.UNKNOWN


async def test_a_transition_that_could_not_be_written_is_written_with_the_next_answer(
    database: Database, free_port: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    attempts = 0
    real = store.open_alerts

    async def full_at_first(*args: object) -> None:
        nonlocal attempts
        if not args[1]:
            return
        attempts += 1
        if attempts == 1:
            raise OSError("disk full")
        await real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "open_alerts", full_at_first)
    async with running(Monitor(database, declared(port))) as monitor:
        async with serving(port, WELL):
            await until_health(monitor, "keys-0", Health.UP)
        await until_health(monitor, "keys-0", Health.DOWN)
    assert attempts == 2
    assert await kinds(database) == ["AlertFired"]


async def test_a_fingerprint_fires_in_one_row_at_a_time_and_its_history_stays(database: Database) -> None:
    (watched,) = rules.watched_of(spec(1))
    alert = rules.alert_of(watched, utc_now())
    async with database.write() as connection:
        assert await store.open_alert(connection, alert)
        assert not await store.open_alert(connection, alert)
        assert await store.close_alert(connection, alert.fingerprint, utc_now()) == alert
        assert await store.close_alert(connection, alert.fingerprint, utc_now()) is None
        assert await store.open_alert(connection, alert)
        assert await store.firing_alerts(connection) == [alert]
        rows = (await connection.execute(store.alerts.select())).all()
    assert [row.state for row in rows] == ["recovered", "firing"]


async def fall(database: Database, port: int) -> None:
    """Lets keys-0 be seen up and then fall, and ends watching there."""
    async with running(Monitor(database, declared(port))) as monitor:
        async with serving(port, WELL):
            await until_health(monitor, "keys-0", Health.UP)
        await until_health(monitor, "keys-0", Health.DOWN)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.01)


async def until_kinds(database: Database, *wanted: str) -> None:
    async with asyncio.timeout(LIMIT_S):
        while await kinds(database) != list(wanted):
            await asyncio.sleep(0.01)
