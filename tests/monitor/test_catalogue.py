"""The catalogue of checks and the samples that are made of it, over a running monitor."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from stationmaster.core.spec import CheckKind, HealthCheck
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.catalogue import Check, samples_of
from stationmaster.monitor.loop import Monitor
from stationmaster.monitor.regions import SERVICE_DOWN
from stationmaster.monitor.rules import Health
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now
from tests.monitor.servers import serving
from tests.monitor.test_live import monitor_of
from tests.monitor.test_loop import WELL, running, spec, until, until_health

Ports = Callable[[], int]


async def test_every_check_is_listed_with_its_last_answer_and_when_it_is_due(
    database: Database, free_port: Ports
) -> None:
    up, down = free_port(), free_port()
    async with serving(up, WELL), running(monitor_of(database, Cell(spec(up, down)))) as monitor:
        assert {each.detail for each in monitor.checks()} == {"not checked yet"}
        assert list(monitor.samples()) == []
        await until_health(monitor, "keys-0", Health.UP)
        await until_health(monitor, "keys-1", Health.DOWN)
        first, second = monitor.checks()
        assert (first.name, first.kind, first.state, first.service) == ("keys-0", "http", Health.UP, "keys")
        assert first.url == f"http://127.0.0.1:{up}/healthz"
        assert first.answer is not None
        assert (first.answer.status, first.answer.ok) == (200, True)
        assert first.due_at is not None
        assert abs(first.due_at - utc_now()) < timedelta(seconds=2)
        assert (second.state, second.answer is not None and second.answer.ok) == (Health.DOWN, False)
        assert second.since <= utc_now()
        samples = dict(monitor.samples())
    where = (("check", "http"), ("environment", "lab"))
    well = (*where, ("instance", "keys-0"), ("region", "eu-de"), ("service", "keys"))
    dead = (*where, ("instance", "keys-1"), ("region", "eu-de"), ("service", "keys"))
    assert samples[("__name__", "probe_success"), *well] == 1
    assert samples[("__name__", "probe_http_status_code"), *well] == 200
    assert 0 < samples[("__name__", "probe_duration_seconds"), *well] < 2
    assert samples[("__name__", "probe_success"), *dead] == 0
    assert (("__name__", "probe_http_status_code"), *dead) not in samples


def test_what_nobody_asks_makes_no_sample() -> None:
    check = Check(
        name="keys-0",
        kind="http",
        url="u",
        environment="lab",
        service="keys",
        state=Health.HELD,
        detail="",
        since=utc_now(),
        interval_ms=1,
    )
    assert list(samples_of([check, replace(check, state=Health.UNKNOWN)])) == []


def test_an_instance_that_may_still_be_starting_is_no_dead_one_to_rules() -> None:
    refused = ProbeAnswer(ok=False, detail="connection refused", latency_ms=1, at=utc_now())
    starting = Check(
        name="keys-0",
        kind="http",
        url="u",
        environment="lab",
        service="keys",
        state=Health.UNKNOWN,
        detail="",
        since=utc_now(),
        interval_ms=1,
        answer=refused,
    )
    assert list(samples_of([starting])) == []
    assert dict(samples_of([replace(starting, state=Health.DOWN)]))
    assert dict(samples_of([replace(starting, answer=replace(refused, ok=True))]))


async def test_the_labels_of_a_sample_are_sorted_and_hold_no_empty_value(database: Database, free_port: Ports) -> None:
    port = free_port()
    async with serving(port, WELL), running(monitor_of(database, Cell(spec(port)))) as monitor:
        await until_health(monitor, "keys-0", Health.UP)
        for labels, _ in monitor.samples():
            assert list(labels) == sorted(labels)
            assert all(value for _, value in labels)


async def test_a_service_of_which_nothing_is_left_has_an_alert_of_its_own_until_one_is_back(
    database: Database, free_port: Ports
) -> None:
    first, second = free_port(), free_port()
    cell = Cell(spec(first, second))
    monitor = monitor_of(database, cell)
    async with running(monitor):
        async with serving(first, WELL):
            await until_health(monitor, "keys-0", Health.UP)
            await until_health(monitor, "keys-1", Health.DOWN)
            assert SERVICE_DOWN not in await names(monitor)
        await until_health(monitor, "keys-0", Health.DOWN)
        await until_named(monitor, SERVICE_DOWN, present=True)
    again = monitor_of(database, cell)
    async with running(again):
        await until(lambda: all(each.latency_ms is not None for each in again.health.value.values()))
        assert (await names(again)).count(SERVICE_DOWN) == 1
        async with serving(second, WELL):
            await until_named(again, SERVICE_DOWN, present=False)


async def test_a_command_is_run_for_every_instance_with_its_own_values(database: Database, free_port: Ports) -> None:
    script = 'echo "$0 of {service} in {region} at {port}"; test {instance} = keys-0'
    check = HealthCheck(kind=CheckKind.COMMAND, command=("sh", "-c", script, "{instance}"), interval_ms=100)
    first, second = free_port(), free_port()
    async with running(monitor_of(database, Cell(spec(first, second, check=check)))) as monitor:
        await until_health(monitor, "keys-0", Health.UP)
        await until_health(monitor, "keys-1", Health.DOWN)
        shown = monitor.health.value
    assert shown["keys-0"].detail == f"exit 0: keys-0 of keys in eu-de at {first}"
    assert shown["keys-1"].detail == f"exit 1: keys-1 of keys in eu-de at {second}"


async def names(monitor: Monitor) -> list[str]:
    return [alert.name for alert in await monitor.firing()]


async def until_named(monitor: Monitor, name: str, *, present: bool) -> None:
    seen = monitor.database.committed.count
    while (name in await names(monitor)) is not present:
        assert await monitor.database.committed.beyond(seen, 10), f"{name}: {await names(monitor)}"
        seen = monitor.database.committed.count
