"""Steady requests through every gateway node with every kind of credential, each one remembered."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from types import TracebackType
from typing import Self

import httpx

_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An idempotent request; `kind` says what proves the caller."""

    node: str
    kind: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`outcome` is `200`, another status, or the name of the error; `at_s` is when it was sent (monotonic)."""

    at_s: float
    node: str
    kind: str
    outcome: str


class Traffic:
    """Sends the calls in turn from a thread of its own, open loop: a slow answer delays no other request."""

    def __init__(self, calls: tuple[Call, ...], *, rate: float) -> None:
        self._calls = calls
        self._gap_s = 1 / rate
        self._ending = threading.Event()
        self._answers: list[Answer] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._send_all()), name="traffic", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Waits for the answers under way."""
        self._ending.set()
        self._thread.join(_LIMIT_S + 5)

    def answers(self, since_s: float) -> list[Answer]:
        return [each for each in self._answers if each.at_s >= since_s]

    def lost(self, since_s: float, *, node: str = "") -> Counter[str]:
        """What was no 200, by node, kind and outcome."""
        return Counter(
            f"{each.node} {each.kind} {each.outcome}"
            for each in self.answers(since_s)
            if each.outcome != "200" and node in ("", each.node)
        )

    async def _send_all(self) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        async with (
            httpx.AsyncClient(timeout=_LIMIT_S, limits=limits, trust_env=False) as client,
            asyncio.TaskGroup() as group,
        ):
            due = time.monotonic()
            calls: Iterator[Call] = cycle(self._calls)
            while not self._ending.is_set():
                group.create_task(self._send(client, next(calls)))
                due += self._gap_s
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _send(self, client: httpx.AsyncClient, call: Call) -> None:
        sent = time.monotonic()
        try:
            outcome = str((await client.get(call.url, headers=dict(call.headers))).status_code)
        except httpx.HTTPError as error:
            outcome = type(error).__name__
        self._answers.append(Answer(at_s=sent, node=call.node, kind=call.kind, outcome=outcome))
