"""Makes the rooms that work runbooks and those that break things on purpose, and joins them to what they act upon."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from stationmaster.access.live import Kind
from stationmaster.access.loop import Access
from stationmaster.access.roles import Role
from stationmaster.config import StateDir
from stationmaster.core.spec import PlatformSpec
from stationmaster.drills.desk import Drills
from stationmaster.drills.filler import Filler
from stationmaster.fleet.loop import Fleet
from stationmaster.gateway.loop import Gateway
from stationmaster.healing.guard import Guard
from stationmaster.joining.breaking import PlatformBreaker, ScheduledRun
from stationmaster.joining.diagnosis_sources import Findings
from stationmaster.joining.joints import RunEffects, RunEnvironment
from stationmaster.joining.run_bounds import RunBounds
from stationmaster.runbooks.consent.approvals import Approvals
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
    astray: Cell[frozenset[str]]
    """Whose metrics are asked for at the wrong place on purpose."""

    def loops(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What runs beside the loops of the runbooks themselves, by name."""
        return {"drills": self.drills.run, "drill schedule": partial(self.drills.run_schedule, self.scheduled)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActedUpon:
    """What runs and drills need of the rest of the platform."""

    access: Access
    fleet: Fleet
    gateway: Gateway
    guard: Guard
    shelf: Shelf
    findings: Findings


def make_runs(declared: Cell[PlatformSpec], state: StateDir, database: Database, upon: ActedUpon) -> RunRooms:
    access, fleet, gateway = upon.access, upon.fleet, upon.gateway
    approvals = Approvals(database=database)
    filler = Filler(state.root, state.logs)
    breaker = PlatformBreaker(fleet=fleet, gateway=gateway, declared=declared, filler=filler)
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
        perform=RunEffects(fleet=fleet, gateway=gateway),
        ask=upon.findings.ask,
        around=upon.findings.around,
        bounds=RunBounds(guard=upon.guard, spec=lambda: declared.value),
    )
    runbooks = Runbooks(database=database, unattended=unattended, runbooks=upon.shelf.runbooks)
    drills = Drills(database=database, declared=lambda: declared.value, breaker=breaker)
    scheduled = ScheduledRun(of_drills, of_drills.end)
    return RunRooms(runbooks=runbooks, approvals=approvals, drills=drills, scheduled=scheduled, astray=breaker.astray)
