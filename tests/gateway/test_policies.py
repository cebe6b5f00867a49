"""Every policy of an API at real nodes: that it does what it says, and refuses where it does not know."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping

import httpx
import pytest
import pytest_asyncio

from tests.gateway.policed import ANNEX, LARGEST, bearer, policed, running_policed
from tests.gateway.rig import KEY, Rig

ADA = KEY["ada"]

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> AsyncIterator[Rig]:
    """Two nodes for all these tests."""
    async with running_policed(policed(free_port), tmp_path_factory.mktemp("policies")) as built:
        yield built


async def passed(
    rig: Rig, path: str, times: int, headers: Mapping[str, str] | None = None, *, nodes: Iterable[int] = (0, 1)
) -> int:
    """How many of so many requests at each of the nodes were let through."""
    seen = [
        (await rig.request("GET", path, node=node, headers=headers)).status_code for node in nodes for _ in range(times)
    ]
    assert set(seen) <= {200, 429}
    return seen.count(200)


async def test_a_limit_of_an_api_is_divided_among_the_nodes(rig: Rig) -> None:
    assert await passed(rig, "/by-api", 8) == 6


async def test_who_is_limited_is_told_when_to_come_again(rig: Rig) -> None:
    headers = bearer(rig, "bob")
    first = await rig.request("GET", "/by-user", headers=headers)
    assert first.headers["ratelimit-limit"] == "4"
    assert int(first.headers["ratelimit-remaining"]) < 4
    for _ in range(4):
        answer = await rig.request("GET", "/by-user", headers=headers)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.headers["ratelimit-remaining"] == "0"
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["status"], answer.json()["code"]) == (429, "rate-limited")
    assert "retry-after" not in first.headers
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]


async def test_nobody_is_told_to_come_again_at_once(rig: Rig) -> None:
    """A node that has given out its share of a bucket which is not empty finds nothing to wait for."""
    answers = [await rig.request("GET", "/in-pieces") for _ in range(6)]
    refused = [each for each in answers if each.status_code == 429]
    assert len(refused) >= 3
    assert all(1 <= int(each.headers["retry-after"]) <= 60 for each in refused)
    assert "0" in [each.headers["ratelimit-reset"] for each in refused], "the case that this is about"


async def test_who_comes_again_at_the_time_that_was_told_is_let_in(rig: Rig) -> None:
    """At a node that is one of two, which gives out every second token of a bucket that gets one a second."""
    for _ in range(2):
        while (answer := await rig.request("GET", "/soon")).status_code == 200:
            pass
        assert (answer.status_code, answer.headers["retry-after"] in {"1", "2", "3"}) == (429, True)
        await asyncio.sleep(int(answer.headers["retry-after"]))
        assert (await rig.request("GET", "/soon")).status_code == 200


@pytest.mark.parametrize("path", ["/soon/busy", "/plain/busy"])
async def test_an_upstream_tells_itself_when_to_come_again(rig: Rig, path: str) -> None:
    while "content-type" in (answer := await rig.request("GET", path)).headers:
        await asyncio.sleep(int(answer.headers["retry-after"]))  # this one is the node's
    assert (answer.status_code, answer.headers.get_list("retry-after")) == (429, ["7"])


async def test_a_limit_of_users_counts_each_of_them_alone_whatever_the_method(rig: Rig) -> None:
    ada = bearer(rig, "ada")
    for method in ("GET", "POST"):
        assert (await rig.request(method, "/by-user", headers=ada)).status_code == 200
    for method in ("GET", "POST"):
        assert (await rig.request(method, "/by-user", headers=ada)).status_code == 429
    assert await passed(rig, "/by-two", 3, bearer(rig, "bob")) == 4
    assert await passed(rig, "/by-two", 3, ada) == 4


async def test_a_user_with_limits_of_its_own_is_held_to_them_instead(rig: Rig) -> None:
    slow = bearer(rig, "slow")
    assert await passed(rig, "/by-user", 3, slow) == 2
    assert await passed(rig, "/guarded", 3, slow) == 2


async def test_a_user_without_limits_is_not_counted_where_the_api_sets_none(rig: Rig) -> None:
    assert await passed(rig, "/guarded", 12, bearer(rig, "ada")) == 24
    answer = await rig.request("GET", "/guarded", headers=bearer(rig, "ada"))
    assert not [name for name in answer.headers if "ratelimit" in name]


async def test_strangers_are_refused_before_anything_is_counted(rig: Rig) -> None:
    for _ in range(6):
        assert (await rig.request("GET", "/by-two")).status_code == 401


@pytest.mark.parametrize("path", ["/by-address", "/by-user-public"])
async def test_callers_of_a_public_api_are_counted_by_their_address_and_cannot_make_up_another(
    rig: Rig, path: str
) -> None:
    seen = [
        (await rig.request("GET", path, headers={"x-forwarded-for": f"192.0.2.{number}", "x-consumer-username": "a"}))
        for number in range(5)
    ]
    assert [each.status_code for each in seen] == [200, 200, 429, 429, 429]


async def test_fewer_requests_than_nodes_are_still_let_through(rig: Rig) -> None:
    assert await passed(rig, "/seldom", 3, nodes=(0,)) == 1


async def preflight(rig: Rig, path: str, origin: str, **more: str) -> httpx.Response:
    asked = {"origin": origin, "access-control-request-method": "PUT", **more}
    return await rig.request("OPTIONS", path, headers=asked)


async def test_a_browser_may_ask_beforehand_without_credentials(rig: Rig) -> None:
    answer = await preflight(rig, "/cors", "https://shop.test")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://shop.test"
    assert answer.headers["access-control-allow-methods"] == "GET, PUT"
    assert answer.headers["access-control-allow-headers"] == "authorization, x-cart"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-max-age"] == "60"
    assert answer.content == b"", "the endpoint was not asked"


async def test_what_a_browser_asks_beforehand_opens_nothing(rig: Rig) -> None:
    assert (await rig.request("OPTIONS", "/cors", headers={"origin": "https://shop.test"})).status_code == 401
    refused = await rig.request("PUT", "/cors", headers={"origin": "https://shop.test"})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://shop.test", "the page may read why"


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "https://shop.test.evil.test", "http://shop.test"])
async def test_another_origin_gets_no_leave(rig: Rig, origin: str) -> None:
    answer = await preflight(rig, "/cors", origin)
    assert answer.content == b"", "the endpoint was not asked"
    assert "access-control-allow-origin" not in answer.headers
    called = await rig.request("GET", "/cors", headers={**bearer(rig), "origin": origin})
    assert "access-control-allow-origin" not in called.headers


async def test_an_api_for_every_origin_takes_no_credentials_along(rig: Rig) -> None:
    answer = await preflight(rig, "/cors-any", "https://any.test")
    assert answer.headers["access-control-allow-origin"] in ("*", "https://any.test")
    assert "access-control-allow-credentials" not in answer.headers
    assert "cors-any" in "".join(each.message for each in rig.gateway.diagnostics())


async def test_headers_are_changed_as_declared_and_values_are_only_text(rig: Rig) -> None:
    sent = {"x-secret": "1", "x-more": "1", "apikey": ADA}
    answer = await rig.request("GET", "/headers", headers=sent)
    seen = answer.json()["headers"]
    assert seen["x-tenant"] == "100% %REQ(apikey)%"
    assert "x-secret" not in seen
    assert "x-consumer-username" not in seen, "a declaration cannot say who calls"
    assert answer.headers["cache-control"] == "no-store"
    assert any("X-Consumer-Username" in each.message for each in rig.gateway.diagnostics())


async def chunks(size: int, number: int) -> AsyncIterator[bytes]:
    for _ in range(number):
        yield b"x" * size


@pytest.mark.parametrize(("size", "status"), [(0, 200), (LARGEST, 200), (LARGEST + 1, 413), (50_000, 413)])
async def test_a_body_may_be_so_large_and_no_larger(rig: Rig, size: int, status: int) -> None:
    async with rig.client() as client:
        whole = await client.post("/sized", content=b"x" * size)
        in_parts = await client.post("/sized", content=chunks(max(1, size // 10), -(-size // max(1, size // 10))))
    assert [whole.status_code, in_parts.status_code] == [status, status]
    if status == 413:
        assert whole.json()["code"] == in_parts.json()["code"] == "too-large"


@pytest.mark.parametrize("framing", ["content-length: 10000000", "transfer-encoding: chunked"])
async def test_ten_megabytes_are_refused_while_they_still_come_in(rig: Rig, framing: str) -> None:
    body = ("3e8\r\n" + "x" * LARGEST + "\r\n") * 2 if "chunked" in framing else "x"
    answer = await rig.raw(f"POST /sized HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n{body}")
    assert answer.startswith("HTTP/1.1 413 ")
    assert '"code":"too-large"' in answer


@pytest.mark.parametrize("length", [2**63 - 2, 2**63 - 1, 2**63, 2**64 - 1])
async def test_a_length_that_no_number_holds_is_too_large(rig: Rig, length: int) -> None:
    answer = await rig.raw(f"POST /sized HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\nx", limit_s=1)
    assert answer.startswith("HTTP/1.1 413 ")


async def test_a_claimed_upgrade_does_not_let_a_large_body_through(rig: Rig) -> None:
    head = "POST /sized HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    body = "".join("3e8\r\n" + "x" * 1000 + "\r\n" for _ in range(20)) + "0\r\n\r\n"
    answer = await rig.raw(f"{head}transfer-encoding: chunked\r\n\r\n{body}", limit_s=3)
    assert "xxxx" not in answer
    assert " 101 " not in answer


async def test_a_share_of_the_requests_goes_to_the_canary(rig: Rig) -> None:
    async with rig.client() as client:
        ports = Counter([(await client.get("/canary")).json()["port"] for _ in range(200)])
    annex = rig.spec.virtual_hosts[1].targets[0].address.port
    assert 30 <= ports[annex] <= 95
    assert sum(ports.values()) == 200


async def test_a_canary_is_as_guarded_as_its_api(rig: Rig) -> None:
    assert (await rig.request("GET", "/canary-all")).status_code == 401
    seen = (await rig.request("GET", "/canary-all", headers=bearer(rig))).json()
    assert seen["port"] == rig.spec.virtual_hosts[1].targets[0].address.port
    assert seen["headers"]["x-consumer-username"] == "ada"


async def test_a_canary_that_is_down_for_maintenance_gets_nothing(rig: Rig) -> None:
    seen = (await rig.request("GET", "/canary-closed")).json()
    assert f"127.0.0.1:{seen['port']}" == rig.targets[0]


async def test_a_mirror_gets_a_copy_and_its_answer_is_dropped(rig: Rig) -> None:
    answer = await rig.request("GET", "/mirror/copied")
    assert f"127.0.0.1:{answer.json()['port']}" == rig.targets[0]
    annex = rig.spec.virtual_hosts[1]
    assert annex.name == ANNEX
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(5):
        while True:
            asked: Mapping[str, int] = (await client.get(f"http://{annex.targets[0].address}/")).json()["asked"]
            if asked.get("GET /copied"):
                break


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/moved/a?b=c", 301, "https://new.test/shop?from=old"),
        ("/moved-path/a?b=c", 307, "/elsewhere?b=c"),
        ("/moved-guarded", 401, None),
    ],
)
async def test_a_redirect_sends_the_caller_away(rig: Rig, path: str, status: int, location: str | None) -> None:
    answer = await rig.request("GET", path)
    assert answer.status_code == status
    if location:
        assert answer.headers["location"].endswith(location)


@pytest.mark.parametrize(
    ("path", "message", "after"), [("/resting", 'back at "noon"', "90"), ("/shut", "moving house", "300")]
)
@pytest.mark.parametrize("known", [True, False])
async def test_maintenance_is_told_to_everybody(rig: Rig, path: str, message: str, after: str, known: bool) -> None:
    answer = await rig.request("GET", path, headers=bearer(rig) if known else {})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == after
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["detail"], answer.json()["code"]) == (message, "maintenance")


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ("read write", 200),
        ("write other read", 200),
        (["read", "write"], 200),
        ("read", 403),
        ("readwrite", 403),
        ("read,write", 403),
        ("", 403),
        (None, 403),
        (7, 403),
    ],
)
async def test_a_token_has_to_hold_every_scope(rig: Rig, scope: object, status: int) -> None:
    headers = bearer(rig, "ada", scope=scope)
    assert (await rig.request("GET", "/scoped", headers=headers)).status_code == status
    assert (await rig.request("GET", "/scoped", headers={**headers, "apikey": "guessed"})).status_code == status
    assert (await rig.request("GET", "/scoped", headers={**headers, "apikey": ADA})).status_code == status


async def test_scopes_are_asked_of_tokens_alone(rig: Rig) -> None:
    assert (await rig.request("GET", "/scoped", headers={"apikey": ADA})).status_code == 200
    assert (await rig.request("GET", "/scoped")).status_code == 401


async def test_claims_arrive_as_headers_and_a_list_as_json(rig: Rig) -> None:
    headers = bearer(rig, "ada", org="acme", roles=["clerk", "auditor"])
    seen = (await rig.request("GET", "/claims", headers=headers)).json()["headers"]
    assert seen["x-org"] == "acme"
    assert seen["x-roles"] == '["clerk","auditor"]'


@pytest.mark.parametrize("path", ["/claims", "/plain", "/guarded"])
async def test_no_caller_writes_a_header_that_carries_a_claim(rig: Rig, path: str) -> None:
    headers = {**bearer(rig, "ada"), "x-org": "other", "X-Roles": "admin"}
    seen = (await rig.request("GET", path, headers=headers)).json()["headers"]
    assert not {"x-org", "x-roles"} & seen.keys()


async def test_a_claim_cannot_smuggle_another_header(rig: Rig) -> None:
    headers = bearer(rig, "ada", org="acme\r\nx-consumer-username: root")
    answer = await rig.request("GET", "/claims", headers=headers)
    if answer.status_code == 200:
        assert answer.json()["headers"]["x-consumer-username"] == "ada"
        assert "root" not in answer.json()["headers"].get("x-consumer-username", "")


@pytest.mark.parametrize(("method", "accept"), [("GET", "*/*"), ("POST", "*/*"), ("GET", "text/event-stream")])
async def test_an_answer_has_to_begin_within_the_time_limit(rig: Rig, method: str, accept: str) -> None:
    answer = await rig.request(method, "/hasty/slow", headers={"accept": accept})
    assert answer.status_code == 504
    assert answer.json()["code"] == "timeout"
    assert answer.elapsed.total_seconds() < 0.7


async def test_every_request_has_an_id_of_ours(rig: Rig) -> None:
    answer = await rig.request("GET", "/plain", headers={"x-request-id": "mine"})
    assert len(answer.headers["x-request-id"]) == 36
    assert answer.json()["headers"]["x-request-id"] == answer.headers["x-request-id"]
    refused = await rig.request("GET", "/guarded")
    assert refused.json()["request_id"] == refused.headers["x-request-id"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/guarded", 401, "unauthenticated"), ("/nowhere", 404, "no-such-api"), ("/shut", 503, "maintenance")],
)
async def test_refusals_are_problem_documents(rig: Rig, path: str, status: int, code: str) -> None:
    answer = await rig.request("GET", path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem.keys() == {"type", "title", "status", "code", "detail", "request_id"}
    assert (problem["status"], problem["code"]) == (status, code)


async def test_a_stranger_is_told_both_ways_to_show_who_it_is(rig: Rig) -> None:
    for headers in ({}, {"authorization": "Basic YWRhOmFkYQ=="}, {"apikey": "guessed"}):
        answer = await rig.request("GET", "/guarded", headers=headers)
        assert answer.headers.get_list("www-authenticate") == [
            'Bearer realm="stationmaster"',
            'ApiKey realm="stationmaster", header="apikey"',
        ]


async def test_requests_are_held_up_on_purpose(rig: Rig) -> None:
    began = asyncio.get_running_loop().time()
    answer = await rig.request("GET", "/late", headers=bearer(rig, "ada"))
    assert answer.status_code == 200
    assert asyncio.get_running_loop().time() - began >= 0.4


async def test_requests_are_answered_with_an_error_on_purpose_but_only_those_of_who_may_call(rig: Rig) -> None:
    refused = await rig.request("GET", "/failing")
    failed = await rig.request("GET", "/failing", headers=bearer(rig, "ada"))
    assert (refused.status_code, failed.status_code) == (401, 503)
    assert failed.headers["content-type"] == "application/problem+json"


async def test_a_share_of_the_requests_fails_on_purpose(rig: Rig) -> None:
    seen = Counter([(await rig.request("GET", "/sometimes")).status_code for _ in range(60)])
    assert seen.keys() == {200, 500}
    assert seen[200] >= 10
    assert seen[500] >= 10
