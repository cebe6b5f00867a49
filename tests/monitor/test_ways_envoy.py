"""APIs asked through real Envoy nodes: what is dead, the instance, the node or the way, shows in the alert."""

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from stationmaster.core.facts import AlertRecovered
from stationmaster.core.names import ApiName, UserName
from stationmaster.core.spec import Api, ApiProbe, HealthCheck, PlatformSpec, Target
from stationmaster.monitor import rules
from stationmaster.monitor.loop import Monitor
from stationmaster.monitor.rules import Health
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.gateway import rig as gateway_rig
from tests.gateway.rig import HOST, Rig, declared
from tests.monitor.test_loop import facts, until
from tests.monitor.test_loop import running as watching

CHECK = HealthCheck(path="/ping", contains="operational", interval_ms=150, timeout_ms=400)


@pytest.fixture
def two_nodes(free_port: Callable[[], int]) -> PlatformSpec:
    return declared(free_port, nodes=2, targets=3)


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "START_GRACE", timedelta(seconds=0.5))


def with_probes(spec: PlatformSpec, **users: str | None) -> PlatformSpec:
    """The APIs that are named are asked, as the users that are given."""
    probes = {name: ApiProbe(check=CHECK, user=UserName(user) if user else None) for name, user in users.items()}
    return replace(spec, apis=tuple(replace(api, probe=probes.get(api.name)) for api in spec.apis))


@dataclass(frozen=True)
class Scene:
    rig: Rig
    monitor: Monitor
    held: dict[str, str]
    tokens: dict[str, str]
    """What users show instead of a good token."""

    async def alerts(self) -> list[tuple[str, str, str]]:
        """Name, node and API of what fires."""
        firing = await self.monitor.firing()
        return sorted((each.name, each.labels["node"], each.labels.get("api", "")) for each in firing)

    async def until_alerts(self, *wanted: tuple[str, str, str]) -> None:
        for _ in range(200):
            seen = self.monitor.database.committed.count
            if await self.alerts() == sorted(wanted):
                return
            await self.monitor.database.committed.beyond(seen, 0.1)
        pytest.fail(f"what fires is {await self.alerts()}; {self.said()}")

    async def until_well(self) -> None:
        ways = self.monitor.ways
        await until(lambda: bool(ways.states) and all(each.watch.health is Health.UP for each in ways.states.values()))

    def said(self) -> dict[str, str]:
        return {each.name: each.detail for each in self.monitor.checks()}


@asynccontextmanager
async def scene(spec: PlatformSpec, database: Database, folder: Path) -> AsyncIterator[Scene]:
    """A monitor of its own declaration, over a gateway that runs `spec`."""
    async with gateway_rig.running(spec, database, folder) as rig:

        async def token_of(user: UserName) -> str | None:
            return tokens.get(user) or rig.signer.token(sub=user)

        def linked() -> dict[str, bool]:
            return {name: link.connected for name, link in rig.gateway.links().items()}

        held: dict[str, str] = {}
        tokens: dict[str, str] = {}
        cell = Cell(with_probes(spec, public=None, both="ada"))
        monitor = Monitor(database, cell, token=token_of, linked=linked, held=lambda: held)
        async with watching(monitor):
            yield Scene(rig, monitor, held, tokens)


async def test_a_node_that_dies_makes_one_alert_of_its_own_and_recovers(
    two_nodes: PlatformSpec, database: Database, tmp_path: Path
) -> None:
    async with scene(two_nodes, database, tmp_path) as stage:
        await stage.until_well()
        assert await stage.alerts() == []
        asked = await stage.monitor.ask("both@node-1")
        assert asked is not None
        assert (asked.ok, asked.status) == (True, 200)
        assert await stage.monitor.ask("both@nowhere") is None
        direct = next(each for each in stage.monitor.checks() if each.api == "both" and not each.node)
        itself = await stage.monitor.ask(direct.name)
        assert itself is not None
        assert itself.ok
        stage.rig.send("node-2", signal.SIGKILL)
        await stage.until_alerts(("GatewayNodeDown", "node-2", ""))
        await until(lambda: stage.said()["both@node-2"].endswith("connection refused; likely place: node"))
        assert stage.said()["both@node-1"] == "status 200, body contains 'operational'"
        stage.rig.start_node(two_nodes.nodes[1])
        await stage.until_alerts()
        later = next(each for each in stage.monitor.checks() if each.name == direct.name)
        assert later.answer is not None
        assert later.since == direct.since < later.answer.at
        recovered = [fact for fact in await facts(database) if isinstance(fact, AlertRecovered)]
    assert len(recovered) == 1
    assert "@node-2 answers (status 200" in recovered[0].evidence
    assert "Gateway node: node-2 is down in env: testing, url is http://127.0.0.1:" in recovered[0].evidence


