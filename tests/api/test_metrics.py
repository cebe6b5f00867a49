"""The control plane's own metrics over REST, and what is seen of requests to it."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from stationmaster.api.app import make_api
from stationmaster.app import build
from stationmaster.catalog.loop import Catalog
from stationmaster.config import StateDir
from stationmaster.runtime import tracing
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from stationmaster.runtime.serve import Asgi
from tests.gateway.rig import declared
from tests.runtime.receiver import attributes, receiver
from tests.runtime.test_tracing import PARENT, following, on


@pytest.fixture
async def api(tmp_path: Path, free_port: Callable[[], int], database: Database) -> AsyncIterator[httpx.AsyncClient]:
    state = StateDir(tmp_path / "state")
    platform = await build(Catalog(database, declared(free_port, nodes=2, targets=1)), state, database)
    app: Asgi = make_api(platform)
    headers = {"authorization": f"Bearer {state.admin_token.read_text().strip()}"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://control", headers=headers) as client:
        yield client


async def told(api: httpx.AsyncClient) -> str:
    answer = await api.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return answer.text


async def test_every_room_tells_its_numbers(api: httpx.AsyncClient) -> None:
    lines = (await told(api)).splitlines()
    for line in (
        "stationmaster_incidents_open",
        "stationmaster_alerts_firing",
        "stationmaster_runs_open 0.0",
        'stationmaster_gateway_node_connected{node="node-2"} 0.0',
        "stationmaster_gateway_revisions_total 0.0",
        "stationmaster_store_transactions_total",
        "stationmaster_outbox_lag_facts",
        "stationmaster_xds_ack_seconds",
        "stationmaster_probes",
        "stationmaster_build_info{",
        "process_resident_memory_bytes",
    ):
        assert any(line in each for each in lines), line


async def test_promtool_finds_nothing_wrong(api: httpx.AsyncClient) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool (Debian package prometheus)")
    await api.get("/healthz")
    done = await asyncio.to_thread(
        subprocess.run,
        [promtool, "check", "metrics"],
        input=await told(api),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


async def test_metrics_need_a_token(api: httpx.AsyncClient) -> None:
    answer = await api.get("/metrics", headers={"authorization": "Bearer wrong"})
    assert answer.status_code == 401


async def test_requests_are_timed_by_the_pattern_of_their_path(api: httpx.AsyncClient) -> None:
    await api.get("/api/v1/incidents/7")
    await api.get("/api/v1/incidents/8")
    await api.get("/no/such/path")
    await api.request("BREW", "/no/such/method")
    lines = (await told(api)).splitlines()
    name = "stationmaster_control_request_duration_seconds_count"
    paths = [each for each in lines if each.startswith(name)]
    assert f'{name}{{method="GET",path="/api/v1/incidents/{{number}}",status="404"}} 2.0' in paths
    assert f'{name}{{method="GET",path="unknown",status="404"}} 1.0' in paths
    assert any('method="unknown"' in each for each in paths)
    assert not any("/no/such" in each or "BREW" in each for each in paths)


async def test_a_request_goes_on_with_the_trace_of_its_caller(
    api: httpx.AsyncClient, free_port: Callable[[], int]
) -> None:
    with receiver(free_port()) as found:
        async with following(Cell(on(found.endpoint))):
            await api.get("/api/v1/incidents/7", headers={"traceparent": PARENT})
    served = found.named("GET /api/v1/incidents/{number}")
    assert served.parent_span_id.hex() == PARENT.split("-")[2]
    assert attributes(served) == {
        "http.request.method": "GET",
        "http.route": "/api/v1/incidents/{number}",
        "http.response.status_code": 404,
    }
    assert tracing._recorder is None
