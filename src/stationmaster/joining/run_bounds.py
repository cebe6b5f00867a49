"""Joins the bounds of healing to the runs that they bind, and to the gateway and the monitor that they look at."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from stationmaster.core.changes import ApiReading
from stationmaster.core.spec import Api, PlatformSpec
from stationmaster.gateway.loop import Gateway
from stationmaster.healing.bounds import Busy, Change, Judged, Refused
from stationmaster.healing.guard import Guard
from stationmaster.healing.touched import touched
from stationmaster.joining.joints import GatewayBalancer
from stationmaster.monitor.loop import InstanceHealth
from stationmaster.monitor.objectives.desk import Objectives
from stationmaster.monitor.objectives.indicator import DURATIONS, REQUESTS, bad_rate, total_rate, unmeasured
from stationmaster.monitor.promql.results import QueryError, Result, Vector
from stationmaster.monitor.rules import Health
from stationmaster.runbooks.bounded import Attempt, Begun, Held, Occupied, Standing
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database

log = structlog.get_logger("bounds")

_SEEN_AFTER_SCRAPES = 2.5
"""A counter has to be scraped twice before anybody can say how it grows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBounds:
    """The bounds as a run sees them."""

    guard: Guard
    spec: Callable[[], PlatformSpec]

    async def look(self, attempt: Attempt) -> Standing:
        return _standing(await self.guard.look(self._change(attempt)))

    async def begin(self, attempt: Attempt, *, overridden: bool = False, waits: bool = True) -> Standing:
        judged = await self.guard.begin(
            self._change(attempt),
            incident=attempt.incident,
            overridden=overridden,
            waits=waits,
            failing_since=attempt.failing_since,
        )
        return _standing(judged)

    async def ended(self, attempt: Attempt) -> None:
        await self.guard.ended(self._change(attempt), incident=attempt.incident)

    async def worse_after(self, attempt: Attempt, *, since: datetime, wait: bool) -> str:
        return await self.guard.worse_after(self._change(attempt), since=since, incident=attempt.incident, wait=wait)

    def _change(self, attempt: Attempt) -> Change:
        return Change(
            run=attempt.run,
            step=attempt.step,
            attempt=attempt.number,
            touches=touched(attempt.calls, self.spec(), attempt.service),
            takes_back=attempt.takes_back,
        )


def _standing(judged: Judged) -> Standing:
    match judged:
        case Refused(why=why, asks=asks):
            return Held(why=why, asks=asks)
        case Busy(why=why):
            return Occupied(why=why)
        case _:
            return Begun()


def make_guard(
    declared: Cell[PlatformSpec],
    database: Database,
    gateway: Gateway,
    objectives: Callable[[], Objectives],
    health: Callable[[], Mapping[str, InstanceHealth]],
) -> Guard:
    return Guard(
        database=database,
        spec=lambda: declared.value,
        targets=GatewayBalancer(gateway).views,
        serving=ServingNodes(gateway),
        down=lambda: frozenset(name for name, each in health().items() if each.state is Health.DOWN),
        measure=CallersFare(objectives),
        settled_s=lambda: _SEEN_AFTER_SCRAPES * declared.value.monitoring.scrape_interval_ms / 1000,
    )


@dataclass(frozen=True, slots=True)
class ServingNodes:
    """Nodes that are connected, and whose process answers at this moment."""

    gateway: Gateway

    async def __call__(self) -> frozenset[str]:
        links = self.gateway.links()
        seen = await self.gateway.endpoints()
        return frozenset(name for name, link in links.items() if link.connected and seen.get(name) is not None)


@dataclass(frozen=True, slots=True)
class CallersFare:
    """What callers of APIs get, by the gateway's own numbers and the objectives that are declared on them."""

    objectives: Callable[[], Objectives]

    async def __call__(self, apis: Sequence[str], within_s: float) -> Sequence[ApiReading]:
        desk, window = self.objectives(), f"{max(1, math.floor(within_s))}s"
        try:
            return await _readings(desk, apis, window)
        except QueryError as error:
            log.warning("nothing tells how callers fare", why=error.message)
            return ()


async def _readings(desk: Objectives, apis: Sequence[str], window: str) -> Sequence[ApiReading]:
    ask = desk.ask
    total = _by_api(await ask(f"sum by (api) (increase({REQUESTS}[{window}]))"))
    wanted = [each for each in apis if total.get(each, 0.0) > 0]
    if not wanted:
        return ()
    bad = _by_api(await ask(f'sum by (api) (increase({REQUESTS}{{code_class="5xx"}}[{window}]))'))
    slow = _by_api(await ask(f"histogram_quantile(0.95, sum by (api, le) (increase({DURATIONS}_bucket[{window}])))"))
    burns: dict[str, float | None] = {
        each.name: await _burn(desk, each, window) for each in desk.declared().apis if each.name in wanted
    }
    return tuple(
        ApiReading(
            api=each,
            requests=total[each],
            good_percent=100.0 * (1.0 - min(1.0, bad.get(each, 0.0) / total[each])),
            p95_ms=1000.0 * slow[each] if each in slow else None,
            burn=burns.get(each),
        )
        for each in wanted
    )


async def _burn(desk: Objectives, api: Api, window: str) -> float | None:
    """How many times as fast as it may the strictest of its budgets is used up."""
    found: list[float] = []
    for each in api.objectives:
        if unmeasured(each, desk.bounds_s):
            continue
        share = f"{bad_rate(each, api.name, window, desk.bounds_s)} / {total_rate(api.name, window)}"
        found += (value / (1.0 - each.percent / 100.0) for value in _values(await desk.ask(share)))
    return max(found, default=None)


def _values(result: Result) -> list[float]:
    samples = result.value.samples if isinstance(result.value, Vector) else ()
    return [each.value for each in samples if math.isfinite(each.value)]


def _by_api(result: Result) -> Mapping[str, float]:
    samples = result.value.samples if isinstance(result.value, Vector) else ()
    return {dict(each.labels).get("api", ""): each.value for each in samples if math.isfinite(each.value)}
