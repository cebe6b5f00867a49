"""The REST API over the real rooms, without their loops: access, problems, documents."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import yaml

from stationmaster.api.app import make_api
from stationmaster.app import build
from stationmaster.catalog.loop import Catalog
from stationmaster.config import StateDir
from stationmaster.core.facts import Alert, AlertFired
from stationmaster.core.spec import PlatformSpec
from stationmaster.manifest.read import load
from stationmaster.platform import Platform
from stationmaster.runtime.db import Database
from stationmaster.runtime.serve import Asgi
from tests.e2e.station import SAMPLE, sample_with_free_ports

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture
def spec(tmp_path: Path, free_port: Callable[[], int]) -> PlatformSpec:
    document = sample_with_free_ports(free_port, [SAMPLE.parent / "runbooks"])
    (tmp_path / "platform.yaml").write_text(yaml.safe_dump(document), "utf-8")
    return load(tmp_path / "platform.yaml")


@pytest.fixture
async def platform(tmp_path: Path, spec: PlatformSpec, database: Database) -> Platform:
    return await build(Catalog(database, spec), StateDir(tmp_path / "state"), database)


@pytest.fixture
def token(tmp_path: Path, platform: Platform) -> str:
    """Of the command line; `platform` has made it."""
    return StateDir(tmp_path / "state").admin_token.read_text("utf-8").strip()


@pytest.fixture
async def api(platform: Platform, token: str) -> AsyncIterator[httpx.AsyncClient]:
    app: Asgi = make_api(platform)
    transport = httpx.ASGITransport(app=app)
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://control", headers=headers) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/api/v1/status", ""),
        ("/api/v1/status", "Bearer "),
        ("/api/v1/status", "Bearer {token}x"),
        ("/api/v1/status", "Bearer {token} {token}"),
        ("/api/v1/status", "{token}"),
        ("/schema/openapi.json", ""),
        ("/api/v1/incidents", "Basic abc"),
        ("/api/v1/registry", "Bearer é"),
    ],
)
async def test_without_the_token_everything_is_refused(
    api: httpx.AsyncClient, token: str, path: str, header: str
) -> None:
    answer = await api.get(path, headers={b"authorization": header.format(token=token).encode()})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unauthorized"
    assert "admin.token" in answer.json()["hint"]


@pytest.mark.parametrize("host", ["x/healthz?", "x/schema#", "x/schema"])
async def test_no_host_header_makes_a_path_public(api: httpx.AsyncClient, host: str) -> None:
    answer = await api.get("/api/v1/status", headers={"host": host, "authorization": ""})
    assert answer.status_code in (400, 401)


async def test_the_name_of_the_scheme_may_be_written_in_any_case(api: httpx.AsyncClient, token: str) -> None:
    assert (await api.get("/api/v1/status", headers={"authorization": f"bearer {token}"})).status_code == 200
    assert (await api.get("/api/v1/status", headers={"authorization": token})).status_code == 401


async def test_a_refused_body_says_which_field_was_wrong(api: httpx.AsyncClient) -> None:
    detail = (await api.post("/api/v1/credentials", json={"user": 5})).json()["detail"]
    assert "user" in detail
    assert "Expected `str`, got `int`" in detail


async def test_a_fault_of_ours_is_a_problem_document_that_tells_nothing_of_the_inside(
    api: httpx.AsyncClient, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(platform.incidents), "all", broken)
    answer = await api.get("/api/v1/incidents")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal-fault")
    assert "secret detail" not in answer.text


async def test_health_needs_no_token(api: httpx.AsyncClient) -> None:
    answer = await api.get("/healthz", headers={"authorization": ""})
    assert (answer.status_code, answer.json()) == (200, {"status": "operational"})


async def test_a_platform_that_does_not_run_is_not_ready(api: httpx.AsyncClient) -> None:
    seen = (await api.get("/api/v1/status")).json()
    assert seen["ready"] is False
    assert {node["connected"] for node in seen["nodes"]} == {False}
    assert {each["pid"] for each in seen["instances"]} == {None}
    assert [each["state"] for each in seen["targets"]] == ["in"] * 6


async def test_the_registry_names_apis_targets_nodes_and_consumers(api: httpx.AsyncClient) -> None:
    registry = (await api.get("/api/v1/registry")).json()
    assert [each["name"] for each in registry["apis"]] == ["keys", "sample"]
    assert registry["apis"][1]["accepts"] == ["api-key", "jwt"]
    assert len(registry["apis"][0]["targets"]) == 3
    assert [each["username"] for each in registry["consumers"]] == ["ada", "grace"]


async def test_a_withdrawn_target_shows_everywhere(api: httpx.AsyncClient, platform: Platform) -> None:
    await platform.gateway.rotation.take_out("sample_api", "sample-1", by="test", why="maintenance")
    targets = (await api.get("/api/v1/status")).json()["targets"]
    assert [(each["state"], each["by"], each["why"]) for each in targets if each["instance"] == "sample-1"] == [
        ("out", "test", "maintenance")
    ]
    registry = (await api.get("/api/v1/registry")).json()
    assert [each["state"] for each in registry["apis"][1]["targets"]] == ["out", "in", "in"]


async def test_an_incident_is_listed_and_shown(api: httpx.AsyncClient, platform: Platform, database: Database) -> None:
    alert = Alert(
        fingerprint="f", labels={"alertname": "Down", "service": "s"}, summary="s is down", url="", starts_at=NOW
    )
    async with database.write() as connection:
        await platform.incidents.handle(connection, AlertFired(at=NOW, alert=alert, evidence="refused"))
    listed = (await api.get("/api/v1/incidents", params={"status": "triggered"})).json()["incidents"]
    assert [each["number"] for each in listed] == [1]
    assert (await api.get("/api/v1/incidents", params={"status": "resolved"})).json()["incidents"] == []
    shown = (await api.get("/api/v1/incidents/1")).json()
    assert shown["timeline"][0]["text"] == "s is down: refused"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/api/v1/incidents/17", None, 404, "unknown-incident"),
        ("GET", "/api/v1/incidents/x", None, 404, "http-404"),
        ("GET", "/api/v1/incidents/99999999999999999999", None, 400, "http-400"),
        ("GET", "/api/v1/incidents?status=odd", None, 400, "unknown-status"),
        ("GET", "/api/v1/incidents?limit=many", None, 400, "http-400"),
        ("GET", "/nowhere", None, 404, "http-404"),
        ("DELETE", "/api/v1/incidents", None, 405, "http-405"),
        ("POST", "/api/v1/credentials", '{"user": "nobody"}', 404, "unknown-api-user"),
        ("POST", "/api/v1/credentials", '{"user": "ada", "role": "admin"}', 400, "http-400"),
        ("POST", "/api/v1/credentials", '{"user"', 400, "http-400"),
        ("POST", "/api/v1/credentials", "", 400, "http-400"),
        ("POST", "/api/v1/credentials", "x" * 2_000_000, 413, "http-413"),
        ("POST", "/api/v1/credentials", "[" * 100_000, 400, "too-deep"),
        ("POST", "/api/v1/faults", '{"drill": "d", "kind": "kill", "of": "nobody"}', 404, "unknown-target"),
        ("POST", "/api/v1/faults", '{"drill": "d", "kind": "melt", "of": "doctor"}', 400, "http-400"),
        ("POST", "/api/v1/faults", '{"drill": "d", "kind": "kill", "of": "doctor"}', 409, "not-running"),
    ],
)
async def test_bad_input_is_a_problem_document(
    api: httpx.AsyncClient, method: str, path: str, body: str | None, status: int, code: str
) -> None:
    answer = await api.request(method, path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["detail"]
    assert problem["hint"]


async def test_a_wrong_method_is_told_the_right_ones(api: httpx.AsyncClient) -> None:
    assert "GET" in (await api.delete("/api/v1/incidents")).headers["allow"].split(", ")


async def test_a_database_that_takes_nothing_more_is_told_as_such(api: httpx.AsyncClient, database: Database) -> None:
    async with database.write() as connection:
        await connection.exec_driver_sql("PRAGMA query_only = ON")
    answer = await api.put("/api/v1/users/new", json={"name": "new"})
    assert (answer.status_code, answer.json()["code"]) == (503, "store-unavailable")
    assert answer.json()["hint"]


async def test_a_missing_body_is_called_missing(api: httpx.AsyncClient) -> None:
    assert (await api.post("/api/v1/credentials")).json()["detail"].endswith(": a body is needed")


async def test_credentials_are_made_and_the_gateway_learns_of_them(api: httpx.AsyncClient, platform: Platform) -> None:
    made = (await api.post("/api/v1/credentials", json={"user": "ada"})).json()
    assert {"user", "client_id", "client_secret", "api_key"} == made.keys()
    [[proof]] = platform.keys.public.value.shards.values()
    assert (proof.user, proof.key) == ("ada", made["api_key"])


async def test_shutdown_tells_the_app(api: httpx.AsyncClient, platform: Platform) -> None:
    assert (await api.post("/api/v1/shutdown", json={})).status_code == 201
    assert platform.stopping.is_set()


async def test_the_openapi_document_names_every_route(api: httpx.AsyncClient) -> None:
    document = (await api.get("/schema/openapi.json")).json()
    assert {"/api/v1/status", "/api/v1/incidents/{number}", "/api/v1/credentials"} <= document["paths"].keys()
