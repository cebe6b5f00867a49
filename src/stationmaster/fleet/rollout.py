"""Decides which process of a group is restarted next because what it was started with is no longer declared."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Standing(Enum):
    """How a process does, as its health check says."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


class Build(Enum):
    """Whether a process runs what is declared now."""

    CURRENT = "current"
    STALE = "stale"
    GONE = "gone"
    """It does not live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One process of a group. `busy`: it is being stopped, started or restarted at this moment."""

    name: str
    build: Build
    standing: Standing
    busy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Await:
    """The others keep what they run until these are well; `stale` are those that wait."""

    names: tuple[str, ...]
    stale: tuple[str, ...]


def next_in(group: Sequence[Member]) -> Replace | Await | None:
    """The next step of a rolling restart; None where nothing is to do or a step is under way.

    One at a time. A stale process that is down goes first: it serves nobody. A stale one that serves is touched only
    when every other process of the group is well. What is held stopped is no member.
    """
    stale = [each for each in group if each.build is Build.STALE]
    if not stale or any(each.busy for each in group):
        return None
    for each in stale:
        if each.standing is Standing.DOWN:
            return Replace(name=each.name)
    unwell = tuple(each.name for each in group if each.build is Build.GONE or each.standing is not Standing.UP)
    if unwell:
        return Await(names=unwell, stale=tuple(each.name for each in stale))
    return Replace(name=stale[0].name)