async def test_a_node_that_is_frozen_is_told_from_a_way_that_is_broken(
    two_nodes: PlatformSpec, database: Database, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    async with scene(two_nodes, database, tmp_path) as stage:
        await stage.until_well()
        stage.rig.send("node-1", signal.SIGSTOP)
        await stage.until_alerts(("GatewayNodeDown", "node-1", ""))
        stage.rig.send("node-1", signal.SIGCONT)
        await stage.until_alerts()
        (host,) = two_nodes.virtual_hosts
        astray = replace(host, targets=(Target(address=gateway_rig.local(free_port())),))
        await stage.rig.declare(replace(two_nodes, virtual_hosts=(astray,)))
        way = [("GatewayWayDown", node, "") for node in ("node-1", "node-2")]
        await stage.until_alerts(*way)
        firing = await stage.monitor.firing()
        assert {each.labels["service"] for each in firing} == {HOST}
        assert all("asked directly, 3 of 3 answer" in each.annotations["description"] for each in firing)


async def test_instances_that_die_are_named_and_no_node_is_blamed(
    two_nodes: PlatformSpec, database: Database, tmp_path: Path
) -> None:
    async with scene(two_nodes, database, tmp_path) as stage:
        await stage.until_well()
        for target in stage.rig.targets:
            stage.rig.send(target, signal.SIGKILL)
        both = [("ApiUnreachable", node, api) for node in ("node-1", "node-2") for api in ("public", "both")]
        await stage.until_alerts(*both)
        firing = await stage.monitor.firing()
        assert {each.annotations["place"] for each in firing} == {"instances"}
        assert {each.labels["service"] for each in firing} == {HOST}
        stage.rig.start_upstreams()
        await stage.until_alerts()


@pytest.mark.parametrize(
    ("user", "token", "place"),
    [("ada", "no.such.token", "credentials"), ("mallory", "", "permission")],
)
async def test_what_the_gateway_refuses_is_told_from_what_is_dead(
    two_nodes: PlatformSpec, database: Database, tmp_path: Path, user: str, token: str, place: str
) -> None:
    async with scene(two_nodes, database, tmp_path) as stage:
        await stage.until_well()
        stage.tokens["ada"] = token
        stage.monitor.declared.set(with_probes(two_nodes, public=None, both=user))
        await stage.until_alerts(*(("ApiUnreachable", node, "both") for node in ("node-1", "node-2")))
        firing = await stage.monitor.firing()
        assert {(each.annotations["place"], each.labels["severity"]) for each in firing} == {(place, "warning")}


@pytest.mark.usefixtures("short_grace")
async def test_an_api_that_the_nodes_do_not_know_is_misrouted(
    two_nodes: PlatformSpec, database: Database, tmp_path: Path
) -> None:
    async with scene(two_nodes, database, tmp_path) as stage:
        await stage.until_well()
        ghost = Api(name=ApiName("ghost"), paths=("/ghost",), virtual_host=HOST, probe=ApiProbe(check=CHECK))
        spec = with_probes(two_nodes, public=None)
        stage.monitor.declared.set(replace(spec, apis=(*spec.apis, ghost)))
        await stage.until_alerts(*(("ApiUnreachable", node, "ghost") for node in ("node-1", "node-2")))
        assert {each.annotations["place"] for each in await stage.monitor.firing()} == {"route"}
        stage.monitor.declared.set(spec)
        await stage.until_alerts()
        assert "ghost@node-1" not in stage.said()


async def test_a_node_that_somebody_stopped_raises_no_alarm(
    two_nodes: PlatformSpec, database: Database, tmp_path: Path
) -> None:
    async with scene(two_nodes, database, tmp_path) as stage:
        await stage.until_well()
        stage.held["node-2"] = "stopped by ada: new kernel"
        stage.rig.send("node-2", signal.SIGKILL)
        ways = stage.monitor.ways
        await until(lambda: ways.states["both@node-2"].watch.health is Health.HELD)
        asked = ways.answers["both@node-1"].at
        await until(lambda: ways.answers["both@node-1"].at > asked)
        assert await stage.alerts() == []


async def test_a_monitor_that_starts_again_goes_on_with_the_alert_of_a_way(
    two_nodes: PlatformSpec, database: Database, tmp_path: Path
) -> None:
    async with scene(two_nodes, database, tmp_path) as stage:
        await stage.until_well()
        stage.rig.send("node-2", signal.SIGKILL)
        await stage.until_alerts(("GatewayNodeDown", "node-2", ""))
        again = Monitor(database, stage.monitor.declared)
        before = len(await facts(database))
        async with watching(again):
            await until(lambda: "both@node-2" in again.ways.answers)
            assert again.ways.states["both@node-2"].watch.health is Health.DOWN
            assert again.ways.states["both@node-1"].watch.health is not Health.DOWN
        assert len(await facts(database)) == before
