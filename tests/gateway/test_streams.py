"""What goes on for long or is no plain request: WebSocket, server-sent events, gRPC, TLS, and the listener's bounds."""

import asyncio
import json
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from stationmaster.core.names import ApiName, VirtualHostName
from stationmaster.core.policy import LimitBy, Policies, RateLimit
from stationmaster.core.spec import Api, CredentialKind, GatewayLimits, PlatformSpec, Protocol, Target, VirtualHost
from stationmaster.gateway import self_signed
from stationmaster.runtime.db import metadata, open_database, utc_now
from tests.gateway import streams
from tests.gateway.policed import bearer
from tests.gateway.rig import Rig, declared, eventually, local, running

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

JWT = frozenset({CredentialKind.JWT})
SHORT_MS = 1_000
CONNECTIONS = 20


def with_streams(spec: PlatformSpec, port: int, grpc_port: int, tls_port: int) -> PlatformSpec:
    """Every stream lasts longer than the time limit of its API."""

    def host(name: str, number: int, protocol: Protocol = Protocol.HTTP) -> VirtualHost:
        return VirtualHost(name=VirtualHostName(name), protocol=protocol, targets=(Target(address=local(number)),))

    def api(name: str, path: str, policies: Policies | None = None) -> Api:
        return Api(
            name=ApiName(name),
            paths=(path,),
            virtual_host=VirtualHostName(name),
            accepts=JWT,
            strip_path=False,
            timeout_ms=SHORT_MS,
            policies=policies or Policies(),
        )

    limit = RateLimit(requests=1_000, per_ms=60_000, by=LimitBy.USER)
    user = spec.api_users[0]
    return replace(
        spec,
        virtual_hosts=(
            *spec.virtual_hosts,
            host("ws", port),
            host("sse", port + 1),
            host("rpc", grpc_port, Protocol.H2C),
        ),
        apis=(
            *spec.apis,
            api("ws", "/ws", Policies(rate_limits=(limit,), max_body_bytes=100)),
            api("sse", "/sse"),
            api("rpc", f"/{streams.SERVICE}"),
        ),
        api_users=(replace(user, apis=(*user.apis, ApiName("ws"), ApiName("sse"), ApiName("rpc"))),),
        nodes=(replace(spec.nodes[0], listen_tls=local(tls_port)),),
        limits=GatewayLimits(max_header_kb=16, max_connections=CONNECTIONS),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> AsyncIterator[Rig]:
    folder = tmp_path_factory.mktemp("streams")
    port = next(number for number in iter(free_port, 0) if number % 2 == 0)
    grpc_port = free_port()
    spec = with_streams(declared(free_port, nodes=1, targets=1), port, grpc_port, free_port())
    database = open_database(folder / "test.db")
    try:
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
        async with running(spec, database, folder) as built:
            built._start("streams", (sys.executable, streams.__file__, str(port), str(grpc_port)))
            await eventually(lambda: all(_open(number) for number in (port, port + 1, grpc_port)))
            yield built
    finally:
        await database.close()


def _open(number: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", number)) == 0


async def test_a_websocket_passes_and_outlives_the_time_limit(rig: Rig) -> None:
    async with connect(f"ws://{rig.spec.nodes[0].listen}/ws", additional_headers=bearer(rig), proxy=None) as pipe:
        for text in ("a", "b" * 5_000):
            await pipe.send(text)
            assert await pipe.recv() == text
        await asyncio.sleep(SHORT_MS / 1000 * 1.5)
        await pipe.send("still there")
        assert await pipe.recv() == "still there"


async def test_a_websocket_is_as_guarded_as_a_request(rig: Rig) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws://{rig.spec.nodes[0].listen}/ws", proxy=None):
            pass
    assert refused.value.response.status_code == 401


async def test_events_arrive_as_they_are_sent_and_past_the_time_limit(rig: Rig) -> None:
    began = asyncio.get_running_loop().time()
    async with rig.client() as client:
        headers = {**bearer(rig), "accept": "text/event-stream"}
        async with client.stream("GET", "/sse/10", headers=headers) as answer:
            now = asyncio.get_running_loop().time
            arrived = [(line, now() - began) async for line in answer.aiter_lines() if line]
    assert [line for line, _ in arrived] == [f"data: {number}" for number in range(10)]
    assert arrived[0][1] < SHORT_MS / 1000 < arrived[-1][1]


def call(rig: Rig, method: str, channel: Any) -> Any:
    make = channel.unary_unary if method == streams.ECHO else channel.stream_stream
    return make(f"/{streams.SERVICE}/{method}")


async def test_grpc_passes_with_its_trailers(rig: Rig) -> None:
    async with grpc.aio.insecure_channel(str(rig.spec.nodes[0].listen)) as channel:
        asked = call(rig, streams.ECHO, channel)(b"hello", metadata=tuple(bearer(rig).items()), timeout=5)
        assert await asked == b"hello"
        assert dict(await asked.trailing_metadata())["x-caller"] == "ada"


async def test_a_grpc_stream_goes_both_ways_past_the_time_limit(rig: Rig) -> None:
    async with grpc.aio.insecure_channel(str(rig.spec.nodes[0].listen)) as channel:
        stream = call(rig, streams.COUNT, channel)(metadata=tuple(bearer(rig).items()), timeout=10)
        for number in range(4):
            await stream.write(b"%d" % number)
            assert await stream.read() == b"%d" % number
            await asyncio.sleep(SHORT_MS / 1000 / 2)
        await stream.done_writing()
        assert await stream.code() is grpc.StatusCode.OK


async def test_a_refused_grpc_call_gets_a_grpc_status(rig: Rig) -> None:
    async with grpc.aio.insecure_channel(str(rig.spec.nodes[0].listen)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(rig, streams.ECHO, channel)(b"hello", timeout=5)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_headers_beyond_the_limit_are_refused(rig: Rig) -> None:
    assert (await rig.request("GET", "/public", headers={"x-long": "x" * 8_000})).status_code == 200
    refused = await rig.request("GET", "/public", headers={"x-long": "x" * 17_000})
    assert refused.status_code == 431


async def test_http_1_0_is_refused(rig: Rig) -> None:
    answer = await rig.raw("GET /public HTTP/1.0\r\nhost: x\r\n\r\n", limit_s=2)
    assert answer.startswith("HTTP/1.1 426 ")


async def test_connections_beyond_the_limit_are_turned_away(rig: Rig) -> None:
    listen = rig.spec.nodes[0].listen
    held = [await asyncio.open_connection(listen.host, listen.port) for _ in range(CONNECTIONS)]
    try:
        reader, writer = await asyncio.open_connection(listen.host, listen.port)
        async with asyncio.timeout(3):
            assert await reader.read() == b""
        writer.close()
    finally:
        for _, each in held:
            each.close()
    async with asyncio.timeout(3):
        while True:
            try:
                answer = await rig.request("GET", "/public")
            except httpx.TransportError:
                continue
            break
    assert answer.status_code == 200


async def test_the_tls_entrance_speaks_http_2_and_is_as_guarded_as_the_other(rig: Rig) -> None:
    tls = rig.spec.nodes[0].listen_tls
    assert tls
    await eventually(lambda: _open(tls.port))
    trusted = ssl.create_default_context(cadata=_shown(tls.port))
    trusted.set_alpn_protocols(["h2", "http/1.1"])
    assert await _alpn(tls.port, trusted) == "h2"
    async with httpx.AsyncClient(verify=trusted, trust_env=False) as client:
        answer = await client.get(f"https://localhost:{tls.port}/tokens", headers=bearer(rig))
        assert answer.json()["headers"]["x-consumer-username"] == "ada"
        assert answer.json()["headers"]["x-forwarded-proto"] == "https"
        assert (await client.get(f"https://127.0.0.1:{tls.port}/tokens")).status_code == 401


async def _alpn(port: int, trusted: ssl.SSLContext) -> str | None:
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusted)
    chosen: str | None = writer.get_extra_info("ssl_object").selected_alpn_protocol()
    writer.close()
    return chosen


async def test_a_new_certificate_disturbs_no_open_connection(rig: Rig) -> None:
    tls = rig.spec.nodes[0].listen_tls
    assert tls
    await eventually(lambda: _open(tls.port))
    trusted = ssl.create_default_context(cadata=_shown(tls.port))
    reader, writer = await asyncio.open_connection("127.0.0.1", tls.port, ssl=trusted)
    second = self_signed.make(self_signed.names_of(rig.spec), utc_now())
    (rig.folder / "gateway.pem").write_text(second.key + second.chain)
    await rig.certificates.refresh(rig.spec)
    await eventually(lambda: _shown(tls.port) == second.chain)
    writer.write(b"GET /public HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    async with asyncio.timeout(5):
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()


def _shown(port: int) -> str:
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=3)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_old_tls_is_refused(rig: Rig, version: ssl.TLSVersion) -> None:
    tls = rig.spec.nodes[0].listen_tls
    assert tls
    await eventually(lambda: _open(tls.port))
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = version
    with pytest.raises(ssl.SSLError, match=r"(?i)version|alert"):
        await asyncio.open_connection("127.0.0.1", tls.port, ssl=old)


async def test_problem_documents_are_whole_json(rig: Rig) -> None:
    answer = await rig.raw("GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert json.loads(answer.partition("\r\n\r\n")[2])["status"] == 404
