"""What real nodes do when targets, the control plane or parts of the configuration fail them."""

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from envoy.service.discovery.v3 import discovery_pb2

from stationmaster.core.names import NodeName
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address, GatewayNode, PlatformSpec
from stationmaster.gateway import node as gateway_node
from stationmaster.gateway import xds
from stationmaster.gateway.envoy.translate import translate
from stationmaster.gateway.plan.live import Live
from stationmaster.gateway.plan.whole import plan
from stationmaster.gateway.publication import Publication
from stationmaster.gateway.snapshot import Kind, Snapshot, snapshot
from stationmaster.gateway.xds import serving
from stationmaster.runtime.db import Database
from tests.gateway.load import load
from tests.gateway.rig import ENVIRONMENT, Rig, declared, eventually, local, proofs, running
from tests.gateway.rig import KEY as KEY_OF

pytestmark = pytest.mark.e2e

KEY = {"apikey": KEY_OF["ada"]}


async def test_a_killed_target_costs_no_request(rig: Rig) -> None:
    async with load(rig.spec.nodes[0].listen, "/public") as tally:
        await tally.reaches(200)
        for target in rig.targets[:2]:
            rig.send(target, signal.SIGKILL)
            await tally.reaches(300)
        rig.start_upstreams([int(target.rpartition(":")[2]) for target in rig.targets[:2]])
        await tally.reaches(300)
    assert tally.failures == {}


async def test_a_frozen_target_costs_time_but_no_request(
    two_nodes: PlatformSpec, database: Database, tmp_path: Path
) -> None:
    async with (
        running(with_timeout(two_nodes, 3000), database, tmp_path) as rig,
        load(rig.spec.nodes[0].listen, "/public") as tally,
    ):
        await tally.reaches(200)
        rig.send(rig.targets[0], signal.SIGSTOP)
        await tally.reaches(500)
        assert tally.failures == {}
        assert tally.slowest_s < 2


async def test_a_withdrawn_target_gets_no_more_requests_and_nobody_notices(rig: Rig) -> None:
    async with load(rig.spec.nodes[0].listen, "/public") as tally:
        await tally.reaches(100)
        await rig.gateway.rotation.take_out("shop", rig.targets[0], by="tester", why="to see")
        ports = {(await rig.request("GET", "/public")).json()["port"] for _ in range(12)}
        await rig.gateway.rotation.put_back("shop", rig.targets[0], by="tester", why="seen")
        await tally.reaches(100)
    assert {f"127.0.0.1:{port}" for port in ports} == set(rig.targets[1:])
    assert tally.failures == {}


async def test_what_may_not_be_repeated_is_sent_once(rig: Rig) -> None:
    assert (await rig.request("POST", "/public/crash")).status_code == 503
    counts = [await _asked(rig, target, "POST /crash") for target in rig.targets]
    assert sum(counts) == 1


async def test_a_slow_answer_within_the_time_limit_is_waited_for(
    two_nodes: PlatformSpec, database: Database, tmp_path: Path
) -> None:
    async with running(with_timeout(two_nodes, 1500), database, tmp_path) as rig:
        assert (await rig.request("GET", "/public/slow")).status_code == 200


def with_timeout(spec: PlatformSpec, timeout_ms: int) -> PlatformSpec:
    return replace(spec, apis=tuple(replace(api, timeout_ms=timeout_ms) for api in spec.apis))


async def _asked(rig: Rig, target: str, what: str) -> int:
    async with rig.client() as client:
        seen: Mapping[str, Mapping[str, int]] = (await client.get(f"http://{target}/")).json()
    return seen["asked"].get(what, 0)


async def test_nodes_serve_on_without_the_control_plane_and_need_nothing_sent_again(rig: Rig) -> None:
    async with load(rig.spec.nodes[0].listen, "/public") as tally:
        await rig.stop_control()
        await tally.reaches(100)
        assert (await rig.request("GET", "/both", headers=KEY)).status_code == 200
        assert (await rig.request("GET", "/both")).status_code == 401
        rig.start_control()
        await rig.converged()
    assert tally.failures == {}
    sessions = [follower.session for follower in rig.gateway.publication.followers.values()]
    assert [session.count for session in sessions] == [0, 0]


async def test_a_restarted_control_plane_brings_changes_made_while_it_was_away(rig: Rig) -> None:
    await rig.stop_control()
    rig.credentials.set(replace(rig.credentials.value, shards={}))
    rig.start_control()
    await rig.converged()
    assert (await rig.request("GET", "/both", headers=KEY)).status_code == 401


async def test_a_node_started_without_a_control_plane_takes_nothing(
    two_nodes: PlatformSpec, database: Database, tmp_path: Path
) -> None:
    rig = Rig(spec=two_nodes, database=database, folder=tmp_path)
    node = two_nodes.nodes[0]
    try:
        rig.start_node(node)
        await eventually(lambda: _accepts(node.admin))
        assert not await gateway_node.ready(node.admin)
        assert not _accepts(node.listen)
        rig.start_upstreams()
        rig.start_control()
        await eventually(lambda: _accepts(node.listen))
        assert (await rig.request("GET", "/both")).status_code == 401, "never open, not even in the first moment"
    finally:
        await rig.close()


