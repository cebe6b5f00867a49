"""What is changed over REST is served by real gateway nodes when the answer comes."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from stationmaster.catalog.loop import Catalog
from stationmaster.catalog.start import open_catalog
from stationmaster.runtime.db import Database
from tests.api.declared import DeclaredPlatform, client_of
from tests.catalog.conftest import rewrite
from tests.gateway import upstream
from tests.gateway.rig import ENVIRONMENT, ISSUER, Rig


def platform_yaml(port: Callable[[], int]) -> str:
    nodes = "".join(
        f"    - {{name: node-{number}, listen: 127.0.0.1:{port()}, admin: 127.0.0.1:{port()}}}\n" for number in (1, 2)
    )
    return (
        f"environment: {ENVIRONMENT}\nissuer: {ISSUER}\n"
        f"control: {{api: 127.0.0.1:{port()}, xds: 127.0.0.1:{port()}}}\n"
        f"gateway:\n  nodes:\n{nodes}"
        "virtual_hosts:\n  - name: shop\n"
        f"    health: {{path: /healthz, contains: {upstream.HEALTHY}, interval: 100ms}}\n"
        f"    targets: [{{address: '127.0.0.1:{port()}'}}]\n"
        "apis:\n  - {name: public, paths: [/public], virtual_host: shop}\n"
    )


@pytest.fixture
async def catalog(free_port: Callable[[], int], database: Database, tmp_path: Path) -> Catalog:
    rewrite(tmp_path / "platform.yaml", platform_yaml(free_port))
    return await open_catalog(database, tmp_path / "platform.yaml")


@pytest.fixture
async def rig(catalog: Catalog, database: Database, tmp_path: Path) -> AsyncIterator[Rig]:
    """Two nodes that follow the catalog, and one target."""
    rig = Rig(spec=catalog.declared.value, database=database, folder=tmp_path)
    rig.declared = catalog.declared
    try:
        rig.start_upstreams()
        await rig.upstreams_listen()
        rig.start_control()
        for node in rig.spec.nodes:
            rig.start_node(node)
        await rig.converged()
        yield rig
    finally:
        await rig.close()


@pytest.fixture
async def api(rig: Rig, catalog: Catalog) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(DeclaredPlatform(catalog=catalog, gateway=rig.gateway)) as client:
        yield client


async def statuses(rig: Rig, path: str) -> list[int]:
    return [(await rig.request("GET", path, at)).status_code for at in range(len(rig.spec.nodes))]


async def test_a_change_is_served_by_every_node_when_its_answer_comes(rig: Rig, api: httpx.AsyncClient) -> None:
    assert await statuses(rig, "/new") == [404, 404]
    made = await api.put("/api/v1/apis/new", json={"paths": ["/new"], "virtual_host": "shop"})
    assert made.status_code == 201, made.text
    receipt = made.json()["receipt"]
    assert (set(receipt["acknowledged"]), receipt["pending"], receipt["rejected"]) == ({"node-1", "node-2"}, [], [])
    assert all(0 < took_ms < 3000 for took_ms in receipt["acknowledged"].values())
    assert await statuses(rig, "/new") == [200, 200]
    moved = await api.patch("/api/v1/apis/new", json={"paths": ["/newer"]})
    assert moved.json()["receipt"]["pending"] == []
    assert (await statuses(rig, "/new"), await statuses(rig, "/newer")) == ([404, 404], [200, 200])
    assert (await api.delete("/api/v1/apis/new")).status_code == 204
    assert await statuses(rig, "/newer") == [404, 404]


async def test_a_refused_change_leaves_the_nodes_as_they_are(rig: Rig, api: httpx.AsyncClient) -> None:
    revision = rig.gateway.publication.revision
    refused = await api.put("/api/v1/apis/new", json={"paths": ["/public"], "virtual_host": "shop"})
    assert refused.status_code == 400
    assert rig.gateway.publication.revision == revision
    assert await statuses(rig, "/public") == [200, 200]


async def test_a_node_that_is_away_is_named_and_takes_the_change_when_it_is_back(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    rig.programs["node-2"].kill()
    rig.programs["node-2"].wait(timeout=5)
    made = (await api.put("/api/v1/apis/new", json={"paths": ["/new"], "virtual_host": "shop"})).json()
    assert (set(made["receipt"]["acknowledged"]), made["receipt"]["pending"]) == ({"node-1"}, ["node-2"])
    rig.start_node(rig.spec.nodes[1])
    await rig.converged()
    assert await statuses(rig, "/new") == [200, 200]
