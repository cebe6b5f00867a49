"""Which API a real node leads a request to, wherever its route is found, and that what guards it is the same there."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
import pytest_asyncio

from stationmaster.core.names import ApiName, UserName
from stationmaster.core.policy import (
    Cors,
    HeaderChanges,
    LimitBy,
    Maintenance,
    Policies,
    RateLimit,
    Redirect,
    TokenRules,
)
from stationmaster.core.spec import Api, ApiUser, CredentialKind, HeaderRule
from stationmaster.runtime.db import metadata, open_database
from tests.gateway.rig import BOTH, HOST, KEY, Rig, declared, running

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

JWT = frozenset({CredentialKind.JWT})
WITH_KEY = {"apikey": KEY["ada"]}


def told(name: str, policies: Policies | None = None) -> Policies:
    """The API says its name in the answer."""
    return replace(policies or Policies(), response_headers=HeaderChanges(set=(("x-api", name),)))


def api(name: str, *paths: str, hosts: tuple[str, ...] = (), policies: Policies | None = None) -> Api:
    return Api(name=ApiName(name), paths=paths, virtual_host=HOST, hosts=hosts, policies=told(name, policies))


MINUTE_MS = 60_000
GUARDED = {
    "late-open": (frozenset[CredentialKind](), Policies()),
    "late-both": (BOTH, Policies()),
    "late-jwt": (JWT, Policies()),
    "late-scoped": (BOTH, Policies(tokens=TokenRules(scopes=("read",)))),
    "late-limited": (
        frozenset[CredentialKind](),
        Policies(rate_limits=(RateLimit(requests=3, per_ms=MINUTE_MS, by=LimitBy.API),)),
    ),
    "late-limited-user": (BOTH, Policies(rate_limits=(RateLimit(requests=3, per_ms=MINUTE_MS, by=LimitBy.USER),))),
    "late-sized": (frozenset[CredentialKind](), Policies(max_body_bytes=10)),
    "late-cors": (JWT, Policies(cors=Cors(origins=("https://shop.test",)))),
    "late-resting": (BOTH, Policies(maintenance=Maintenance(message="back soon"))),
}
"""Each of them at the root of a host of its own, and as a pattern that any first segment fits."""

APIS = (
    api("pets", "/pets"),
    api("dogs", "/pets/dogs"),
    api("cats", "=/pets/cats"),
    api("numbered", "~/pets/[0-9]+"),
    api("any-number", "~/[a-z]+/[0-9]+"),
    replace(api("posts", "/pets/birds"), methods=("POST",)),
    replace(api("gets", "/things"), methods=("GET", "HEAD")),
    replace(api("writes", "/things"), methods=("POST", "PUT")),
    api("plain", "/beta"),
    replace(api("beta", "/beta"), headers=(HeaderRule(name="x-beta", value="yes"),)),
    replace(api("any-beta", "/beta"), headers=(HeaderRule(name="x-any"),)),
    api("own", "/shared", hosts=("own.test",)),
    api("wide", "/shared", "/wide", hosts=("*.wide.test",)),
    api("shared", "/shared"),
    api("root", "/", hosts=("own.test",)),
    replace(api("unstripped", "/unstripped"), strip_path=False),
    replace(api("renamed", "/renamed"), preserve_host=False),
    Api(
        name=ApiName("moved"),
        paths=("/moved",),
        virtual_host=None,
        policies=told("moved", Policies(redirect=Redirect(to="/pets"))),
    ),
    *(api(f"crowd-{number}", f"/crowd/{number}") for number in range(50)),
    api("crowd", "/crowd"),
    api("crowd-exact", "=/crowd/7"),
    api("crowd-slash", "=/crowd/8/"),
    api("crowd-deep", "/crowd/9/deep/down"),
    api("crowd-pattern", "~/crowd/[a-z]+[0-9]"),
    replace(api("crowd-posts", "/crowd/10"), methods=("POST",)),
    replace(api("crowd-guarded", "/crowd/guarded"), accepts=BOTH),
    *(
        replace(api(name, "/", hosts=(f"{name}.test",), policies=policies), accepts=accepts)
        for name, (accepts, policies) in GUARDED.items()
    ),
    replace(api("late-pattern", "~/x-[a-z]+", hosts=("pattern.test",)), accepts=BOTH),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> AsyncIterator[Rig]:
    """One node and one target for all these tests."""
    folder = tmp_path_factory.mktemp("routing")
    database = open_database(folder / "test.db")
    spec = declared(free_port, nodes=1, targets=1)
    ada = ApiUser(name=UserName("ada"), apis=tuple(each.name for each in APIS))
    spec = replace(spec, apis=APIS, api_users=(ada, ApiUser(name=UserName("mallory"))))
    try:
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
        async with running(spec, database, folder) as rig:
            yield rig
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("method", "path", "headers", "expected"),
    [
        ("GET", "/pets", {}, "pets"),
        ("GET", "/pets/", {}, "pets"),
        ("GET", "/pets?x=/dogs", {}, "pets"),
        ("GET", "/pets/dogs/1?y=2", {}, "dogs"),
        ("GET", "/pets/dogsled", {}, "pets"),
        ("GET", "/pets/cats", {}, "cats"),
        ("GET", "/pets/cats/1", {}, "pets"),
        ("GET", "/pets/17", {}, "pets"),
        ("GET", "/boats/17", {}, "any-number"),
        ("GET", "/boats/17/1", {}, None),
        ("GET", "/pets/birds", {}, "pets"),
        ("POST", "/pets/birds", {}, "posts"),
        ("GET", "/things", {}, "gets"),
        ("HEAD", "/things", {}, "gets"),
        ("POST", "/things", {}, "writes"),
        ("PUT", "/things", {}, "writes"),
        ("DELETE", "/things", {}, None),
        ("GET", "/beta", {}, "plain"),
        ("GET", "/beta", {"x-beta": "yes"}, "beta"),
        ("GET", "/beta", {"x-beta": "yes, and no"}, "plain"),
        ("GET", "/beta", {"x-any": "at all"}, "any-beta"),
        ("GET", "/shared", {"host": "own.test"}, "own"),
        ("GET", "/shared", {"host": "own.test:8000"}, "own"),
        ("GET", "/shared", {"host": "OWN.test"}, "own"),
        ("GET", "/shared", {"host": "a.wide.test"}, "wide"),
        ("GET", "/shared", {"host": "other.test"}, "shared"),
        ("GET", "/wide", {"host": "other.test"}, None),
        ("GET", "/", {"host": "own.test"}, "root"),
        ("GET", "/boats/17", {"host": "own.test"}, "root"),
        ("GET", "/wide/x", {"host": "own.test"}, "root"),
        ("GET", "/pets/x", {"host": "own.test"}, "pets"),
        ("DELETE", "/things", {"host": "own.test"}, "root"),
        ("GET", "/crowd", {}, "crowd"),
        ("GET", "/crowd/?a=/crowd/1", {}, "crowd"),
        ("GET", "/crowd/1", {}, "crowd-1"),
        ("GET", "/crowd/1/x?y", {}, "crowd-1"),
        ("GET", "/crowd/12", {}, "crowd-12"),
        ("GET", "/crowd/123", {}, "crowd"),
        ("GET", "/crowd/7", {}, "crowd-exact"),
        ("GET", "/crowd/7/x", {}, "crowd-7"),
        ("GET", "/crowd/8", {}, "crowd-8"),
        ("GET", "/crowd/8/", {}, "crowd-slash"),
        ("GET", "/crowd/9/deep", {}, "crowd-9"),
        ("GET", "/crowd/9/deep/down/x", {}, "crowd-deep"),
        ("GET", "/crowd/10", {}, "crowd-10"),
        ("POST", "/crowd/10", {}, "crowd-posts"),
        ("GET", "/crowd/abc1", {}, "crowd"),
        ("GET", "/crowd/guarded", WITH_KEY, "crowd-guarded"),
        ("GET", "/crowded", {}, None),
        ("GET", "/crowd/1", {"host": "own.test"}, "crowd-1"),
        ("GET", "/", {}, None),
        ("GET", "/?", {}, None),
        ("GET", "/%3F/x", {}, None),
        ("GET", "/?/x", {}, None),
        ("GET", "/Pets", {}, None),
    ],
)
async def test_a_request_comes_to_the_api_that_names_it_best(
    node: Rig, method: str, path: str, headers: dict[str, str], expected: str | None
) -> None:
    sent = {"x-stationmaster-section": "/things", **headers}
    answer = await node.request(method, path, headers=sent)
    assert (answer.headers.get("x-api"), answer.status_code) == (expected, 200 if expected else 404)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("//pets//dogs", "dogs"), ("/other/../pets", "pets"), ("/pets/../other", None), ("/p%65ts", "pets")],
)
async def test_a_crooked_path_leads_where_the_straight_one_does(node: Rig, path: str, expected: str | None) -> None:
    answer = await node.raw(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert answer.startswith("HTTP/1.1 200" if expected else "HTTP/1.1 404")
    assert not expected or f"x-api: {expected}" in answer.lower()


async def test_what_nobody_publishes_is_told_in_a_problem_document(node: Rig) -> None:
    for path in ("/nothing", "/", "/things"):
        answer = await node.request("DELETE", path)
        assert (answer.status_code, answer.json()["code"]) == (404, "no-such-api")
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_pattern_gets_the_whole_path_and_others_what_follows_theirs(node: Rig) -> None:
    async def seen(path: str, host: str = "x") -> tuple[str, str]:
        told = (await node.request("GET", path, headers={"host": host})).json()
        return told["path"], told["headers"]["host"]

    assert await seen("/boats/17?a=b") == ("/boats/17?a=b", "x")
    assert await seen("/pets/dogs/1?a=b") == ("/1?a=b", "x")
    assert await seen("/pets/cats?a=b") == ("/?a=b", "x")
    assert await seen("/unstripped/1") == ("/unstripped/1", "x")
    assert await seen("/renamed/1") == ("/1", HOST)


async def test_an_upstream_does_not_see_how_the_route_was_found(node: Rig) -> None:
    for path, host in (("/pets", "x"), ("/any", "own.test")):
        names = (await node.request("GET", path, headers={"host": host})).json()["headers"].keys()
        assert not [name for name in names if name.startswith("x-stationmaster")]


async def test_an_api_may_do_nothing_but_send_elsewhere(node: Rig) -> None:
    answer = await node.request("GET", "/moved/on")
    assert (answer.status_code, answer.headers["location"].endswith("/pets")) == (308, True)


@pytest.mark.parametrize("path", ["/pets", "/nothing", "/late"])
async def test_trace_is_refused_everywhere(node: Rig, path: str) -> None:
    answer = await node.raw(f"TRACE {path} HTTP/1.1\r\nhost: own.test\r\nconnection: close\r\n\r\n")
    assert answer.startswith("HTTP/1.1 501")


async def at(node: Rig, name: str, headers: dict[str, str] | None = None, method: str = "GET", body: str = "") -> int:
    async with node.client() as client:
        sent = {"host": f"{name}.test", **(headers or {})}
        answer = await client.request(method, "/any/where", headers=sent, content=body)
    assert answer.status_code != 200 or answer.headers["x-api"] == name
    return answer.status_code


async def test_routes_that_are_found_late_are_guarded_as_others_are(node: Rig) -> None:
    token = {"authorization": f"Bearer {node.signer.token()}"}
    reader = {"authorization": f"Bearer {node.signer.token(scope='read')}"}
    poor = {"authorization": f"Bearer {node.signer.token(scope='write')}"}
    foreign = {"apikey": KEY["mallory"]}
    spoofed = {"x-consumer-username": "ada", "x-stationmaster-holder": "x;*;ada", "x-stationmaster-section": "/pets"}
    assert await at(node, "late-open") == 200
    assert await at(node, "late-open", foreign | poor) == 200
    for name in ("late-both", "late-jwt", "late-scoped", "late-limited-user", "late-cors"):
        assert await at(node, name) == 401
        assert await at(node, name, spoofed) == 401
    assert [await at(node, "late-both", each) for each in (token, WITH_KEY, foreign, reader)] == [200, 200, 403, 403]
    assert [await at(node, "late-jwt", each) for each in (token, WITH_KEY, reader)] == [200, 401, 403]
    assert [await at(node, "late-scoped", each) for each in (reader, poor, token, WITH_KEY)] == [200, 403, 403, 200]
    assert await at(node, "late-resting", spoofed) == 503


async def test_one_of_many_of_a_segment_is_guarded_too(node: Rig) -> None:
    assert (await node.request("GET", "/crowd/guarded/x")).status_code == 401
    assert (await node.request("GET", "/crowd/guarded", headers={"apikey": KEY["mallory"]})).status_code == 403


async def test_a_pattern_is_guarded_too(node: Rig) -> None:
    for headers, status in (({}, 401), (WITH_KEY, 200), ({"apikey": KEY["mallory"]}, 403)):
        answer = await node.request("GET", "/x-abc", headers={"host": "pattern.test", **headers})
        assert answer.status_code == status


async def test_limits_hold_on_routes_that_are_found_late(node: Rig) -> None:
    assert [await at(node, "late-limited") for _ in range(5)].count(200) == 3
    assert [await at(node, "late-limited-user", WITH_KEY) for _ in range(5)].count(200) == 3
    assert await at(node, "late-limited") == 429
    assert await at(node, "late-sized", method="POST", body="x" * 10) == 200
    assert await at(node, "late-sized", method="POST", body="x" * 11) == 413
    for _ in range(8):
        assert await at(node, "late-open") == 200, "what is not counted is not limited"
    assert await at(node, "late-open", method="POST", body="x" * 100_000) == 200


async def test_a_question_of_a_foreign_page_is_answered_on_a_late_route(node: Rig) -> None:
    asked = {"origin": "https://shop.test", "access-control-request-method": "GET"}
    answer = await node.request("OPTIONS", "/any", headers={"host": "late-cors.test", **asked})
    assert answer.headers.get("access-control-allow-origin") == "https://shop.test"
    assert (await node.request("OPTIONS", "/any", headers={"host": "late-jwt.test", **asked})).status_code == 401
