"""Asks every API through every gateway node and, at the same time, past them; keeps what is known of each way."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from stationmaster.core.facts import Alert
from stationmaster.core.names import UserName
from stationmaster.core.spec import Address, CheckKind, HealthCheck, PlatformSpec
from stationmaster.monitor.answer import Fault, ProbeAnswer
from stationmaster.monitor.crossing import Crossing, NodeWay, Spot, crossings_of
from stationmaster.monitor.probes import http, kinds
from stationmaster.monitor.regions import Outage
from stationmaster.monitor.rules import Health, begin, hold
from stationmaster.monitor.schedule import Schedule
from stationmaster.monitor.way import Direct, Through, locate
from stationmaster.monitor.way_state import WayState, advance, outages, resumed
from stationmaster.runtime.board import Pulse
from stationmaster.runtime.db import utc_now
from stationmaster.runtime.tasks import failing, supervise

Token = Callable[[UserName], Awaitable[str | None]]
"""A bearer token of an API user; None where there is none to be had."""
Linked = Callable[[], Mapping[str, bool]]
"""Which gateway nodes are connected to the control plane, by name."""
Held = Callable[[], Mapping[str, str]]
Ask = Callable[[Address, HealthCheck, http.Client], Awaitable[ProbeAnswer]]


async def no_token(_user: UserName) -> str | None:
    return None


def nothing_known() -> Mapping[str, bool]:
    return {}


async def ask_as(address: Address, check: HealthCheck, client: http.Client) -> ProbeAnswer:
    if check.kind in (CheckKind.HTTP, CheckKind.HTTPS):
        return await http.probe(address, check, client=client)
    return await kinds.probe(address, check)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What this room is told by others; every one of them may be left out."""

    token: Token = no_token
    linked: Linked = nothing_known
    held: Held = dict
    ask: Ask = ask_as


