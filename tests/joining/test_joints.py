"""What joins the rooms keeps to the declared bounds."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from stationmaster.app import build
from stationmaster.catalog.loop import Catalog
from stationmaster.config import StateDir
from stationmaster.core.facts import BalancerState
from stationmaster.core.names import InstanceName, NodeName, ServiceName, VirtualHostName
from stationmaster.core.spec import (
    Address,
    GatewayNode,
    HealthCheck,
    Instance,
    PlatformSpec,
    Service,
    Target,
    VirtualHost,
)
from stationmaster.fleet.rollout import Standing
from stationmaster.joining.joints import FleetTraffic, OtherNodeCount, Wanted
from stationmaster.monitor.loop import InstanceHealth
from stationmaster.monitor.rules import Health
from stationmaster.platform import Platform
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now


def local(port: int) -> Address:
    return Address(host="127.0.0.1", port=port)


def node(number: int) -> GatewayNode:
    return GatewayNode(name=NodeName(f"gateway-{number}"), listen=local(18000 + number), admin=local(19900 + number))


ECHO = ServiceName("echo")
INSTANCES = tuple(
    Instance(name=InstanceName(f"echo-{number}"), service=ECHO, region="eu", address=local(18100 + number))
    for number in (1, 2, 3)
)
SPEC = PlatformSpec(
    environment="test",
    nodes=(node(1),),
    services=(
        Service(name=ECHO, port=80, command=("echo", "{address}"), health=HealthCheck(), instances=INSTANCES[:2]),
        Service(name=ServiceName("bare"), port=81, command=("bare",), instances=INSTANCES[2:]),
    ),
    virtual_hosts=tuple(
        VirtualHost(
            name=VirtualHostName(name),
            targets=tuple(Target(address=each.address, instance=each.name) for each in INSTANCES[:2]),
        )
        for name in ("one", "two")
    ),
)


@pytest.fixture
async def platform(tmp_path: Path, database: Database) -> Platform:
    return await build(Catalog(database, SPEC), StateDir(tmp_path / "state"), database)


def traffic_of(platform: Platform) -> FleetTraffic:
    assert isinstance(platform.fleet.traffic, FleetTraffic)
    return platform.fleet.traffic


async def states(platform: Platform) -> dict[tuple[str, str | None], str]:
    return {(row.virtual_host, row.instance): row.state.value for row in await platform.gateway.rotation.targets()}


async def test_the_fleet_takes_a_process_out_of_every_virtual_host_and_back(platform: Platform) -> None:
    traffic = traffic_of(platform)
    assert await traffic.withdrawn() == frozenset()
    await traffic.withdraw("echo-1", why="restarted")
    assert {where for where, state in (await states(platform)).items() if state == "out"} == {
        ("one", "echo-1"),
        ("two", "echo-1"),
    }
    assert await traffic.withdrawn() == {"echo-1"}
    await traffic.restore("echo-1", why="well")
    assert set((await states(platform)).values()) == {"in"}
    assert await traffic.withdrawn() == frozenset()


async def test_the_fleet_puts_back_nothing_that_somebody_else_took_out(platform: Platform) -> None:
    rotation, traffic = platform.gateway.rotation, traffic_of(platform)
    await rotation.take_out("one", "echo-1", by="self-healing", why="down", incident=None)
    await rotation.hold("two", "echo-1", BalancerState.OUT, by="ada", why="odd")
    await traffic.withdraw("echo-1", why="restarted")
    assert await traffic.withdrawn() == frozenset()
    await traffic.restore("echo-1", why="well")
    seen = await states(platform)
    assert (seen["one", "echo-1"], seen["two", "echo-1"]) == ("out", "out")


async def test_the_last_target_stays_while_its_process_is_restarted(platform: Platform) -> None:
    traffic = traffic_of(platform)
    await traffic.withdraw("echo-1", why="restarted")
    await traffic.withdraw("echo-2", why="restarted")
    assert (await states(platform))["one", "echo-2"] == "in"
    assert await traffic.withdrawn() == {"echo-1"}


async def test_a_process_is_well_only_by_an_answer_that_it_gave_itself(platform: Platform) -> None:
    traffic, now = traffic_of(platform), utc_now()
    shown = InstanceHealth(state=Health.UP, detail="status 200", since=now, well_at=now)
    platform.monitor.health.set({"echo-1": shown})
    assert traffic.standing("echo-1", now - timedelta(seconds=1)) is Standing.UP
    assert traffic.standing("echo-1", now + timedelta(seconds=1)) is Standing.UNKNOWN
    platform.monitor.health.set({"echo-1": replace(shown, state=Health.DOWN, well_at=None)})
    assert traffic.standing("echo-1", now) is Standing.DOWN
    assert traffic.standing("echo-3", now) is Standing.UNKNOWN
    assert traffic.standing("echo-3", now - timedelta(seconds=5)) is Standing.UP


async def test_a_node_that_does_not_connect_in_time_is_down(platform: Platform) -> None:
    traffic, long_ago = traffic_of(platform), utc_now() - timedelta(minutes=1)
    assert traffic.standing("gateway-1", long_ago) is Standing.UNKNOWN
    traffic.started_at = long_ago
    assert traffic.standing("gateway-1", utc_now()) is Standing.UNKNOWN
    assert traffic.standing("gateway-1", long_ago) is Standing.DOWN


async def test_launches_follow_what_they_come_from_and_nothing_else(tmp_path: Path) -> None:
    cell = Cell(SPEC)
    wanted = Wanted(cell, tmp_path)
    first = wanted()
    assert [each.name for each in first] == ["gateway-1", "echo-1", "echo-2", "echo-3"]
    assert [each.group for each in first] == ["gateway nodes", "service echo", "service echo", "service bare"]
    cell.set(replace(SPEC, regions=("eu",)))
    assert wanted() is first
    cell.set(replace(SPEC, nodes=(node(1), node(2))))
    assert [each.name for each in wanted()][:2] == ["gateway-1", "gateway-2"]
    assert {each.name: each.digest for each in first}.items() <= {each.name: each.digest for each in wanted()}.items()
    cell.set(replace(SPEC, nodes=(replace(node(1), admin=local(19950)),)))
    assert wanted()[0].digest != first[0].digest


async def test_another_number_of_nodes_follows_what_is_declared() -> None:
    source = Cell(SPEC)
    cell = OtherNodeCount(source, 3)
    assert len(cell.value.nodes) == 3
    assert cell.value is cell.value
    source.set(replace(SPEC, nodes=(node(1), node(7))))
    assert [each.name for each in cell.value.nodes] == ["gateway-1", "gateway-7", "gateway-3"]
    changes = cell.changes(tick=5)
    assert len((await anext(changes)).nodes) == 3
    source.set(replace(SPEC, regions=("eu",)))
    assert (await anext(changes)).regions == ("eu",)
    await changes.aclose()
