"""Answers queries from outside: so many at once, each in a worker thread, each until its deadline."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TypeAlias, TypeVar

from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.query.queries import TERMS, Queries, Terms
from stationmaster.monitor.query.told import Told

T = TypeVar("T")

Work: TypeAlias = Callable[[Queries, Terms], T]

_AT_ONCE, _THREADS = 20, 4
_GRACE_S = 5.0
"""An engine looks at its deadline between operations: so much longer a single one may take."""


class QueryDesk:
    """`queries` gives who answers at this moment. At most `threads` work, at most `at_once` work or wait in line."""

    def __init__(
        self, queries: Callable[[], Queries], told: Told, *, at_once: int = _AT_ONCE, threads: int = _THREADS
    ) -> None:
        self.told = told
        self._queries = queries
        self._at_once = at_once
        self._taken = 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="query")

    async def ask(self, work: Work[T], terms: Terms = TERMS) -> T:
        """Raises QueryError. The time in line counts against the time of `terms`; a caller who goes away leaves the
        work to its deadline, and its place is free when it has really ended."""
        if self._taken >= self._at_once:
            raise QueryError(
                Fault.UNAVAILABLE,
                f"{self._at_once} queries are under way",
                hint="ask again in a moment, or ask for less at once",
            )
        gone = threading.Event()
        worked = partial(_work, work, self._queries(), terms, time.monotonic(), gone)
        future = asyncio.get_running_loop().run_in_executor(self._pool, worked)
        self._taken += 1
        future.add_done_callback(self._ended)
        try:
            async with asyncio.timeout(terms.limits.timeout_ms / 1000 + _GRACE_S):
                return await asyncio.shield(future)
        except TimeoutError as error:
            raise _late("expression evaluation") from error
        finally:
            gone.set()

    @property
    def under_way(self) -> int:
        return self._taken

    def close(self) -> None:
        """Whoever waits in line is not served any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ended(self, future: "asyncio.Future[T]") -> None:
        self._taken -= 1
        if not future.cancelled():
            future.exception()  # looked at here: the asker may be gone


def _work(work: Work[T], queries: Queries, terms: Terms, asked_at: float, gone: threading.Event) -> T:
    left_ms = terms.limits.timeout_ms - int((time.monotonic() - asked_at) * 1000)
    if gone.is_set() or left_ms <= 0:
        raise _late("query queue")
    return work(queries, replace(terms, limits=replace(terms.limits, timeout_ms=left_ms)))


def _late(where: str) -> QueryError:
    return QueryError(Fault.TIMEOUT, f"query timed out in {where}", hint="ask for less, or set a longer timeout")
