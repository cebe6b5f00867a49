"""The catalogue of checks over REST, and a check that is made because somebody asks for it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import msgspec
import pytest

from stationmaster.api.app import make_api
from stationmaster.api.wire_checks import CheckList, CheckRun
from stationmaster.app import build
from stationmaster.catalog.loop import Catalog
from stationmaster.config import StateDir
from stationmaster.core.names import InstanceName, ServiceName
from stationmaster.core.spec import ApiProbe, HealthCheck, Instance, Service
from stationmaster.platform import Platform
from stationmaster.runtime.db import Database
from stationmaster.runtime.serve import Asgi
from tests.gateway.rig import declared
from tests.monitor.servers import http_bytes, says, serving
from tests.monitor.test_loop import running, until

CHECK = HealthCheck(path="/healthz", interval_ms=50, timeout_ms=1000)


@pytest.fixture
async def platform(tmp_path: Path, free_port: Callable[[], int], database: Database) -> Platform:
    spec = declared(free_port, nodes=1, targets=2)
    name = ServiceName("shop_service")
    instances = tuple(
        Instance(name=InstanceName(f"shop-{number}"), service=name, region="eu-de", address=target.address)
        for number, target in enumerate(spec.virtual_hosts[0].targets)
    )
    service = Service(name=name, port=80, health=CHECK, instances=instances)
    public = replace(spec.apis[0], probe=ApiProbe(check=CHECK))
    whole = replace(spec, services=(service,), apis=(public, *spec.apis[1:]))
    return await build(Catalog(database, whole), StateDir(tmp_path / "state"), database)


@pytest.fixture
async def api(platform: Platform, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    token = (tmp_path / "state" / "admin.token").read_text().strip()
    app: Asgi = make_api(platform)
    headers = {"authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://control", headers=headers) as client:
        yield client


async def listed(api: httpx.AsyncClient, query: str = "") -> CheckList:
    return msgspec.json.decode((await api.get(f"/api/v1/checks{query}")).content, type=CheckList)


async def test_every_check_is_listed_before_and_after_its_first_answer(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    assert {(each.name, each.state, each.answer) for each in (await listed(api)).checks} == {
        ("shop-0", "unknown", None),
        ("shop-1", "unknown", None),
    }
    port = platform.spec.services[0].instances[0].address.port
    async with serving(port, says(http_bytes(200))), running(platform.monitor):
        await until(
            lambda: len(platform.monitor.checks()) == 5 and all(each.answer for each in platform.monitor.checks())
        )
        found = {each.name: each for each in (await listed(api)).checks}
        up = (await listed(api, "?state=up&service=shop_service")).checks
    assert found.keys() == {"shop-0", "shop-1", "public@node-1", *(f"public@{each}" for each in targets(platform))}
    well, dead = found["shop-0"].answer, found["shop-1"].answer
    assert well is not None
    assert (well.ok, well.status, well.detail) == (True, 200, "status 200")
    assert dead is not None
    assert (dead.ok, dead.detail) == (False, "connection refused")
    assert found["shop-0"].due_at is not None
    assert found["public@node-1"].kind == "gateway"
    assert [each.name for each in up] == ["shop-0"]


def targets(platform: Platform) -> list[str]:
    return [str(each.address) for each in platform.spec.virtual_hosts[0].targets]


async def test_a_check_is_made_at_once_when_somebody_asks_for_it(api: httpx.AsyncClient, platform: Platform) -> None:
    port = platform.spec.services[0].instances[0].address.port
    async with serving(port, says(http_bytes(503))):
        answer = await api.post("/api/v1/checks/shop-0/run")
    run = msgspec.json.decode(answer.content, type=CheckRun)
    assert (answer.status_code, run.answer.ok, run.answer.detail) == (200, False, "status 503")
    assert (await listed(api)).checks[0].answer is None


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/api/v1/checks/nobody/run", 404, "unknown-check"),
        ("GET", "/api/v1/checks?state=lost", 400, "unknown-state"),
    ],
)
async def test_what_is_refused_is_said_with_a_hint(
    api: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await api.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["hint"]
