"""What reviews ask of the other rooms when they close by themselves: whether all is well, and what is left to keep."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from stationmaster.incidents.review.automatic import Steadiness


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """What an incident was about: services that its alerts name, instances, gateway nodes and APIs; and when."""

    services: frozenset[str] = frozenset()
    instances: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    apis: frozenset[str] = frozenset()
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The last lines of one log."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`numbers` are sentences; `missing` says what could not be had, and why."""

    logs: tuple[Kept, ...] = ()
    numbers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


ChecksOf: TypeAlias = Callable[[Concerned], Awaitable[Steadiness]]
EvidenceOf: TypeAlias = Callable[[Concerned], Awaitable[Evidence]]


async def nothing_checked(concerned: Concerned) -> Steadiness:
    return Steadiness()


async def nothing_kept(concerned: Concerned) -> Evidence:
    return Evidence(missing=("nobody keeps logs or numbers here",))
