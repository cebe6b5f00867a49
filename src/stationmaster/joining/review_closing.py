"""What reviews that close by themselves ask of the other rooms: whether all is well, and what can be kept."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from stationmaster.core.facts import BalancerState
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.fleet.loop import Fleet
from stationmaster.gateway.loop import Gateway
from stationmaster.incidents.review.automatic import Steadiness
from stationmaster.incidents.review.desk import Reviews
from stationmaster.incidents.review.evidence import Concerned, Evidence, Kept
from stationmaster.incidents.review.worked import Requests, RequestsOf
from stationmaster.monitor.loop import Monitor
from stationmaster.monitor.rules import Health
from stationmaster.runbooks.clean import clean
from stationmaster.runbooks.redact import redacted

_LOG_LINES = 20
_MOST_LOGS = 6
_BEFORE = timedelta(minutes=10)
"""What the numbers of the incident are held against."""


def closing_by_itself(reviews: Reviews, fleet: Fleet, gateway: Gateway, monitor: Monitor) -> Reviews:
    """The reviews, with these rooms to ask."""

    def spec() -> PlatformSpec:
        return reviews.ground.declared.value

    return replace(
        reviews,
        checks_of=ChecksForReviews(spec=spec, gateway=gateway, monitor=monitor),
        evidence_of=EvidenceForReviews(spec=spec, logs=fleet.logs, requests_of=reviews.requests_of),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksForReviews:
    """Every check that the platform has of what an incident was about, as it stands now."""

    spec: Callable[[], PlatformSpec]
    gateway: Gateway
    monitor: Monitor

    async def __call__(self, concerned: Concerned) -> Steadiness:
        names = instances_of(self.spec(), concerned)
        found = [*self._instances(names), *await self._targets(names), *self._nodes(concerned), *self._ways(concerned)]
        return Steadiness(
            well=tuple(text for is_well, text in found if is_well),
            unwell=tuple(text for is_well, text in found if not is_well),
        )

    def _instances(self, names: Sequence[str]) -> Iterator[tuple[bool, str]]:
        shown = self.monitor.health.value
        for name in names:
            if name in shown:
                state, detail = shown[name].state, shown[name].detail
                yield state is Health.UP, f"{name} is {state.value}{f': {detail}' if detail else ''}"

    async def _targets(self, names: Sequence[str]) -> list[tuple[bool, str]]:
        rows = [each for each in await self.gateway.rotation.targets() if each.instance in names and not each.manual]
        words = {BalancerState.IN: "takes traffic from", BalancerState.OUT: "is out of"}
        return [
            (
                each.state is BalancerState.IN,
                f"{each.instance} {words.get(each.state, 'is drained from')} {each.virtual_host}",
            )
            for each in rows
        ]

    def _nodes(self, concerned: Concerned) -> Iterator[tuple[bool, str]]:
        """What concerns an API concerns every node."""
        for name, link in self.gateway.links().items():
            if name in concerned.nodes or concerned.apis:
                said = "has the newest configuration" if link.acknowledged else "has not the newest configuration"
                yield link.connected and link.acknowledged, f"{name} {said if link.connected else 'is not connected'}"

    def _ways(self, concerned: Concerned) -> Iterator[tuple[bool, str]]:
        """Checks of the APIs, through every node."""
        for each in self.monitor.checks():
            if each.api in concerned.apis or (each.node and each.node in concerned.nodes):
                yield each.state is Health.UP, f"{each.name} is {each.state.value}"


def instances_of(spec: PlatformSpec, concerned: Concerned) -> tuple[str, ...]:
    """Those that are named, and all of the services and behind the APIs that are; in the order of the declaration."""
    hosts = {each.virtual_host for each in spec.apis if each.name in concerned.apis}
    behind = {target.instance for host in spec.virtual_hosts if host.name in hosts for target in host.targets}
    return tuple(
        str(each.name)
        for service in spec.services
        for each in service.instances
        if each.name in concerned.instances or each.name in behind or service.name in concerned.services
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceForReviews:
    """The last lines of the logs, without secrets, and what the gateway counted."""

    spec: Callable[[], PlatformSpec]
    logs: Callable[..., Awaitable[str]]
    requests_of: RequestsOf

    async def __call__(self, concerned: Concerned) -> Evidence:
        wanted = (*sorted(concerned.nodes), *instances_of(self.spec(), concerned))
        found = await asyncio.gather(*(self._log(name) for name in wanted[:_MOST_LOGS]))
        numbers = await self._numbers(concerned)
        missing = [each for each in found if isinstance(each, str)]
        missing += [] if numbers else ["numbers of the gateway: no samples cover this time"]
        more = len(wanted) - _MOST_LOGS
        missing += [f"{more} more logs: `stm instance logs NAME` shows them"] if more > 0 else []
        return Evidence(
            logs=tuple(each for each in found if isinstance(each, Kept)), numbers=numbers, missing=tuple(missing)
        )

    async def _log(self, name: str) -> Kept | str:
        """Why it could not be had, in place of a log."""
        try:
            text = await self.logs(name, tail=_LOG_LINES)
        except PlatformError as error:
            return f"the log of {name}: {error.message}"
        except OSError as error:
            return f"the log of {name}: {error.strerror or 'it cannot be read'}"
        return Kept(name=name, text=redacted(clean(text)))

    async def _numbers(self, concerned: Concerned) -> tuple[str, ...]:
        spans = (
            ("in the ten minutes before", concerned.since - _BEFORE, concerned.since),
            ("from the beginning of the fault to the end", concerned.since, concerned.until),
        )
        apis = _apis(self.spec(), concerned)
        found = [(when, await self.requests_of(since, until, apis)) for when, since, until in spans]
        return tuple(_said(when, each) for when, each in found if each is not None)


def _apis(spec: PlatformSpec, concerned: Concerned) -> tuple[str, ...]:
    """Those that are named, and those that lead to what is; all where none does."""
    names = set(instances_of(spec, concerned))
    hosts = {host.name for host in spec.virtual_hosts if any(each.instance in names for each in host.targets)}
    return tuple(str(each.name) for each in spec.apis if each.name in concerned.apis or each.virtual_host in hosts)


def _said(when: str, counted: Requests) -> str:
    by_api = ", ".join(f"{api} {total:.0f} ({failed:.0f} failed)" for api, total, failed in counted.by_api)
    return f"{when}: {counted.total:.0f} requests, {counted.failed:.0f} of them failed: {by_api}"
