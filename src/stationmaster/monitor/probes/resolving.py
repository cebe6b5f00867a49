"""Turns names of hosts into addresses, in threads of its own: a name that hangs holds up nobody but who asks for it.

The loop's own threads would do it too; some names without an answer, and nothing would be written to disk any more.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, Final, TypeAlias

Places: TypeAlias = Sequence[tuple[int, Any]]
"""Families and addresses of sockets."""

_THREADS, _SLOW_THREADS = 16, 4
_SLOW_S: Final = 1.0


class Resolver:
    """A name is asked for once at a time, whoever waits for it. Names that took long the last time wait for threads of
    their own, so that they keep no other name waiting."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolve")
        self._slow_pool = ThreadPoolExecutor(_SLOW_THREADS, thread_name_prefix="resolve-slow")
        self._under_way: dict[tuple[str, int, int], Future[Places]] = {}
        self._slow: set[str] = set()
        self._lock = threading.Lock()

    async def places(self, host: str, port: int, kind: socket.SocketKind) -> Places:
        """Raises OSError where the name does not resolve. Who stops waiting leaves the question to its end."""
        key = (host, port, int(kind))
        with self._lock:
            asked = self._under_way.get(key)
            if asked is None:
                pool = self._slow_pool if host in self._slow else self._pool
                asked = self._under_way[key] = pool.submit(self._ask, key)
        answer = asyncio.wrap_future(asked)
        answer.add_done_callback(_looked_at)
        return await asyncio.shield(answer)

    def _ask(self, key: tuple[str, int, int]) -> Places:
        host, port, kind = key
        started = time.monotonic()
        try:
            found = socket.getaddrinfo(host, port, type=kind)
        except UnicodeError as error:
            raise socket.gaierror(socket.EAI_NONAME, "no name of a host") from error
        finally:
            with self._lock:
                (self._slow.add if time.monotonic() - started > _SLOW_S else self._slow.discard)(host)
                del self._under_way[key]
        return [(family, where) for family, _, _, _, where in found]


@cache
def resolver() -> Resolver:
    """The one of this process."""
    return Resolver()


def _looked_at(answer: "asyncio.Future[Places]") -> None:
    if not answer.cancelled():
        answer.exception()
