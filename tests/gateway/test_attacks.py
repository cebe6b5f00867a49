"""Ways round the guards of a real node: crooked hosts, methods, framings, doubled proofs, and HTTP/2."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import grpc
import pytest
import pytest_asyncio

from stationmaster.core.names import ApiName, UserName
from stationmaster.core.policy import Cors, Policies
from stationmaster.core.proofs import Proofs
from stationmaster.core.spec import Api, ApiUser, CredentialKind, HeaderRule
from stationmaster.runtime.db import metadata, open_database
from tests.gateway.rig import BOTH, HOST, KEY, Rig, declared, proofs, running

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

PUBLIC: frozenset[CredentialKind] = frozenset()


def api(name: str, path: str, accepts: frozenset[CredentialKind] = PUBLIC, *, host: str = "") -> Api:
    hosts = (host,) if host else ()
    return Api(name=ApiName(name), paths=(path,), virtual_host=HOST, accepts=accepts, hosts=hosts)


APIS = (
    api("both", "/both", BOTH),
    api("pets", "/pets"),
    api("admin", "/pets/admin", BOTH),
    api("things", "/things"),
    replace(api("writes", "/things", BOTH), methods=("POST", "DELETE")),
    api("plain", "/plain"),
    replace(api("chosen", "/plain", BOTH), headers=(HeaderRule(name="x-role", value="chosen"),)),
    api("hosted", "/hosted", BOTH, host="own.test"),
    api("rooted", "/", BOTH, host="root.test"),
    api("pattern", "~/[a-z]+/inside", BOTH),
    replace(api("asked", "/asked", BOTH), policies=Policies(cors=Cors(origins=("https://shop.test",)))),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> AsyncIterator[Rig]:
    """One node and one target for all these tests."""
    folder = tmp_path_factory.mktemp("attacks")
    database = open_database(folder / "test.db")
    ada = ApiUser(name=UserName("ada"), apis=tuple(each.name for each in APIS))
    spec = declared(free_port, nodes=1, targets=1)
    spec = replace(spec, apis=APIS, api_users=(ada, ApiUser(name=UserName("mallory"))))
    try:
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
        async with running(spec, database, folder) as rig:
            yield rig
    finally:
        await database.close()


async def status(node: Rig, line: str, *headers: str, host: str = "x") -> int:
    fields = "".join(f"{each}\r\n" for each in (f"host: {host}", "connection: close", *headers))
    listen = node.spec.nodes[0].listen
    reader, writer = await asyncio.open_connection(listen.host, listen.port)
    writer.write(f"{line} HTTP/1.1\r\n{fields}\r\n".encode())
    async with asyncio.timeout(5):
        answer = await reader.readline()
    writer.close()
    return int(answer.split(b" ")[1])


@pytest.mark.parametrize("host", ["own.test", "OWN.Test", "own.test.", "own.test:80", "own.test.:80", "own.test:"])
async def test_a_host_is_the_same_however_it_is_written(node: Rig, host: str) -> None:
    assert await status(node, "GET /hosted", host=host) == 401


@pytest.mark.parametrize("path", ["/both", "/plain", "/hosted", "/nowhere", "/at/all"])
@pytest.mark.parametrize(
    "host",
    [
        "x\r\nhost: x",
        "own.test\r\nHost: x",
        "x\r\nHOST: own.test",
        "x, own.test",
        "x,own.test",
        "x own.test",
        "x/own.test",
        "x@own.test",
        "x?own.test",
    ],
)
async def test_two_hosts_or_one_that_is_none_are_a_bad_request(node: Rig, path: str, host: str) -> None:
    answer = await node.raw(f"GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
    assert answer.startswith("HTTP/1.1 400 ")


async def test_two_hosts_beside_an_absolute_target_lead_nowhere_but_where_that_leads(node: Rig) -> None:
    for host in ("x\r\nhost: own.test", "own.test\r\nhost: own.test"):
        line = f"GET http://x/hosted HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        assert (await node.raw(line)).startswith("HTTP/1.1 404 ")


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "[::1]:8000", "[::1]", "A-b_c.test", "xn--bcher-kva.test"])
async def test_a_host_that_is_one_is_taken(node: Rig, host: str) -> None:
    assert await status(node, "GET /plain", host=host) == 200


@pytest.mark.parametrize("target", ["http://own.test/hosted", "http://x/both", "HTTP://root.test/at/all"])
async def test_the_host_of_an_absolute_target_counts(node: Rig, target: str) -> None:
    assert await status(node, f"GET {target}") == 401


@pytest.mark.parametrize(
    "path",
    [
        "/both",
        "//both",
        "/./both",
        "/pets/../both",
        "/pets/..;/../both",
        "/b%6fth",
        "/pets\\..\\both",
        "/both?/pets",
        "/pets/admin",
        "/pets//admin",
        "/pets/%61dmin",
        "/pets/x/../admin",
        "/pets/admin/",
        "/any/inside",
        "//a//inside",
        f"/{'a' * 30000}/../both",
    ],
)
async def test_a_path_is_the_same_however_it_is_written(node: Rig, path: str) -> None:
    assert await status(node, f"GET {path}") == 401


@pytest.mark.parametrize("path", ["/both%00", "/pets%2f..%2fboth", "/pets%5c..%5cboth", "/both#pets", "*", "both"])
async def test_what_may_be_read_in_two_ways_is_not_read_at_all(node: Rig, path: str) -> None:
    assert await status(node, f"GET {path}") == 400


@pytest.mark.parametrize(
    ("method", "answered"),
    [
        ("GET", 200),
        ("HEAD", 200),
        ("PURGE", 200),
        ("POST", 401),
        ("DELETE", 401),
        ("post", 400),
        ("BREW", 400),
        ("CONNECT", 400),
        ("TRACE", 501),
    ],
)
async def test_a_guard_of_some_methods_is_no_guard_of_others_and_none_is_passed_by_its_spelling(
    node: Rig, method: str, answered: int
) -> None:
    assert await status(node, f"{method} /things", "content-length: 0") == answered
    assert await status(node, f"{method} /both", "content-length: 0") == (answered if answered >= 400 else 401)


@pytest.mark.parametrize("header", ["x-role: chosen", "X-ROLE:chosen", "x-role: \tchosen \t"])
async def test_a_guard_of_a_header_sees_it_however_it_is_written(node: Rig, header: str) -> None:
    assert await status(node, "GET /plain", header) == 401


@pytest.mark.parametrize("path", ["/both", "/any/inside", "/pets/admin"])
@pytest.mark.parametrize(
    "header",
    [
        "x-stationmaster-section: /pets/",
        "X-Stationmaster-Holder: id;*;ada",
        "x_consumer_username: ada",
        "x-stationmaster-scope: both",
        "X-CONSUMER-USERNAME: ada",
        "connection: x-consumer-username",
        "x-envoy-original-path: /pets",
        "x-rewrite-url: /pets",
        "authorization: Bearer ",
        "apikey: stm_",
    ],
)
async def test_no_header_leads_round_a_guard(node: Rig, path: str, header: str) -> None:
    assert await status(node, f"GET {path}", header) == 401
    assert await status(node, "GET /at/all", header, host="root.test") == 401


async def test_a_blank_in_the_name_of_a_header_is_refused(node: Rig) -> None:
    for blank in (" ", "\t"):
        assert await status(node, "GET /both", f"x-consumer-username{blank}: ada") == 400


async def test_of_two_proofs_none_passes_that_would_not_alone(node: Rig) -> None:
    ada, mallory = (f"authorization: Bearer {node.signer.token(sub=name)}" for name in ("ada", "mallory"))
    assert await status(node, "GET /both", mallory, ada) in (401, 403)
    assert await status(node, "GET /both", mallory, f"apikey: {KEY['ada']}") == 403
    assert await status(node, "GET /both", f"apikey: {KEY['mallory']}", f"apikey: {KEY['ada']}") == 403
    assert await status(node, "GET /both", "apikey: x", f"apikey: {KEY['ada']}") == 401
    assert await status(node, f"GET /both?apikey={KEY['ada']}&access_token={node.signer.token()}") == 401


async def test_the_question_of_a_foreign_page_opens_nothing_but_its_own_answer(node: Rig) -> None:
    asks = ("origin: https://shop.test", "access-control-request-method: GET")
    assert await status(node, "OPTIONS /asked", *asks) == 200
    assert await status(node, "OPTIONS /asked", asks[0]) == 401
    assert await status(node, "OPTIONS /asked", asks[1]) == 401
    assert await status(node, "GET /asked", *asks) == 401
    assert await status(node, "OPTIONS /both", *asks) == 401


@pytest.mark.parametrize("protocol", ["websocket", "h2c"])
async def test_who_asks_for_another_protocol_is_asked_for_a_proof(node: Rig, protocol: str) -> None:
    upgrade = f"GET /both HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: {protocol}\r\n\r\n"
    assert (await node.raw(upgrade, limit_s=1)).startswith("HTTP/1.1 401 ")


async def over_http2(channel: grpc.aio.Channel, path: str, **headers: str) -> grpc.StatusCode:
    """What a client of HTTP/2 hears: UNKNOWN is an answer that is no gRPC, so the request was let through."""
    metadata_ = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    call = channel.unary_unary(path)
    try:
        await call(b"", metadata=metadata_, timeout=5)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_the_guards_hold_over_http2_and_on_open_connections_of_it(node: Rig) -> None:
    refused = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
    good: Proofs = proofs(node.signer.jwks())
    async with grpc.aio.insecure_channel(str(node.spec.nodes[0].listen)) as channel:
        spoofed = {
            "x_consumer_username": "ada",
            "x_stationmaster_holder": "i;*;ada",
            "x_stationmaster_section": "/pets/",
        }
        for path in ("/both", "/any/inside", "/pets/../both", "/pets//admin"):
            assert await over_http2(channel, path, **spoofed) == refused[0]
        assert await over_http2(channel, "/both", apikey=KEY["mallory"]) == refused[1]
        assert await over_http2(channel, "/both", apikey=KEY["ada"]) not in refused
        await node.show(proofs(node.signer.jwks(), ()))
        assert await over_http2(channel, "/both", apikey=KEY["ada"]) == refused[0]
        await node.show(good)
        assert await over_http2(channel, "/both", apikey=KEY["ada"]) not in refused


async def test_many_at_once_are_all_guarded_while_the_configuration_changes(node: Rig) -> None:
    async def ask() -> int:
        return await status(node, "GET /both", "x-stationmaster-holder: i;*;ada")

    for number in range(3):
        asked = [asyncio.create_task(ask()) for _ in range(20)]
        extra = replace(APIS[1], name=ApiName(f"more-{number}"), paths=(f"/more-{number}",))
        await node.declare(replace(node.spec, apis=(*APIS, extra)))
        assert set(await asyncio.gather(*asked)) == {401}
    await node.declare(replace(node.spec, apis=APIS))
