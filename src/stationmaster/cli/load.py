"""A steady load of idempotent requests from a thread of its own, every answer counted."""

import asyncio
import itertools
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import httpx
import msgspec

_REQUEST_LIMIT_S = 10.0


class LoadReport(msgspec.Struct, kw_only=True):
    """`lost` counts every request that got no 2xx answer, by reason in `reasons`."""

    sent: int
    lost: int
    slowest_ms: float
    reasons: dict[str, int]
    elsewhere: int
    """Requests that were sent to another gateway node, because the first took no connection or closed it."""
    lost_from: datetime | None
    lost_until: datetime | None
    """When the first and the last of the lost requests ended."""
    served_by: dict[str, int]
    """Answers by the instance that gave them (header x-served-by)."""


class Load:
    """GET requests at a fixed rate, round robin over `urls`, open loop: a slow answer delays no other request."""

    def __init__(self, urls: tuple[str, ...], *, rate: float, token: str = "") -> None:
        """Without a URL nothing is sent; `token` proves the caller."""
        self._every = urls
        self._elsewhere = 0
        self._urls = itertools.cycle(urls)
        self._headers = {"authorization": f"Bearer {token}"} if token else {}
        self._gap_s = 1 / rate
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self._sent = 0
        self._slowest_s = 0.0
        self._reasons: Counter[str] = Counter()
        self._lost_at: list[datetime] = []
        self._served_by: Counter[str] = Counter()
        self._answers: list[tuple[datetime, str]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def report(self) -> LoadReport:
        """Stops sending, waits for the answers under way, and counts."""
        self._stop()
        return LoadReport(
            sent=self._sent,
            lost=self._reasons.total(),
            slowest_ms=round(self._slowest_s * 1000, 1),
            reasons=dict(self._reasons),
            elsewhere=self._elsewhere,
            lost_from=min(self._lost_at, default=None),
            lost_until=max(self._lost_at, default=None),
            served_by=dict(self._served_by),
        )

    def last_answer(self, instance: str, *, before: datetime) -> datetime | None:
        """When the instance gave its last answer before a moment."""
        return max((at for at, name in self._answers if name == instance and at < before), default=None)

    def _stop(self) -> None:
        self._stopping.set()
        self._thread.join(_REQUEST_LIMIT_S + 5)

    def _run(self) -> None:
        asyncio.run(self._send_all())

    async def _send_all(self) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
        if not self._every:
            return
        session = httpx.AsyncClient(timeout=_REQUEST_LIMIT_S, limits=limits, trust_env=False, headers=self._headers)
        async with session as client, asyncio.TaskGroup() as group:
            next_at = time.monotonic()
            while not self._stopping.is_set():
                group.create_task(self._send(client, next(self._urls)))
                next_at += self._gap_s
                await asyncio.sleep(max(0.0, next_at - time.monotonic()))

    async def _asked(self, client: httpx.AsyncClient, url: str) -> httpx.Response:
        """A node that is not there, or goes away, is left for the next one, as a balancer in front of them would."""
        try:
            return await client.get(url)
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            others = [each for each in self._every if each != url]
            if not others:
                raise
            self._elsewhere += 1
            return await client.get(others[self._elsewhere % len(others)])

    async def _send(self, client: httpx.AsyncClient, url: str) -> None:
        self._sent += 1
        started = time.monotonic()
        try:
            answer = await self._asked(client, url)
        except httpx.HTTPError as error:
            self._lose(type(error).__name__)
            return
        self._slowest_s = max(self._slowest_s, time.monotonic() - started)
        if answer.is_success:
            instance = answer.headers.get("x-served-by", "unknown")
            self._served_by[instance] += 1
            self._answers.append((datetime.now(UTC), instance))
        else:
            self._lose(f"status {answer.status_code}")

    def _lose(self, reason: str) -> None:
        self._reasons[reason] += 1
        self._lost_at.append(datetime.now(UTC))