def _accepts(address: Address) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address.host, address.port)) == 0


@pytest.mark.parametrize("missing", ["stationmaster.tokens", "stationmaster.keys.stm_ad", "stationmaster.barrier"])
async def test_a_node_that_lacks_credentials_to_check_against_lets_nobody_in(
    free_port: Callable[[], int], database: Database, tmp_path: Path, missing: str
) -> None:
    spec = declared(free_port, nodes=1, targets=1)
    rig = Rig(spec=spec, database=database, folder=tmp_path)
    whole = translate(plan(spec, Live(proofs=proofs(rig.signer.jwks())))[0])
    async with _published({node: without(each, missing) for node, each in whole.items()}, spec.control.xds):
        try:
            rig.start_upstreams()
            rig.start_node(spec.nodes[0])
            await eventually(lambda: _accepts(spec.nodes[0].listen))
            path = "/tokens" if missing == "stationmaster.tokens" else "/keyed"
            headers = KEY | {"authorization": f"Bearer {rig.signer.token()}"}
            assert (await rig.request("GET", path, headers=headers)).status_code == 403
            refused = 403 if missing == "stationmaster.tokens" else 401
            assert (await rig.request("GET", path)).status_code == refused
        finally:
            await rig.close()


@asynccontextmanager
async def _published(snapshots: Mapping[str, Snapshot], address: Address) -> AsyncIterator[Publication]:
    publication = Publication(ENVIRONMENT)
    publication.publish(snapshots)
    async with serving(publication, address):
        yield publication


def without(whole: Snapshot, name: str) -> Snapshot:
    return snapshot(
        each for kind in Kind for each in whole.of(kind).values() if not (kind is Kind.FILTER and each.name == name)
    )


async def test_a_node_that_cannot_listen_says_so_and_tries_again(
    free_port: Callable[[], int], database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xds, "_QUIET_S", 0.2)
    spec = declared(free_port, nodes=1, targets=1)
    listen = spec.nodes[0].listen
    rig = Rig(spec=spec, database=database, folder=tmp_path)
    try:
        with socket.create_server((listen.host, listen.port)):
            rig.start_control()
            rig.start_node(spec.nodes[0])
            await eventually(lambda: bool(rig.gateway.diagnostics()))
            (refused,) = rig.gateway.diagnostics()
            assert refused.code == "node-refused"
            assert str(refused.origin) == "platform.yaml:11:1"
            assert "gateway node node-1 refuses listener entrance" in refused.message
            assert "Address already in use" in refused.message
            assert not rig.gateway.links()["node-1"].acknowledged
        await eventually(lambda: rig.gateway.links()["node-1"].acknowledged)
        assert rig.gateway.diagnostics() == ()
        assert (await rig.request("GET", "/nothing")).status_code == 404
    finally:
        await rig.close()


@pytest.mark.parametrize(
    ("node", "environment", "code"),
    [
        ("", ENVIRONMENT, grpc.StatusCode.INVALID_ARGUMENT),
        ("node-9", ENVIRONMENT, grpc.StatusCode.PERMISSION_DENIED),
        ("node-1", "production", grpc.StatusCode.PERMISSION_DENIED),
    ],
)
async def test_a_node_that_is_not_declared_gets_no_configuration(
    free_port: Callable[[], int], node: str, environment: str, code: grpc.StatusCode
) -> None:
    address = local(free_port())
    async with (
        _published({"node-1": snapshot(())}, address),
        grpc.aio.insecure_channel(str(address)) as channel,
    ):
        call = channel.stream_stream(
            "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
            request_serializer=discovery_pb2.DeltaDiscoveryRequest.SerializeToString,
            response_deserializer=discovery_pb2.DeltaDiscoveryResponse.FromString,
        )()
        await call.write(
            discovery_pb2.DeltaDiscoveryRequest(node={"id": node, "cluster": environment}, type_url=Kind.POOL.value)
        )
        assert await call.code() == code


async def test_a_taken_port_is_said_with_a_hint(free_port: Callable[[], int]) -> None:
    address = local(free_port())
    async with _published({}, address):
        with pytest.raises(PlatformError, match="cannot be served") as refusal:
            async with _published({}, address):
                pass
    assert refusal.value.code == "port-taken"
    assert refusal.value.hint


async def test_a_drained_node_stops_without_a_lost_request(rig: Rig) -> None:
    node: GatewayNode = rig.spec.nodes[0]
    slow = asyncio.create_task(rig.request("GET", "/public/slow"))
    await asyncio.sleep(0)
    started = time.monotonic()
    assert await gateway_node.drain(node.admin)
    assert time.monotonic() - started < 5
    rig.send(NodeName(node.name), signal.SIGTERM)
    assert (await slow).status_code == 200
    assert await gateway_node.drain(node.admin), "a node that is gone has nothing left to lose"
