"""Targets, the watchdog and gateway nodes over REST, over the real rooms without their loops."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import msgspec
import pytest

from stationmaster.api.app import make_api
from stationmaster.api.wire_targets import TargetChange, TargetExplanation, TargetStateList, WatchdogReport
from stationmaster.app import build
from stationmaster.catalog.loop import Catalog
from stationmaster.config import StateDir
from stationmaster.core.names import InstanceName, ServiceName
from stationmaster.core.spec import HealingPolicy, HealthCheck, Instance, PlatformSpec, Service
from stationmaster.platform import Platform
from stationmaster.runtime.db import Database
from stationmaster.runtime.serve import Asgi
from tests.gateway.rig import declared

SHOP = "/api/v1/virtual-hosts/shop/targets"


@pytest.fixture
async def platform(tmp_path: Path, free_port: Callable[[], int], database: Database) -> Platform:
    spec = declared(free_port, nodes=1, targets=3)
    host = spec.virtual_hosts[0]
    named = tuple(replace(each, instance=InstanceName(f"shop-{n}")) for n, each in enumerate(host.targets))
    service = Service(
        name=ServiceName("shop_service"),
        port=80,
        health=HealthCheck(),
        instances=tuple(
            Instance(
                name=InstanceName(str(each.instance)),
                service=ServiceName("shop_service"),
                region="",
                address=each.address,
            )
            for each in named
        ),
    )
    whole: PlatformSpec = replace(
        spec,
        virtual_hosts=(replace(host, targets=named),),
        services=(service,),
        healing=HealingPolicy(max_withdrawn_percent=50),
    )
    return await build(Catalog(database, whole), StateDir(tmp_path / "state"), database)


@pytest.fixture
async def api(platform: Platform, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    token = (tmp_path / "state" / "admin.token").read_text().strip()
    app: Asgi = make_api(platform)
    transport = httpx.ASGITransport(app=app)
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://control", headers=headers) as client:
        yield client


async def targets(api: httpx.AsyncClient, query: str = "") -> dict[str | None, str]:
    answer = msgspec.json.decode((await api.get(f"/api/v1/targets{query}")).content, type=TargetStateList)
    return {each.instance: f"{each.state}{' held' if each.manual else ''}" for each in answer.targets}


async def test_targets_are_held_and_released(api: httpx.AsyncClient) -> None:
    order = {"reason": "new kernel"}
    answer = await api.post(f"{SHOP}/shop-0/drain", json=order)
    change = msgspec.json.decode(answer.content, type=TargetChange)
    assert answer.status_code == 201
    assert (change.state, change.manual, change.why, change.pending) == ("drain", True, "new kernel", ("node-1",))
    assert await targets(api) == {"shop-0": "drain held", "shop-1": "in", "shop-2": "in"}
    assert await targets(api, "?state=drain") == {"shop-0": "drain held"}
    assert (await api.post(f"{SHOP}/shop-0/out", json=order)).json()["state"] == "out"
    assert (await api.post(f"{SHOP}/shop-0/in", json=order)).json()["manual"] is True
    assert (await api.post(f"{SHOP}/shop-0/auto", json=order)).json()["manual"] is False
    assert (await api.post(f"{SHOP}/shop-0/drain", json=order)).json()["manual"] is True
    assert (await api.post(f"{SHOP}/shop-0/auto", json={})).json()["manual"] is False
    assert set((await targets(api)).values()) == {"in"}


async def test_what_is_refused_is_said_with_a_hint(api: httpx.AsyncClient) -> None:
    order = {"reason": "new kernel"}
    assert (await api.post(f"{SHOP}/shop-0/out", json={"reason": ""})).json()["code"] == "reason-missing"
    assert (await api.post(f"{SHOP}/nowhere/out", json=order)).json()["code"] == "unknown-target"
    assert (await api.post(f"{SHOP}/shop-0/out", json={})).status_code == 400
    assert (await api.post(f"{SHOP}/shop-0/out", json=order)).is_success
    refused = await api.post(f"{SHOP}/shop-1/out", json=order)
    assert (refused.status_code, refused.json()["code"]) == (409, "share-exceeded")
    assert "force" in refused.json()["hint"]
    assert (await api.post(f"{SHOP}/shop-1/out", json=order | {"force": True})).is_success
    last = await api.post(f"{SHOP}/shop-2/out", json=order | {"force": True})
    assert (last.status_code, last.json()["code"]) == (409, "last-target")


async def test_a_target_is_explained_even_when_no_node_answers(api: httpx.AsyncClient, platform: Platform) -> None:
    await api.post(f"{SHOP}/shop-0/out", json={"reason": "it smokes"})
    address = str(platform.spec.virtual_hosts[0].targets[0].address)
    answer = await api.get(f"{SHOP}/{address}/explain")
    told = msgspec.json.decode(answer.content, type=TargetExplanation)
    assert "takes no new requests: held out by" in told.verdict
    assert "it smokes" in told.verdict
    assert "node node-1 does not answer (not connected to the control plane)" in told.story
    assert [each.text for each in told.history] == ["in -> out (held by hand): it smokes"]
    other = (await api.get(f"{SHOP}/shop-1/explain")).json()
    assert "no node answers to say whether it takes requests" in other["verdict"]
    assert (await api.get(f"{SHOP}/nobody/explain")).status_code == 404


async def test_the_watchdog_says_when_it_looked(api: httpx.AsyncClient, platform: Platform) -> None:
    before = msgspec.json.decode((await api.get("/api/v1/watchdog")).content, type=WatchdogReport)
    assert (before.looked_at, before.findings) == (None, ())
    await platform.watchdog.look()
    after = msgspec.json.decode((await api.get("/api/v1/watchdog")).content, type=WatchdogReport)
    assert after.looked_at is not None


async def test_gateway_nodes_are_shown_and_the_last_one_is_not_stopped(api: httpx.AsyncClient) -> None:
    (node,) = (await api.get("/api/v1/gateway-nodes")).json()["nodes"]
    assert (node["name"], node["state"], node["connected"], node["pid"]) == ("node-1", "stopped", False, None)
    assert (await api.get("/api/v1/gateway-nodes/node-1")).json() == node
    assert (await api.get("/api/v1/gateway-nodes/nobody")).json()["code"] == "unknown-node"
    stopped = await api.post("/api/v1/gateway-nodes/node-1/stop", json={"reason": "new kernel"})
    assert (stopped.status_code, stopped.json()["code"]) == (409, "last-node")
    drained = await api.post("/api/v1/gateway-nodes/node-1/drain", json={})
    assert (drained.status_code, drained.json()["code"]) == (409, "node-away")
