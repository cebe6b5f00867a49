"""The declared platform over REST: lists, conditional changes, problems with their places, receipts."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from stationmaster.access.roles import Role
from stationmaster.catalog.start import open_catalog
from stationmaster.core.problem import Diagnostic, Origin
from stationmaster.gateway.receipts import Convergence
from stationmaster.runtime.db import Database
from tests.api.declared import Answering, AnsweringGateway, DeclaredPlatform, client_of
from tests.catalog.conftest import PLATFORM, rewrite

V1 = "/api/v1"
YAML = {"content-type": "application/yaml"}


@pytest.fixture
async def platform(tmp_path: Path, database: Database) -> Answering:
    rewrite(tmp_path / "platform.yaml", PLATFORM)
    return DeclaredPlatform(
        catalog=await open_catalog(database, tmp_path / "platform.yaml"), gateway=AnsweringGateway()
    )


@pytest.fixture
async def api(platform: Answering) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(platform) as client:
        yield client


async def listed(client: httpx.AsyncClient, place: str, /, **query: str) -> list[str]:
    answer = await client.get(f"{V1}/{place}", params=query)
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["items"]]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("apis", ["open", "orders"]),
        ("users", ["ada"]),
        ("virtual-hosts", ["shop", "spare"]),
        ("services", ["shop"]),
        ("nodes", ["gateway-1"]),
        ("token-issuers", []),
    ],
)
async def test_every_kind_is_listed_by_name(api: httpx.AsyncClient, path: str, names: list[str]) -> None:
    assert await listed(api, path) == names


@pytest.mark.parametrize(
    ("path", "query", "names"),
    [
        ("apis", {"name": "ord"}, ["orders"]),
        ("apis", {"name": "o*n"}, ["open"]),
        ("apis", {"name": "ORD"}, ["orders"]),
        ("apis", {"virtual_host": "shop"}, ["open", "orders"]),
        ("apis", {"virtual_host": "spare"}, []),
        ("apis", {"host": "*.example.org"}, ["open"]),
        ("apis", {"path": "/ord"}, ["orders"]),
        ("apis", {"user": "ada"}, ["open", "orders"]),
        ("apis", {"user": "nobody"}, []),
        ("apis", {"user": "ada", "path": "/ord"}, ["orders"]),
        ("users", {"api": "orders"}, ["ada"]),
        ("users", {"group": "partners"}, []),
        ("virtual-hosts", {"target": "shop-1"}, ["shop"]),
        ("virtual-hosts", {"target": "127.0.0.1:9000"}, ["spare"]),
    ],
)
async def test_lists_are_narrowed(api: httpx.AsyncClient, path: str, query: dict[str, str], names: list[str]) -> None:
    assert await listed(api, path, **query) == names


async def test_lists_are_paged_and_say_who_changed_what_last(api: httpx.AsyncClient) -> None:
    first = (await api.get(f"{V1}/apis", params={"limit": "1"})).json()
    assert (first["total"], first["next"], [each["name"] for each in first["items"]]) == (2, "open", ["open"])
    last = (await api.get(f"{V1}/apis", params={"limit": "1", "after": first["next"]})).json()
    assert (last["next"], [each["name"] for each in last["items"]]) == (None, ["orders"])
    [entry] = last["items"]
    assert (entry["changed_by"], entry["line"]) == ("up", 22)
    assert entry["declared"]["paths"] == ["/orders"]


async def test_what_is_read_edited_and_put_back_with_its_etag_is_replaced_once(api: httpx.AsyncClient) -> None:
    read = await api.get(f"{V1}/apis/orders")
    assert read.headers["last-modified"].endswith("GMT")
    edited = {**read.json(), "timeout": "3s"}
    condition = {"if-match": read.headers["etag"]}
    done = await api.put(f"{V1}/apis/orders", json=edited, headers=condition)
    assert done.status_code == 200, done.text
    assert done.json()["change"]["fields"] == [{"path": "timeout", "before": None, "after": "3s"}]
    assert done.headers["etag"] == (await api.get(f"{V1}/apis/orders")).headers["etag"] != read.headers["etag"]
    again = await api.put(f"{V1}/apis/orders", json={**edited, "timeout": "4s"}, headers=condition)
    assert (again.status_code, again.json()["code"]) == (412, "precondition-failed")
    assert (await api.get(f"{V1}/apis/orders")).json()["timeout"] == "3s"


async def test_a_new_entity_is_created_with_201_and_its_receipt(api: httpx.AsyncClient) -> None:
    body = "paths: [/new]\nvirtual_host: spare\n"
    made = await api.put(f"{V1}/apis/new", content=body, headers={**YAML, "if-none-match": "*"})
    assert made.status_code == 201, made.text
    assert made.json()["receipt"] == {
        "revision": 7,
        "acknowledged": {"gateway-1": 12.5},
        "pending": [],
        "rejected": [],
    }
    again = await api.put(f"{V1}/apis/new", content=body, headers={**YAML, "if-none-match": "*"})
    assert again.status_code == 412
    same = await api.put(f"{V1}/apis/new", content=body, headers=YAML)
    assert (same.status_code, same.json()["change"], same.json()["receipt"]) == (200, None, None)


async def test_nobody_waits_for_the_nodes_who_does_not_want_to(api: httpx.AsyncClient, platform: Answering) -> None:
    made = await api.put(f"{V1}/users/lin?wait=false", json={})
    assert (made.status_code, made.json()["receipt"], platform.gateway.asked) == (201, None, 0)
    await api.delete(f"{V1}/users/lin")
    assert platform.gateway.asked == 1


async def test_a_refusal_of_a_node_names_the_line_of_the_declaration(
    api: httpx.AsyncClient, platform: Answering
) -> None:
    origin = Origin(file="platform.yaml", line=21, column=5)
    refused = Diagnostic(code="node-refused", message="gateway node gateway-1 refuses routes", origin=origin)
    platform.gateway.answer = Convergence(revision=8, pending=("gateway-2",), rejected=(refused,))
    answer = (await api.patch(f"{V1}/apis/orders", json={"timeout": "3s"})).json()
    assert answer["receipt"]["pending"] == ["gateway-2"]
    [rejected] = answer["receipt"]["rejected"]
    assert (rejected["file"], rejected["line"], rejected["code"]) == ("platform.yaml", 21, "node-refused")


async def test_a_merge_patch_changes_only_what_it_names(api: httpx.AsyncClient) -> None:
    media = {"content-type": "application/merge-patch+json"}
    done = await api.patch(f"{V1}/apis/orders", content='{"timeout": "3s"}', headers=media)
    assert (done.status_code, done.json()["entry"]["declared"]["paths"]) == (200, ["/orders"])
    gone = await api.patch(f"{V1}/apis/orders", content='{"timeout": null}', headers=media)
    assert "timeout" not in gone.json()["entry"]["declared"]


async def test_maintenance_goes_on_and_off_by_a_patch(api: httpx.AsyncClient, platform: Answering) -> None:
    told = {"message": "back at nine", "retry_after": "30m"}
    await api.patch(f"{V1}/apis/open", json={"policies": {"maintenance": told}})
    [found] = [each for each in platform.catalog.declared.value.apis if each.name == "open"]
    assert found.policies.maintenance is not None
    assert found.policies.maintenance.retry_after_s == 1800
    await api.patch(f"{V1}/apis/open", json={"policies": {"maintenance": {}}})
    await api.patch(f"{V1}/apis/open", json={"policies": {"maintenance": None}})
    assert "policies" not in (await api.get(f"{V1}/apis/open")).json()


async def test_what_is_deleted_is_gone_and_what_is_in_use_stays(api: httpx.AsyncClient) -> None:
    refused = await api.delete(f"{V1}/apis/orders")
    assert (refused.status_code, refused.json()["code"]) == (409, "in-use")
    assert "ada" in refused.json()["problems"][0]["message"]
    etag = (await api.get(f"{V1}/apis/open")).headers["etag"]
    assert (await api.delete(f"{V1}/apis/open", headers={"if-match": '"old"'})).status_code == 412
    assert (await api.delete(f"{V1}/apis/open", headers={"if-match": etag})).status_code == 204
    assert (await api.get(f"{V1}/apis/open")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "apis/odrers", "", 404, "unknown-api"),
        ("GET", "apis?limit=0", "", 400, "http-400"),
        ("PUT", "apis/new", "{paths: [/new], virtual_host: nowhere}", 400, "invalid-input"),
        ("PUT", "apis/new", "[]", 400, "invalid-input"),
        ("PUT", "apis/new", "", 400, "invalid-input"),
        ("PUT", "apis/new", "paths: [", 400, "invalid-input"),
        ("PUT", "apis/-bad", "{paths: [/new], virtual_host: shop}", 400, "invalid-input"),
        ("PUT", "apis/new", b"\xff\xfe", 400, "not-utf8"),
        ("PUT", "apis/new", "x" * 1_100_000, 413, "http-413"),
        ("PATCH", "apis/orders", "[1]", 400, "bad-patch"),
        ("PATCH", "apis/orders", "{", 400, "bad-patch"),
        ("PATCH", "apis/orders", '{"timeout": 5}', 400, "invalid-input"),
        ("PATCH", "apis/orders", '{"name": "other"}', 400, "invalid-input"),
        ("PATCH", "apis/none", "{}", 404, "unknown-api"),
        ("DELETE", "apis/none", "", 404, "unknown-api"),
        ("DELETE", "settings", "", 405, "http-405"),
        ("PATCH", "settings", '{"environment": "other"}', 400, "invalid-input"),
        ("POST", "apply", "environment: test\nenvironment: x\n", 400, "invalid-input"),
        ("POST", "apply", b"\xff", 400, "not-utf8"),
        ("POST", "apply", "#" * 17_000_000, 400, "invalid-input"),
        ("POST", "apply", "#" * 34_000_000, 413, "http-413"),
        ("POST", "apply?folder=relative", "environment: test", 400, "bad-folder"),
        ("GET", "audit?since=2026-11-21T03:00:00", "", 400, "bad-moment"),
        ("GET", "audit?since=yesterday", "", 400, "http-400"),
    ],
)
async def test_bad_input_is_a_problem_document(
    api: httpx.AsyncClient, method: str, path: str, body: str | bytes, status: int, code: str
) -> None:
    answer = await api.request(method, f"{V1}/{path}", content=body, headers=YAML)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (status, code)
    if code == "invalid-input":
        assert {"file", "line", "column", "message", "hint", "code"} <= problem["problems"][0].keys()
        assert problem["problems"][0]["line"] >= 1


async def test_a_body_that_is_too_large_hears_what_fits(api: httpx.AsyncClient) -> None:
    answer = await api.post(f"{V1}/apply", content=b"x" * 34_000_000, headers=YAML)
    assert "33,554,432" in answer.json()["hint"]
    answer = await api.post(f"{V1}/apply", content=b"#" * 17_000_000, headers=YAML)
    [problem] = answer.json()["problems"]
    assert (problem["code"], problem["message"]) == ("file-too-large", "the file is larger than 16 MB")


async def test_every_problem_of_an_applied_file_has_its_file_and_line(api: httpx.AsyncClient) -> None:
    text = PLATFORM.replace("virtual_host: shop, accepts", "virtual_host: shp, accepts").replace("[here]", "[there]")
    answer = await api.post(f"{V1}/apply?file=mine.yaml", content=text, headers=YAML)
    problems = answer.json()["problems"]
    assert {each["file"] for each in problems} == {"mine.yaml"}
    assert {each["line"] for each in problems} >= {11, 12, 22}
    assert await listed(api, "apis") == ["open", "orders"]


@pytest.mark.parametrize("body", ["json", "yaml"])
async def test_a_file_is_applied_shown_before_and_leaves_nothing_to_do(api: httpx.AsyncClient, body: str) -> None:
    text = PLATFORM.replace("/open]", "/opened]")
    sent: dict[str, Any] = {"content": text, "headers": YAML} if body == "yaml" else {"json": {"text": text}}
    shown = (await api.post(f"{V1}/diff", **sent)).json()
    rehearsed = (await api.post(f"{V1}/apply?dry_run=true", **sent)).json()
    assert shown == rehearsed
    assert (shown["dry_run"], shown["revision"], shown["receipt"]) == (True, 1, None)
    done = (await api.post(f"{V1}/apply", **sent)).json()
    assert done["changes"] == shown["changes"]
    assert (done["revision"], done["receipt"]["acknowledged"]) == (2, {"gateway-1": 12.5})
    assert (await api.post(f"{V1}/diff", **sent)).json()["changes"] == []


async def test_the_whole_declaration_reads_back_as_yaml(api: httpx.AsyncClient) -> None:
    answer = await api.get(f"{V1}/declared")
    assert answer.headers["content-type"].startswith("application/yaml")
    assert (await api.post(f"{V1}/diff", content=answer.content, headers=YAML)).json()["changes"] == []


async def test_targets_are_listed_weighed_added_and_taken_away(api: httpx.AsyncClient, platform: Answering) -> None:
    path = f"{V1}/virtual-hosts/shop/targets"
    shown = (await api.get(path)).json()["items"]
    assert shown[0] == {"instance": "shop-1", "address": "127.0.0.1:8081", "weight": 100}
    assert (await api.put(f"{path}/127.0.0.1:8081", json={"weight": 5})).status_code == 200
    assert (await api.put(f"{path}/127.0.0.1:9001", json={})).status_code == 200
    assert (await api.delete(f"{path}/shop-2")).status_code == 204
    targets = platform.catalog.declared.value.virtual_hosts[0].targets
    assert [(str(each.address), each.instance, each.weight) for each in targets] == [
        ("127.0.0.1:8081", "shop-1", 5),
        ("127.0.0.1:9001", None, 100),
    ]
    assert (await api.delete(f"{path}/nowhere")).json()["code"] == "unknown-target"
    assert (await api.put(f"{path}/no-such-instance", json={})).json()["code"] == "invalid-input"


async def test_the_settings_are_shown_and_changed(api: httpx.AsyncClient, platform: Answering) -> None:
    read = await api.get(f"{V1}/settings")
    assert read.json()["environment"] == "test"
    done = await api.patch(f"{V1}/settings", json={"healing": {"min_targets": 2}})
    assert done.status_code == 200, done.text
    assert platform.catalog.declared.value.healing.min_targets == 2
    assert (await api.put(f"{V1}/settings", json=read.json())).status_code == 200
    assert platform.catalog.declared.value.healing.min_targets == 1
    assert (await api.put(f"{V1}/settings", json={"environment": "test"})).json()["problems"]


async def test_the_audit_trail_says_who_changed_what_from_what_to_what(api: httpx.AsyncClient) -> None:
    await api.put(f"{V1}/users/lin", json={})
    await api.patch(f"{V1}/users/lin", json={"apis": ["orders"]})
    found = (await api.get(f"{V1}/audit", params={"who": "lin", "kind": "user", "limit": "1"})).json()
    [entry] = found["items"]
    assert (entry["action"], entry["name"], entry["before"], entry["after"]) == (
        "update",
        "lin",
        {"name": "lin"},
        {"name": "lin", "apis": ["orders"]},
    )
    older = (await api.get(f"{V1}/audit", params={"who": "lin", "before": str(found["next"])})).json()
    assert ([each["action"] for each in older["items"]], older["next"]) == (["create"], None)
    assert (await api.get(f"{V1}/audit", params={"since": "2999-01-01T00:00:00Z"})).json()["items"] == []


async def test_the_openapi_document_describes_every_route(api: httpx.AsyncClient) -> None:
    document = (await api.get("/schema/openapi.json")).json()
    kinds = ("apis", "users", "virtual-hosts", "services", "nodes", "token-issuers")
    for kind in kinds:
        assert {"get"} <= document["paths"][f"{V1}/{kind}"].keys()
        assert {"get", "put", "patch", "delete"} <= document["paths"][f"{V1}/{kind}/{{name}}"].keys()
    names = [each for path in document["paths"].values() for each in path.values()]
    assert len({each["operationId"] for each in names}) == len(names)
    for operation in names:
        assert operation["summary"]
        assert "{" not in operation["summary"]
        assert operation["responses"]
    put = document["paths"][f"{V1}/apis/{{name}}"]["put"]
    assert {"200", "201", "400", "412"} <= put["responses"].keys()
    assert {each["name"] for each in put["parameters"]} == {"name", "wait", "If-Match", "If-None-Match"}
    schema = put["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"]["paths"]["type"] == "array"
    assert "$ref" not in str(schema)
    assert all(resolves(reference, document) for reference in references(document))


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [each for value in node.values() for each in references(value)]
    return [each for value in node for each in references(value)] if isinstance(node, list) else []


def resolves(reference: str, document: Any) -> bool:
    for step in reference.removeprefix("#/").split("/"):
        if step not in document:
            return False
        document = document[step]
    return True


async def test_an_operator_applies_apis_but_no_commands_of_services(platform: Answering) -> None:
    """They run as the platform's own user."""
    moved = PLATFORM.replace("/orders]", "/bought]")
    async with client_of(platform, Role.OPERATOR) as client:
        refused = await client.post(f"{V1}/apply", content=moved.replace("port: 8080", "port: 8089"), headers=YAML)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert "service" in refused.json()["detail"]
        assert (await client.get(f"{V1}/apis/orders")).json()["paths"] == ["/orders"]
        taken = await client.post(f"{V1}/apply", content=moved, headers=YAML)
        assert (taken.status_code, [each["name"] for each in taken.json()["changes"]]) == (200, ["orders"])
