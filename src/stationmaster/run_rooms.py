"""Makes the rooms that work runbooks and those that break things on purpose, and joins them to what they act upon."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from stationmaster.access.live import Kind
from stationmaster.access.loop import Access
from stationmaster.access.roles import Role
from stationmaster.breaking import PlatformBreaker, ScheduledRun
from stationmaster.config import StateDir
from stationmaster.core.spec import PlatformSpec
from stationmaster.drills.desk import Drills
from stationmaster.fleet.loop import Fleet
from stationmaster.gateway.loop import Gateway
from stationmaster.joints import RunEffects, RunEnvironment
from stationmaster.runbooks.approvals import Approvals
from stationmaster.runbooks.library import Shelf
from stationmaster.runbooks.loop import Runbooks
from stationmaster.runbooks.unattended import Unattended
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRooms:
    runbooks: Runbooks
    approvals: Approvals
    drills: Drills
    scheduled: ScheduledRun

    def loops(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What runs beside the loops of the runbooks themselves, by name."""
        return {"drills": self.drills.run, "drill schedule": partial(self.drills.run_schedule, self.scheduled)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActedUpon:
    """What runs and drills need of the rest of the platform."""

    access: Access
    fleet: Fleet
    gateway: Gateway
    shelf: Shelf


def make_runs(declared: Cell[PlatformSpec], state: StateDir, database: Database, upon: ActedUpon) -> RunRooms:
    access, fleet, gateway = upon.access, upon.fleet, upon.gateway
    approvals = Approvals(database=database)
    breaker = PlatformBreaker(fleet=fleet, gateway=gateway, declared=declared)
    of_runs = RunEnvironment(
        declared, lambda run: access.lend(f"runbook {run}", Role.OPERATOR, kind=Kind.RUN), access.take_back
    )
    of_drills = RunEnvironment(declared, lambda name: access.lend(name, Role.OPERATOR), access.take_back)
    unattended = Unattended(
        database=database,
        approvals=approvals,
        spec=lambda: declared.value,
        env=of_runs,
        let_go=of_runs.end,
        folder=state.runs,
        state=state.root,
        now=utc_now,
        perform=RunEffects(database=database, fleet=fleet, gateway=gateway, policy=lambda: declared.value.healing),
    )
    runbooks = Runbooks(database=database, unattended=unattended, runbooks=upon.shelf.runbooks)
    drills = Drills(database=database, declared=lambda: declared.value, breaker=breaker)
    scheduled = ScheduledRun(of_drills, of_drills.end)
    return RunRooms(runbooks=runbooks, approvals=approvals, drills=drills, scheduled=scheduled)
