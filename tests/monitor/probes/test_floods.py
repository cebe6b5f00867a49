"""Servers that send without end: the check ends, and everything else in the process goes on meanwhile."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from stationmaster.core.spec import CheckKind, HealthCheck
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.probes.kinds import probe
from tests.monitor.probes.asking import at

Ports = Callable[[], int]
PINGS = (b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + bytes(8)) * 3000
UNKNOWN_FRAMES = b"\x00\x00\x00\x42\x00\x00\x00\x00\x00" * 7000
CONTINUES = b"HTTP/1.1 100 Continue\r\n\r\n" * 2600


@contextmanager
def flooding(port: int, raw: bytes) -> Iterator[None]:
    """Sends `raw` over and over from a thread, to whoever connects."""
    ended = threading.Event()
    listener = socket.create_server(("127.0.0.1", port))
    listener.settimeout(0.05)

    def serve() -> None:
        while not ended.is_set():
            with suppress(OSError), listener.accept()[0] as sock:
                sock.settimeout(1)
                while not ended.is_set():
                    sock.sendall(raw)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        listener.close()


@contextmanager
def flooding_datagrams(port: int) -> Iterator[None]:
    """Answers one question with datagrams of other questions, over and over."""
    ended = threading.Event()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", port))
    sock.settimeout(0.05)

    def serve() -> None:
        while not ended.is_set():
            with suppress(OSError):
                question, sender = sock.recvfrom(65_536)
                forged = bytes((question[0] ^ 1,)) + question[1:]
                while not ended.is_set():
                    sock.sendto(forged, sender)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        sock.close()


async def with_others(asking: "asyncio.Future[ProbeAnswer] | asyncio.Task[ProbeAnswer]") -> tuple[ProbeAnswer, float]:
    """The answer, and the longest time for which the loop did nothing else."""
    longest, last = 0.0, time.monotonic()
    while not asking.done():
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    return await asking, longest


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (CheckKind.GRPC, PINGS),
        (CheckKind.GRPC, UNKNOWN_FRAMES),
        (CheckKind.HTTP, CONTINUES),
        (CheckKind.HTTPS, b"\x16\x03\x03\x40\x00" + bytes(0x4000)),
        (CheckKind.KAFKA, b"\x00\x00\xff\x00" + bytes(10)),
    ],
)
async def test_a_flood_is_left_and_stops_nobody_else(free_port: Ports, kind: CheckKind, raw: bytes) -> None:
    port = free_port()
    with flooding(port, raw):
        check = HealthCheck(kind=kind, timeout_ms=1500)
        task = asyncio.get_running_loop().create_task(probe(at(port), check))
        answer, longest = await with_others(task)
    assert not answer.ok
    assert answer.latency_ms < 2500
    assert longest < 1


async def test_a_flood_of_datagrams_ends_with_the_time_limit(free_port: Ports) -> None:
    port = free_port()
    with flooding_datagrams(port):
        check = HealthCheck(kind=CheckKind.DNS, dns_name="shop.example", timeout_ms=500)
        task = asyncio.get_running_loop().create_task(probe(at(port), check))
        answer, longest = await with_others(task)
    assert (answer.ok, answer.detail) == (False, "no answer within 500 ms")
    assert longest < 0.4
