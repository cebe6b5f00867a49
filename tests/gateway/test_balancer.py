"""Taking targets out of rotation and back: durable, told once, and never the last one."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stationmaster.core.facts import BalancerState, Fact, TargetChanged
from stationmaster.core.names import InstanceName
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec, Target
from stationmaster.gateway import loop, store
from stationmaster.gateway.loop import Gateway
from stationmaster.gateway.plan.pools import in_rotation
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.outbox import facts_since
from tests.gateway.rig import Rig, Signer, declared, local, proofs

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def spec(free_port: Callable[[], int]) -> PlatformSpec:
    """No nodes: nobody has to be waited for."""
    return declared(free_port, nodes=0, targets=3)


@pytest.fixture
def gateway(spec: PlatformSpec, database: Database) -> Gateway:
    return Gateway(database, Cell(spec), Cell(proofs(Signer().jwks())))


def address(spec: PlatformSpec, number: int) -> str:
    return str(spec.virtual_hosts[0].targets[number].address)


async def facts(database: Database) -> list[Fact]:
    return await facts_since(database, LONG_AGO)


async def test_taking_a_target_out_is_kept_and_told(gateway: Gateway, spec: PlatformSpec, database: Database) -> None:
    fact = await gateway.rotation.take_out("shop", address(spec, 0), by="ada", why="it smokes", incident=7)
    assert await facts(database) == [fact]
    assert (fact.state, fact.by, fact.why, fact.incident) == (BalancerState.OUT, "ada", "it smokes", 7)
    first, *others = await gateway.rotation.targets()
    assert (first.state, first.by, first.why, first.at, first.incident) == (
        BalancerState.OUT,
        "ada",
        "it smokes",
        fact.at,
        7,
    )
    assert {row.state for row in others} == {BalancerState.IN}


async def test_what_is_out_already_stays_out_and_is_not_told_again(
    gateway: Gateway, spec: PlatformSpec, database: Database
) -> None:
    first = await gateway.rotation.take_out("shop", address(spec, 0), by="ada", why="it smokes", incident=7)
    again = await gateway.rotation.take_out("shop", address(spec, 0), by="bob", why="me too", incident=8)
    assert again == first
    assert await facts(database) == [first]


async def test_many_who_take_out_the_same_target_at_once_change_it_once(
    gateway: Gateway, spec: PlatformSpec, database: Database
) -> None:
    await asyncio.gather(
        *(
            gateway.rotation.take_out("shop", address(spec, 0), by=f"user {number}", why="it smokes")
            for number in range(8)
        )
    )
    assert len(await facts(database)) == 1


async def test_putting_back_what_nobody_took_out_changes_nothing(
    gateway: Gateway, spec: PlatformSpec, database: Database
) -> None:
    fact = await gateway.rotation.put_back("shop", address(spec, 0), by="ada", why="just so")
    assert fact.state is BalancerState.IN
    assert await facts(database) == []


async def test_a_target_comes_back(gateway: Gateway, spec: PlatformSpec, database: Database) -> None:
    out = await gateway.rotation.take_out("shop", address(spec, 0), by="ada", why="it smokes")
    back = await gateway.rotation.put_back("shop", address(spec, 0), by="bob", why="it is well", incident=7)
    assert await facts(database) == [out, back]
    row = (await gateway.rotation.targets())[0]
    assert (row.state, row.by, row.why) == (BalancerState.IN, "bob", "it is well")


async def test_the_last_target_of_a_virtual_host_is_never_withdrawn(gateway: Gateway, spec: PlatformSpec) -> None:
    await gateway.rotation.take_out("shop", address(spec, 0), by="ada", why="it smokes")
    results = await asyncio.gather(
        *(gateway.rotation.take_out("shop", address(spec, number), by="ada", why="it smokes") for number in (1, 2)),
        return_exceptions=True,
    )
    refused = [each for each in results if isinstance(each, PlatformError)]
    assert [(each.code, each.status) for each in refused] == [("last-target", 409)]
    assert sum(row.state is BalancerState.IN for row in await gateway.rotation.targets()) == 1


@pytest.mark.parametrize(("host", "target"), [("shop", "127.0.0.1:1"), ("nowhere", "127.0.0.1:1"), ("shop", "")])
async def test_an_unknown_target_is_refused(gateway: Gateway, host: str, target: str) -> None:
    with pytest.raises(PlatformError) as refusal:
        await gateway.rotation.take_out(host, target, by="ada", why="it smokes")
    assert (refusal.value.code, refusal.value.status) == ("unknown-target", 404)


async def test_a_target_answers_to_the_name_of_its_instance(spec: PlatformSpec, database: Database) -> None:
    host = spec.virtual_hosts[0]
    named = replace(host, targets=(replace(host.targets[0], instance=InstanceName("shop-1")), *host.targets[1:]))
    gateway = Gateway(database, Cell(replace(spec, virtual_hosts=(named,))), Cell(proofs(Signer().jwks())))
    fact = await gateway.rotation.take_out("shop", "shop-1", by="ada", why="it smokes")
    assert fact.target == address(spec, 0)


def test_a_target_without_weight_is_not_in_rotation(spec: PlatformSpec) -> None:
    host = replace(spec.virtual_hosts[0], targets=(Target(address=local(1), weight=0), Target(address=local(2))))
    assert [target.address for target in in_rotation(host, frozenset())] == [local(2)]


async def test_a_change_whose_telling_was_cut_off_is_told_before_the_next_change(
    gateway: Gateway, spec: PlatformSpec, database: Database
) -> None:
    cut_off = store.Override(
        virtual_host="shop",
        target=address(spec, 0),
        state=BalancerState.OUT,
        by="ada",
        why="it smokes",
        at=utc_now(),
    )
    async with database.write() as connection:
        await store.keep(connection, cut_off)
    await gateway.rotation.put_back("shop", address(spec, 0), by="bob", why="it is well")
    states = [fact.state for fact in await facts(database) if isinstance(fact, TargetChanged)]
    assert states == [BalancerState.OUT, BalancerState.IN]


@pytest.mark.e2e
async def test_every_node_acknowledges_a_withdrawal(rig: Rig) -> None:
    fact = await rig.gateway.rotation.take_out("shop", rig.targets[0], by="ada", why="it smokes")
    assert set(fact.acknowledged) == {"node-1", "node-2"}
    assert fact.pending == ()
    assert all(0 < ms < 2000 for ms in fact.acknowledged.values())
    assert {link.acknowledged for link in rig.gateway.links().values()} == {True}


@pytest.mark.e2e
async def test_a_node_that_is_away_is_named_as_pending(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_ACKNOWLEDGED_WITHIN_S", 0.3)
    rig.programs["node-2"].kill()
    rig.programs["node-2"].wait(timeout=5)
    fact = await rig.gateway.rotation.take_out("shop", rig.targets[0], by="ada", why="it smokes")
    assert set(fact.acknowledged) == {"node-1"}
    assert fact.pending == ("node-2",)
    assert not rig.gateway.links()["node-2"].acknowledged


@pytest.mark.e2e
async def test_a_withdrawn_target_stays_out_when_control_plane_and_node_start_anew(rig: Rig) -> None:
    await rig.gateway.rotation.take_out("shop", rig.targets[0], by="ada", why="it smokes")
    await rig.stop_control()
    rig.programs["node-1"].kill()
    rig.programs["node-1"].wait(timeout=5)
    rig.start_control()
    rig.start_node(rig.spec.nodes[0])
    await rig.converged()
    ports = {(await rig.request("GET", "/public")).json()["port"] for _ in range(12)}
    assert {f"127.0.0.1:{port}" for port in ports} == set(rig.targets[1:])


@pytest.mark.e2e
async def test_a_crash_between_change_and_fact_is_told_after_the_restart(rig: Rig) -> None:
    await rig.stop_control()
    cut_off = store.Override(
        virtual_host="shop", target=rig.targets[0], state=BalancerState.OUT, by="ada", why="it smokes", at=utc_now()
    )
    async with rig.database.write() as connection:
        await store.keep(connection, cut_off)
    rig.start_control()
    seen = rig.database.committed.count
    while not (told := await facts(rig.database)):
        assert await rig.database.committed.beyond(seen, 10)
        seen = rig.database.committed.count
    assert isinstance(told[0], TargetChanged)
    assert set(told[0].acknowledged) == {"node-1", "node-2"}
