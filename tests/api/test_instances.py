"""Single processes over REST: who asked stands in the answer and in the audit trail, mistakes are problems."""

from collections.abc import AsyncIterator

import httpx
import pytest

from stationmaster.platform import Platform
from stationmaster.runtime.audit import Asked, changes
from stationmaster.runtime.db import Database
from tests.api.test_api import api, platform, spec, token  # noqa: F401 fixtures

PATH = "/api/v1/instances"


@pytest.fixture
async def clean(platform: Platform) -> AsyncIterator[None]:  # noqa: F811
    yield
    await platform.fleet.stop_all()


@pytest.mark.usefixtures("clean")
async def test_a_process_is_stopped_held_and_started_with_a_reason(
    api: httpx.AsyncClient,  # noqa: F811
    platform: Platform,  # noqa: F811
    database: Database,
) -> None:
    started = (await api.post(f"{PATH}/sample-1/start", json={})).json()
    assert (started["name"], started["action"], started["by"]) == ("sample-1", "start", "admin")
    restarted = (await api.post(f"{PATH}/sample-1/restart", json={"reason": "leaks memory"})).json()
    assert restarted["pid"] not in (None, started["pid"])
    stopped = await api.post(f"{PATH}/sample-1/stop", json={"reason": "maintenance"})
    assert (stopped.status_code, stopped.json()["pid"]) == (201, None)
    status = (await api.get("/api/v1/status")).json()
    (shown,) = [each for each in status["instances"] if each["name"] == "sample-1"]
    assert (shown["health"], shown["detail"]) == ("held", "stopped by admin: maintenance")
    refused = await api.post(f"{PATH}/sample-1/restart", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "instance-held")
    assert "instance start sample-1" in refused.json()["hint"]
    await api.post(f"{PATH}/sample-1/start", json={"reason": "done"})
    assert (await api.get(f"{PATH}/sample-1/log?tail=5")).json()["name"] == "sample-1"
    async with database.read() as connection:
        told = [(each.who, each.action) for _, each in await changes(connection, Asked(kind="instance"))]
    assert told == [("admin", "start"), ("admin", "stop"), ("admin", "restart")]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/nobody/stop", "{}", 404, "unknown-instance"),
        ("POST", "/sample-1/stop", '{"because": "x"}', 400, "http-400"),
        ("POST", "/sample-1/explode", "{}", 404, "http-404"),
        ("GET", "/nobody/log", None, 404, "unknown-instance"),
        ("GET", "/sample-1/log?tail=0", None, 400, "http-400"),
    ],
)
async def test_mistakes_are_problems(
    api: httpx.AsyncClient,  # noqa: F811
    method: str,
    path: str,
    body: str | None,
    status: int,
    code: str,
) -> None:
    answer = await api.request(method, PATH + path, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
