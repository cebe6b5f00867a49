"""Names that hang keep nobody else waiting."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from stationmaster.monitor.probes.resolving import Resolver

LIMIT_S = 10.0
FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))]


class Names:
    """Answers for all names; those that begin with `slow` only when they are let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go = threading.Event()

    def __call__(self, host: str, port: int, **_: int) -> list[object]:
        self.asked.append(host)
        if host.startswith("slow"):
            self.go.wait(LIMIT_S)
        if host.startswith("bad"):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return list(FOUND)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    found = Names()
    monkeypatch.setattr(socket, "getaddrinfo", found)
    yield found
    found.go.set()


async def ask(resolver: Resolver, host: str) -> object:
    return await resolver.places(host, 80, socket.SOCK_STREAM)


async def test_names_that_hang_leave_the_threads_of_the_loop_alone(names: Names) -> None:
    resolver = Resolver()
    hanging = [asyncio.create_task(ask(resolver, f"slow{n}")) for n in range(200)]
    async with asyncio.timeout(LIMIT_S):
        assert await asyncio.to_thread(lambda: 7) == 7
        names.go.set()
        assert await asyncio.gather(*hanging) == [[(socket.AF_INET, ("192.0.2.1", 80))]] * 200


async def test_a_name_is_asked_for_once_at_a_time_and_who_gives_up_spoils_it_for_nobody(names: Names) -> None:
    resolver = Resolver()
    waiting = [asyncio.create_task(ask(resolver, "slow")) for _ in range(20)]
    async with asyncio.timeout(LIMIT_S):
        while not names.asked:
            await asyncio.sleep(0.01)
        for task in waiting[:10]:
            task.cancel()
        names.go.set()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert sum(isinstance(each, asyncio.CancelledError) for each in ended) == 10
    assert names.asked == ["slow"]


async def test_names_that_took_long_wait_for_threads_of_their_own(names: Names) -> None:
    resolver = Resolver()
    resolver._slow |= {f"slow{n}" for n in range(50)}
    hanging = [asyncio.create_task(ask(resolver, f"slow{n}")) for n in range(50)]
    async with asyncio.timeout(LIMIT_S / 2):
        assert await asyncio.gather(*(ask(resolver, f"good{n}") for n in range(50)))
    names.go.set()
    await asyncio.gather(*hanging)


async def test_a_name_that_does_not_resolve_says_so_each_time(names: Names) -> None:
    resolver = Resolver()
    for _ in range(2):
        with pytest.raises(socket.gaierror):
            await ask(resolver, "bad")
    assert names.asked == ["bad", "bad"]
