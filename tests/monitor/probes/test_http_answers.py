"""What an HTTP check asks of an answer beside its status: JSON values, latency; and answers that mean harm."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stationmaster.core.spec import HealthCheck, JsonValue
from stationmaster.monitor.answer import Fault
from stationmaster.monitor.probes import http
from stationmaster.monitor.probes.json_value import difference
from stationmaster.monitor.probes.kinds import probe
from stationmaster.monitor.probes.reading import Reading
from stationmaster.monitor.probes.verdict import Verdict
from tests.monitor.probes.asking import at, saying
from tests.monitor.servers import http_bytes, says, serving

Ports = Callable[[], int]
CHECK = HealthCheck(path="/healthz", timeout_ms=2000)
BODY = b'{"status": {"phase": "Pending", "ready": true, "n": 3, "none": null}, "nodes": [{"name": "a"}, 7], "a b": 1.0}'


@pytest.mark.parametrize(
    ("path", "value", "wrong"),
    [
        ("status.phase", '"Pending"', None),
        ("$.status.phase", '"Pending"', None),
        ("status.phase", "Pending", None),
        ("status.phase", '"Running"', 'expected $.status.phase = "Running", got "Pending"'),
        ("status.ready", "true", None),
        ("status.ready", "1", "expected $.status.ready = 1, got true"),
        ("status.n", "3", None),
        ("status.n", "3.0", None),
        ("status.n", '"3"', 'expected $.status.n = "3", got 3'),
        ("status.none", "null", None),
        ("nodes[0].name", '"a"', None),
        ("nodes[1]", "7", None),
        ("nodes[2]", "7", "expected $.nodes[2] = 7, there is no such value"),
        ("nodes.0", "7", "expected $.nodes.0 = 7, there is no such value"),
        ("a b", "1", None),
        ("nodes[x]", "7", "expected $.nodes[x] = 7, there is no such value"),
        ("status.phase.deeper", "7", "expected $.status.phase.deeper = 7, there is no such value"),
        ("status", '{"phase": 1}', 'expected $.status = {"phase": 1}, got {"phase":"Pending"'),
    ],
)
def test_a_json_value_is_compared_as_json_and_a_difference_is_said(path: str, value: str, wrong: str | None) -> None:
    found = difference(BODY, JsonValue(path=path, value=value))
    assert (found or "")[: len(wrong or "")] == (wrong or "")
    assert (found is None) == (wrong is None)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000, b'{"a": 1'])
def test_what_is_no_json_is_said(body: bytes) -> None:
    found = difference(body, JsonValue(path="a", value="1"))
    assert found is not None
    assert found.startswith(("body is no JSON", "expected $.a = 1, there is no such value"))


@given(st.binary(max_size=60), st.text(max_size=20), st.text(max_size=10))
def test_any_body_and_any_path_are_compared_without_a_fault(body: bytes, path: str, value: str) -> None:
    assert isinstance(difference(body, JsonValue(path=path, value=value)), str | None)


@pytest.mark.parametrize(
    ("raw", "ok", "detail"),
    [
        (http_bytes(200, BODY), True, 'status 200, status.phase = "Pending"'),
        (http_bytes(200, BODY.replace(b"Pending", b"Lost")), False, 'expected $.status.phase = "Pending", got "Lost"'),
        (b"HTTP/1.0 200 OK\r\n\r\n" + BODY, True, "status 200"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY), True, "st"),
        (http_bytes(500, BODY), False, "status 500"),
        (http_bytes(200, b"x" * 300_000), False, "body is longer than 256 KB"),
    ],
)
@pytest.mark.parametrize("piece", [7, 65_536])
async def test_a_json_value_is_looked_for_in_every_kind_of_body(
    free_port: Ports, raw: bytes, ok: bool, detail: str, piece: int
) -> None:
    check = replace(CHECK, json=JsonValue(path="status.phase", value='"Pending"'), timeout_ms=8000)
    port = free_port()
    async with saying(port, raw, piece=piece if len(raw) < 1000 else 65_536):
        answer = await probe(at(port), check)
    assert (answer.ok, answer.detail[: len(detail)]) == (ok, detail)


async def test_a_good_answer_that_takes_too_long_is_a_bad_one(free_port: Ports) -> None:
    async def slow(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.12)
        writer.write(http_bytes(200))

    port = free_port()
    async with serving(port, slow):
        answer = await probe(at(port), replace(CHECK, max_latency_ms=100))
        assert (answer.ok, answer.status, answer.fault) == (False, 200, None)
        assert answer.detail.endswith("ms, allowed are 100 ms (status 200)")
        assert (await probe(at(port), replace(CHECK, max_latency_ms=1900))).ok


ENDLESS_HEAD = b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % number for number in range(10_000))


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        (ENDLESS_HEAD, "no valid HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"a" * 10_000_000, "no valid HTTP answer"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 400_000, "the answer comes to no end in 384 KB"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "no valid HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "no valid HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "no valid HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", "no valid HTTP answer"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "no valid HTTP answer"),
        (b"HTTP/2 200\r\n\r\n", "no valid HTTP answer: it begins with 'HTTP/2 200"),
        (b"\x00" * 1000, "no valid HTTP answer: it begins with"),
    ],
)
async def test_an_answer_that_means_harm_is_bounded_and_said(free_port: Ports, raw: bytes, detail: str) -> None:
    port, started = free_port(), time.process_time()
    async with saying(port, raw):
        answer = await probe(at(port), replace(CHECK, contains="never", timeout_ms=5000))
    assert (answer.ok, answer.detail[: len(detail)], answer.fault) == (False, detail, Fault.BROKEN)
    assert time.process_time() - started < 2


async def test_a_head_that_drips_is_left_after_the_time_limit(free_port: Ports) -> None:
    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x: y\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    port = free_port()
    async with serving(port, drip):
        answer = await probe(at(port), replace(CHECK, timeout_ms=150))
    assert (answer.ok, answer.detail) == (False, "no answer within 150 ms")


async def test_a_client_says_its_host_and_headers(free_port: Ports) -> None:
    port = free_port()
    async with saying(port, http_bytes(200)) as heard:
        client = http.Client(host="shop.example", headers=(("Authorization", "Bearer abc"),))
        await http.probe(at(port), CHECK, client=client)
    assert b"Host: shop.example\r\n" in heard[0]
    assert b"Authorization: Bearer abc\r\n" in heard[0]


async def test_a_header_cannot_end_its_line(free_port: Ports) -> None:
    with pytest.raises(ValueError, match="end of a line"):
        await http.probe(at(free_port()), CHECK, client=http.Client(headers=(("x", "y\r\nz: 1"),)))


@pytest.mark.parametrize("check", [CHECK, replace(CHECK, contains="well"), replace(CHECK, status=503)])
@given(
    st.sampled_from(
        [
            http_bytes(200, b"all is well"),
            http_bytes(503),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwell\r\n0\r\n\r\n",
            b"HTTP/1.0 200 OK\r\nX: y\r\n\r\nall is well",
            b"HTTP/1.1 100 Continue\r\n\r\n" + http_bytes(200, b"well"),
        ]
    ),
    st.lists(st.tuples(st.integers(7, 200), st.integers(0, 255)), max_size=2),
    st.integers(1, 60),
)
@example(http_bytes(200, b"all is well"), [(12, 0)], 60)
def test_the_short_way_through_a_plain_answer_says_the_same_as_the_whole_parser(
    check: HealthCheck, raw: bytes, spoilt: list[tuple[int, int]], piece: int
) -> None:
    changed = bytearray(raw)
    for place, byte in spoilt:
        if place < len(changed):
            changed[place] = byte
    ours = read(Reading(check), bytes(changed), piece)
    whole = Reading(check)
    whole._parser = h11.Connection(h11.CLIENT)
    whole._parser.send(h11.Request(method="GET", target="/", headers=[("Host", ""), ("Connection", "close")]))
    whole._parser.send(h11.EndOfMessage())
    theirs = read(whole, bytes(changed), piece)
    assert (ours.ok, ours.status) == (theirs.ok, theirs.status)


def read(reading: Reading, raw: bytes, piece: int) -> Verdict:
    for start in range(0, len(raw), piece):
        verdict = reading.feed(raw[start : start + piece])
        if verdict is not None:
            return verdict
    verdict = reading.feed(b"")
    assert verdict is not None
    return verdict


async def test_requests_of_many_at_once_do_not_mix(free_port: Ports) -> None:
    ports = [free_port() for _ in range(8)]

    async def one(port: int) -> None:
        async with serving(port, says(http_bytes(200, b"port %d" % port))):
            for _ in range(5):
                answers = await asyncio.gather(
                    *(probe(at(port), replace(CHECK, contains=f"port {port}")) for _ in range(5))
                )
                assert all(answer.ok for answer in answers)

    await asyncio.gather(*map(one, ports))
