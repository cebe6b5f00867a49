"""Decides which processes to start now, from what is declared, what lives and what was started before."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from stationmaster.core.spec import Supervision
from stationmaster.fleet.inventory import Launch
from stationmaster.fleet.rollout import Build

_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 30.0
_CALM = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crashes:
    """Starts of one process in a row, each soon after the one before."""

    in_a_row: int = 0
    last_start: datetime | None = None

    def started(self, now: datetime) -> "Crashes":
        calm = self.last_start is None or now - self.last_start > _CALM
        return Crashes(in_a_row=0 if calm else self.in_a_row + 1, last_start=now)

    def next_start(self) -> datetime | None:
        """When the process may be started again; the delay doubles from 0.5 s to 30 s."""
        if self.last_start is None:
            return None
        delay = min(_FIRST_DELAY_S * 2 ** min(self.in_a_row, 10), _LONGEST_DELAY_S)
        return self.last_start + timedelta(seconds=delay)


def missing(
    declared: Sequence[Launch], alive: Set[str], launched: Set[str], crashes: Mapping[str, Crashes], *, now: datetime
) -> tuple[Launch, ...]:
    """The processes to start now.

    One that its runbook starts again is started here only when it was not `launched` since the machine booted.
    """
    return tuple(
        launch
        for launch in declared
        if launch.name not in alive
        and not (launch.supervision is Supervision.RUNBOOK and launch.name in launched)
        and _due(crashes.get(launch.name), now)
    )


def build_of(launch: Launch, digest: str | None, *, lives: bool) -> Build:
    """Whether a process that was started with `digest` (None: nobody knows) is what is wanted now."""
    if not lives or digest is None:
        return Build.GONE
    return Build.CURRENT if digest == launch.digest else Build.STALE


def surplus(declared: Sequence[Launch], alive: Set[str]) -> tuple[str, ...]:
    """Processes of this platform that are no longer declared."""
    return tuple(sorted(alive - {launch.name for launch in declared}))


def _due(crashes: Crashes | None, now: datetime) -> bool:
    due = crashes.next_start() if crashes else None
    return due is None or now >= due
