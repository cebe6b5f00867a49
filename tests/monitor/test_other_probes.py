"""TCP checks, and gRPC health checks against real gRPC servers, other servers and spoilt answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.spec import Address, CheckKind, HealthCheck
from stationmaster.monitor.probes.grpc_reading import GrpcReading, request
from stationmaster.monitor.probes.header_block import fields_in, literal, with_known_name
from stationmaster.monitor.probes.kinds import probe
from tests.monitor.servers import http_bytes, says, serving

Ports = Callable[[], int]
TCP = HealthCheck(kind=CheckKind.TCP, timeout_ms=2000)


def check(service: str = "") -> HealthCheck:
    return HealthCheck(kind=CheckKind.GRPC, grpc_service=service, timeout_ms=3000)


def at(port: int) -> Address:
    return Address(host="127.0.0.1", port=port)


async def test_a_port_that_takes_connections_is_up(free_port: Ports) -> None:
    port = free_port()
    async with serving(port, says(b"")):
        answer = await probe(at(port), TCP)
    assert (answer.ok, answer.detail) == (True, "connection accepted")
    answer = await probe(at(port), TCP)
    assert (answer.ok, answer.detail) == (False, "connection refused")


STATES = {b"": b"\x08\x01", b"\x0a\x04shop": b"\x08\x01", b"\x0a\x04till": b"\x08\x02", b"\x0a\x03odd": b""}


class Health(grpc.GenericRpcHandler):  # type: ignore[misc]
    """grpc.health.v1.Health/Check, its messages as bytes; knows the service `shop` and, down, `till`."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if details.method != "/grpc.health.v1.Health/Check":
            return None
        return grpc.unary_unary_rpc_method_handler(self.check)

    async def check(self, message: bytes, context: grpc.aio.ServicerContext) -> bytes:
        if message not in STATES:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return STATES[message]


@asynccontextmanager
async def grpc_server(port: int, *handlers: grpc.GenericRpcHandler) -> AsyncIterator[None]:
    server = grpc.aio.server(handlers=handlers)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)


@pytest.mark.parametrize(
    ("service", "ok", "detail"),
    [
        ("", True, "SERVING"),
        ("shop", True, "SERVING"),
        ("till", False, "NOT_SERVING"),
        ("odd", False, "UNKNOWN"),
        ("x" * 200, False, "grpc-status 5 NOT_FOUND: no such service"),
    ],
)
async def test_a_grpc_server_is_asked_for_its_health(free_port: Ports, service: str, ok: bool, detail: str) -> None:
    port = free_port()
    async with grpc_server(port, Health()):
        answer = await probe(at(port), check(service))
    assert (answer.ok, answer.detail) == (ok, detail)


async def test_a_grpc_server_without_a_health_service_says_so(free_port: Ports) -> None:
    port = free_port()
    async with grpc_server(port):
        answer = await probe(at(port), check())
    assert not answer.ok
    assert answer.detail.startswith("grpc-status 12 UNIMPLEMENTED")


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (http_bytes(400), "it speaks HTTP/1, not gRPC"),
        (b"", "connection closed without an answer"),
        (b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + bytes(7) + b"\x02", "the server went away (HTTP/2 error 2)"),
        (b"\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x08", "the call was reset (HTTP/2 error 8)"),
        (b"\x00\x00\x01\x01\x05\x00\x00\x00\x01\x8d", "status 404, not a gRPC answer"),
        (b"\x00\x00\x01\x01\x05\x00\x00\x00\x01\x88", "the call ended without a health state"),
        (b"\x00\x00\x06\x00\x01\x00\x00\x00\x01\x01\x00\x00\x00\x01\x08", "no valid gRPC answer: it is compressed"),
        (b"\xff\xff\xff\x00\x00\x00\x00\x00\x01" + bytes(70_000), "no valid gRPC answer: it is too long"),
    ],
)
async def test_what_is_no_good_answer_is_said_in_words(free_port: Ports, said: bytes, detail: str) -> None:
    port = free_port()
    async with serving(port, says(said)):
        answer = await probe(at(port), check())
    assert (answer.ok, answer.detail) == (False, detail)


async def test_a_server_that_says_nothing_is_given_up_on_in_time(free_port: Ports) -> None:
    async def silent(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    port = free_port()
    async with serving(port, silent):
        answer = await probe(at(port), HealthCheck(kind=CheckKind.GRPC, timeout_ms=200))
    assert (answer.ok, answer.detail) == (False, "no answer within 200 ms")


@given(st.binary(max_size=200), st.integers(1, 40))
def test_any_bytes_in_any_pieces_are_read_without_a_fault(said: bytes, piece: int) -> None:
    reading = GrpcReading()
    for start in range(0, len(said), piece):
        reading.feed(said[start : start + piece])


@given(st.binary(max_size=100))
def test_any_header_block_is_read_without_a_fault(block: bytes) -> None:
    assert all(isinstance(text, str) for pair in fields_in(block) for text in pair)


def test_headers_are_read_as_servers_of_other_languages_write_them() -> None:
    squeezed = bytes.fromhex("40889acac8b21234da8f8307c0bf")
    assert dict(fields_in(literal("grpc-status", "14"))) == {"grpc-status": "14"}
    assert dict(fields_in(with_known_name(8, "503"))) == {":status": "503"}
    assert dict(fields_in(b"\x20\x88" + literal("a", "b" * 300))) == {":status": "200", "a": "b" * 300}
    assert next(fields_in(squeezed))[0] == "grpc-status"


def test_the_request_is_one_call_that_ends_at_once() -> None:
    sent = request("127.0.0.1:9000", "shop")
    assert sent.startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert sent.endswith(b"\x00\x00\x0b\x00\x01\x00\x00\x00\x01" + b"\x00\x00\x00\x00\x06\x0a\x04shop")