class Ways:
    """`changed` beats when a way breaks off or is whole again; `schedule` has the checks by the names of the ways."""

    def __init__(self, around: Surroundings, schedule: Schedule, changed: Pulse) -> None:
        self.around = around
        self.schedule = schedule
        self.changed = changed
        self.crossings: dict[str, Crossing] = {}
        self.states: dict[str, WayState] = {}
        self.answers: dict[str, ProbeAnswer] = {}
        """The newest answer of each way, and of each target by `API@TARGET`."""
        self.turned: dict[str, datetime] = {}
        """Since when the answers of a target are good, or bad, by `API@TARGET`."""
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def declare(self, spec: PlatformSpec, firing: Mapping[str, Alert], group: asyncio.TaskGroup) -> None:
        """Begins to ask for what is new, ends what is gone; `firing` holds the alerts that fire now."""
        wanted = {each.api: each for each in crossings_of(spec)}
        for api in [api for api, before in self.crossings.items() if wanted.get(api) != before]:
            self._end(api, wanted.get(api))
        for api in wanted.keys() - self.crossings.keys():
            self.crossings[api] = wanted[api]
            self._begin(wanted[api], firing)
            name = f"monitor api {api}"
            self._tasks[api] = group.create_task(supervise(name, partial(self._watch, wanted[api])), name=name)
        self.changed.beat()

    def begin_anew(self) -> None:
        """The tasks of an earlier task group are gone; what is known stays."""
        self.crossings.clear()
        self._tasks.clear()

    def outages(self, now: datetime) -> dict[str, Outage]:
        """The alerts that should fire now."""
        return outages(self._known(), now)

    def is_well(self, alert: Alert) -> str:
        """Why an alert of a way does not hold any more."""
        node, api = alert.labels.get("node"), alert.labels.get("api")
        about = [
            (way, state) for crossing, way, state in self._known() if way.node == node and api in (None, crossing.api)
        ]
        well = [way for way, state in about if state.watch.health is Health.UP and way.name in self.answers]
        if well:
            return ", ".join(f"{way.name} answers ({self.answers[way.name].detail})" for way in well[:3])
        if any(state.watch.health is Health.DOWN for _, state in about):
            return "the fault shows in another place now"
        return "it is no longer asked"

    async def ask(self, name: str) -> ProbeAnswer | None:
        """A check of the way `API@NODE`, or directly of `API@TARGET`, at this moment; None where there is none of that
        name."""
        for crossing in self.crossings.values():
            for way in crossing.ways:
                if way.name == name:
                    client = await self._client(crossing)
                    return await self.around.ask(way.address, crossing.check, client)
            for spot in crossing.spots:
                if f"{crossing.api}@{spot.target}" == name:
                    return await self._ask_directly(crossing, spot)
        return None

    def _known(self) -> Iterator[tuple[Crossing, NodeWay, WayState]]:
        for crossing in self.crossings.values():
            for way in crossing.ways:
                yield crossing, way, self.states[way.name]

    def _begin(self, crossing: Crossing, firing: Mapping[str, Alert]) -> None:
        now = utc_now()
        for way in crossing.ways:
            fresh = WayState(watch=begin(now, time.monotonic()))
            self.states.setdefault(way.name, resumed(crossing, way, firing, now) or fresh)

    def _end(self, api: str, after: Crossing | None) -> None:
        """What is known of a way outlives a changed check, not the way itself."""
        before = self.crossings.pop(api)
        task = self._tasks.pop(api)
        task.cancel()
        failing.set(failing.value - {task.get_name()})
        kept = {way.name for way in after.ways} if after else set()
        for way in before.ways:
            self.schedule.forget(way.name)
            if way.name not in kept:
                self.states.pop(way.name, None)
                self.answers.pop(way.name, None)
        for spot in before.spots:
            self.answers.pop(f"{api}@{spot.target}", None)
            self.turned.pop(f"{api}@{spot.target}", None)

    async def _watch(self, crossing: Crossing) -> None:
        """One round after the other, never two at once."""
        async for _ in self.schedule.ticks(crossing.api, crossing.check.interval_ms / 1000):
            await self._round(crossing)

    async def _round(self, crossing: Crossing) -> None:
        held = self.around.held()
        client = await self._client(crossing)
        ways = [way for way in crossing.ways if way.node not in held]
        spots = [spot for spot in crossing.spots if spot.target not in held]
        answers = await asyncio.gather(
            *(self.around.ask(way.address, crossing.check, client) for way in ways),
            *(self._ask_directly(crossing, spot) for spot in spots),
        )
        linked = self.around.linked()
        through = [
            Through(
                node=way.node,
                answer=answer,
                linked=linked.get(way.node),
                frozen=answer.fault is Fault.SILENT and await self._is_frozen(way, crossing.check),
            )
            for way, answer in zip(ways, answers, strict=False)
        ]
        direct = [
            Direct(target=spot.target, answer=answer) for spot, answer in zip(spots, answers[len(ways) :], strict=True)
        ]
        self._take(crossing, through, direct)

    def _take(self, crossing: Crossing, through: list[Through], direct: list[Direct]) -> None:
        asked = {each.node: each for each in through}
        for each in direct:
            self._take_directly(f"{crossing.api}@{each.target}", each.answer)
        for way in crossing.ways:
            before = self.states[way.name]
            one = asked.get(way.node)
            if one is None:
                if before.watch.health is not Health.HELD:
                    self._keep(way, WayState(watch=hold(utc_now())))
                continue
            self.answers[way.name] = one.answer
            found = locate(one, [each for each in through if each is not one], direct)
            self._keep(way, advance(before, one.answer, found, crossing.check, moment_s=time.monotonic()))

    def _take_directly(self, name: str, answer: ProbeAnswer) -> None:
        before = self.answers.get(name)
        if before is None or before.ok is not answer.ok:
            self.turned[name] = answer.at
        self.answers[name] = answer

    def _keep(self, way: NodeWay, state: WayState) -> None:
        before = self.states[way.name]
        self.states[way.name] = state
        if (before.watch.health, before.diagnosis) != (state.watch.health, state.diagnosis):
            self.changed.beat()

    async def _ask_directly(self, crossing: Crossing, spot: Spot) -> ProbeAnswer:
        client = http.Client(host=crossing.direct_host, headers=crossing.headers)
        return await self.around.ask(spot.address, crossing.direct_check, client)

    async def _is_frozen(self, way: NodeWay, check: HealthCheck) -> bool:
        """Whether the node's administration takes connections and does not answer: then the node does nothing at all.
        One that cannot be reached from here says nothing."""
        ready = HealthCheck(path="/ready", timeout_ms=check.timeout_ms)
        return (await self.around.ask(way.admin, ready, http.NOBODY)).fault is Fault.SILENT

    async def _client(self, crossing: Crossing) -> http.Client:
        """As whom the API is asked. Without a token in time it is asked all the same: the answer says what it lacks."""
        token = None
        if crossing.user is not None:
            try:
                async with asyncio.timeout(crossing.check.timeout_ms / 1000):
                    token = await self.around.token(crossing.user)
            except TimeoutError:
                token = None
        headers = crossing.headers if token is None else (*crossing.headers, ("Authorization", f"Bearer {token}"))
        return http.Client(host=crossing.host, headers=headers)
