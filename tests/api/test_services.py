"""Versions and scale of services over REST, with real processes: plans first, progress, mistakes as problems."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from stationmaster.api.app import make_api
from stationmaster.app import build
from stationmaster.catalog.loop import Catalog
from stationmaster.config import StateDir
from stationmaster.core.spec import PlatformSpec
from stationmaster.fleet.traffic import NoTraffic
from stationmaster.platform import Platform
from stationmaster.runtime.audit import Asked, changes
from stationmaster.runtime.db import Database
from stationmaster.runtime.serve import Asgi
from tests.fleet.test_deploys import NAMES, service

PATH = "/api/v1/services/api"
LIMIT_S = 20.0


@pytest.fixture
async def platform(tmp_path: Path, database: Database) -> AsyncIterator[Platform]:
    """With the loops of the fleet alone, and nobody who sends requests."""
    spec = PlatformSpec(environment="test", services=(service(),))
    made = await build(Catalog(database, spec), StateDir(tmp_path / "state"), database)
    made.fleet.traffic = NoTraffic()
    tasks = [asyncio.ensure_future(loop()) for loop in (made.fleet.run, made.loops["deploys"])]
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await made.fleet.stop_all()
    await made.fleet.inside.close()


@pytest.fixture
async def api(platform: Platform, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    app: Asgi = make_api(platform)
    token = StateDir(tmp_path / "state").admin_token.read_text("utf-8").strip()
    headers = {"authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://control", headers=headers) as client:
        yield client


async def until(
    ask: Callable[[], Awaitable[httpx.Response]], condition: Callable[[Any], bool], what: str
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        async with asyncio.timeout(LIMIT_S):
            while True:
                found = (await ask()).raise_for_status().json()
                if condition(found):
                    return found
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{what}: {found}") from None


def phase(name: str, version: int) -> Callable[[Any], bool]:
    def reached(found: Any) -> bool:
        deployment = found["deployment"]
        return deployment is not None and (deployment["phase"], deployment["version"]) == (name, version)

    return reached


async def test_a_version_is_planned_deployed_and_taken_back(api: httpx.AsyncClient, database: Database) -> None:
    async def ask() -> httpx.Response:
        return await api.get(f"{PATH}/versions")

    await until(ask, phase("baking", 1), "the declared version runs")
    order = {"env": {"COLOUR": "blue"}, "reason": "new colour", "bake_s": 0.2, "within_s": 5}
    planned = (await api.post(f"{PATH}/deploy", params={"dry_run": "true"}, json=order)).raise_for_status().json()
    assert (planned["dry_run"], planned["version"], planned["new"]) == (True, 2, True)
    assert planned["restarts"] == list(NAMES)
    assert len((await ask()).json()["versions"]) == 1
    done = (await api.post(f"{PATH}/deploy", json=order)).raise_for_status().json()
    assert done["changes"] == ["env COLOUR: (none) -> blue"]
    found = await until(ask, phase("good", 2), "it is deployed")
    assert {each["version"] for each in found["instances"]} == {2}
    inside = {"argv": ["/bin/sh", "-c", "echo $COLOUR"], "reason": "look"}
    assert (await api.post("/api/v1/instances/a/exec", json=inside)).json()["output"] == "blue\n"
    refused = await api.post(f"{PATH}/rollback", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "no-good-version")
    broken = {"command": ["/no/such/program"], "within_s": 2, "bake_s": 0.1}
    assert (await api.post(f"{PATH}/deploy", json=broken)).json()["version"] == 3
    found = await until(ask, phase("rolled-back", 2), "it is taken back")
    assert found["deployment"]["failed"] == 3
    assert "/no/such/program" in found["deployment"]["told"]
    async with database.read() as connection:
        told = [(each.who, each.action) for _, each in await changes(connection, Asked(kind="service"))]
        execs = [each.after for _, each in await changes(connection, Asked(kind="instance")) if each.action == "exec"]
    assert told == [("fleet", "rolling-back"), ("admin", "deploy"), ("admin", "deploy")]
    assert execs == [{"argv": ["/bin/sh", "-c", "echo $COLOUR"], "why": "look"}]


async def test_a_service_is_scaled_and_the_log_and_use_of_an_instance_are_read(api: httpx.AsyncClient) -> None:
    async def ask() -> httpx.Response:
        return await api.get(f"{PATH}/versions")

    await until(ask, phase("baking", 1), "the declared version runs")
    planned = (await api.post(f"{PATH}/scale", params={"dry_run": "1"}, json={"instances": 2})).raise_for_status()
    assert planned.json()["stops"] == ["c"]
    assert (await ask()).json()["scale"] == 3
    (await api.post(f"{PATH}/scale", json={"instances": 2, "reason": "night"})).raise_for_status()
    found = await until(ask, lambda found: found["instances"][2]["held"] != "", "one is held")
    assert (found["scale"], found["instances"][2]["held"]) == (2, "stopped by admin: api is scaled to 2: night")
    refused = await api.post("/api/v1/instances/c/start", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "scaled-down")
    used = (await api.get("/api/v1/instances/a/usage")).raise_for_status().json()
    assert used["processes"] == 1
    assert used["memory_bytes"] > 1_000_000
    dead = await until(
        lambda: api.get("/api/v1/instances/c/usage"), lambda found: found["processes"] is None, "c has ended"
    )
    assert dead["cpu_s"] is None


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/api/v1/services/nobody/deploy", {}, 404, "unknown-service"),
        (f"{PATH}/deploy", {"version": 9}, 404, "unknown-version"),
        (f"{PATH}/deploy", {"command": ["x", "{colour}"]}, 400, "bad-version"),
        (f"{PATH}/deploy", {"image": "x:1"}, 400, "bad-version"),
        (f"{PATH}/deploy", {"bake_s": -1}, 400, "http-400"),
        (f"{PATH}/scale", {"instances": 7}, 400, "beyond-declared"),
        ("/api/v1/instances/nobody/exec", {"argv": ["true"]}, 404, "unknown-instance"),
        ("/api/v1/instances/a/exec", {"argv": []}, 400, "http-400"),
    ],
)
async def test_mistakes_are_problems(
    api: httpx.AsyncClient, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    refused = await api.post(path, json=body)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
