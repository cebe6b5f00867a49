"""One HTTP check against real servers that answer well, badly, slowly or not at all."""

import asyncio
import errno
from collections.abc import Callable
from dataclasses import replace

import pytest

from stationmaster.core.spec import Address, HealthCheck
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.probes.http import probe
from tests.monitor.servers import Answer, http_bytes, says, serving

CHECK = HealthCheck(path="/healthz?deep=1", timeout_ms=2000)
WANTS = replace(CHECK, contains="is operational")

Ports = Callable[[], int]


async def ask(port: int, answer: Answer, check: HealthCheck) -> ProbeAnswer:
    async with serving(port, answer):
        return await probe(Address(host="127.0.0.1", port=port), check)


@pytest.mark.parametrize(
    ("raw", "check", "ok", "detail"),
    [
        (http_bytes(200), CHECK, True, "status 200"),
        (http_bytes(503), CHECK, False, "status 503"),
        (http_bytes(302, extra=b"Location: /\r\n"), CHECK, False, "status 302"),
        (http_bytes(204), replace(CHECK, status=204), True, "status 204"),
        (http_bytes(200, b"all is operational"), WANTS, True, "status 200, body contains 'is operational'"),
        (http_bytes(200, b"all is lost"), WANTS, False, "body does not contain 'is operational'"),
        (http_bytes(200), WANTS, False, "body does not contain 'is operational'"),
        (http_bytes(503, b"is operational"), WANTS, False, "status 503"),
        (b"HTTP/1.0 200 OK\r\n\r\nis operational", WANTS, True, "status 200, body contains 'is operational'"),
        (b"HTTP/1.0 200 OK\r\n\r\nno", WANTS, False, "body does not contain 'is operational'"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nis op\r\n9\r\nerational\r\n0\r\n\r\n",
            WANTS,
            True,
            "status 200, body contains 'is operational'",
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + http_bytes(200), CHECK, True, "status 200"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nis",
            WANTS,
            False,
            "connection closed before the answer was complete",
        ),
        (b"", CHECK, False, "connection closed before the answer was complete"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", CHECK, False, "no valid HTTP answer: it begins with 'SSH-2.0-OpenSSH_9.2"),
        (b"220 mail ready\r\n\r\n", CHECK, False, "no valid HTTP answer"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000, CHECK, False, "no valid HTTP answer"),
    ],
)
async def test_every_answer_is_judged_and_said_in_words(
    free_port: Ports, raw: bytes, check: HealthCheck, ok: bool, detail: str
) -> None:
    answer = await ask(free_port(), says(raw), check)
    assert (answer.ok, answer.detail[: len(detail)]) == (ok, detail)
    assert 0 < answer.latency_ms < 2000


async def test_the_request_names_path_host_and_sender(free_port: Ports) -> None:
    port = free_port()
    heads: list[bytes] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(http_bytes(200))
        writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", port):
        await probe(Address(host="127.0.0.1", port=port), CHECK)
    (head,) = heads
    assert head.startswith(b"GET /healthz?deep=1 HTTP/1.1\r\n")
    assert b"127.0.0.1:%d\r\n" % port in head
    assert b"stationmaster-monitor/" in head


async def test_nobody_listening_is_a_refused_connection(free_port: Ports) -> None:
    answer = await probe(Address(host="127.0.0.1", port=free_port()), CHECK)
    assert (answer.ok, answer.detail) == (False, "connection refused")


async def test_a_host_name_is_refused_at_all_its_addresses(free_port: Ports) -> None:
    answer = await probe(Address(host="localhost", port=free_port()), CHECK)
    assert (answer.ok, answer.detail) == (False, "connection refused")


async def hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Never silent for long, never done: a slow-loris."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("answering", [hang, drip])
async def test_a_server_that_does_not_come_to_an_end_is_left_after_the_time_limit(
    free_port: Ports, answering: Answer
) -> None:
    answer = await ask(free_port(), answering, replace(WANTS, timeout_ms=150))
    assert (answer.ok, answer.detail) == (False, "no answer within 150 ms")
    assert 140 < answer.latency_ms < 1500


async def test_a_body_without_end_is_read_only_so_far(free_port: Ports) -> None:
    sent = 0

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
        for _ in range(1600):
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    answer = await ask(free_port(), flood, replace(WANTS, timeout_ms=5000))
    assert (answer.ok, answer.detail) == (False, "body does not contain 'is operational' in its first 256 KB")
    assert sent < 50_000_000


async def test_a_status_is_enough_when_no_text_is_asked_for(free_port: Ports) -> None:
    assert (await ask(free_port(), drip, CHECK)).ok


async def test_a_connection_that_is_reset_is_a_failure(free_port: Ports) -> None:
    async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    answer = await ask(free_port(), reset, CHECK)
    assert not answer.ok
    assert "connection" in answer.detail


async def test_a_lack_of_descriptors_here_is_not_held_against_the_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    async def exhausted(*_args: object, **_kwargs: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", exhausted)
    with pytest.raises(OSError, match="Too many open files"):
        await probe(Address(host="127.0.0.1", port=9), CHECK)
