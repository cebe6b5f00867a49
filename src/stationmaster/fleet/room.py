"""Puts the fleet together: its executors, what keeps instances alive, what moves services to versions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from stationmaster.config import StateDir
from stationmaster.core.spec import ExecutorKind, PlatformSpec
from stationmaster.fleet.deploys import Deploys, Rooms
from stationmaster.fleet.executors.at_need import AtNeed
from stationmaster.fleet.executors.each_its_own import EachItsOwn
from stationmaster.fleet.inventory import Launch
from stationmaster.fleet.loop import Fleet
from stationmaster.fleet.orders import Orders
from stationmaster.fleet.version import Program
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRoom:
    fleet: Fleet
    deploys: Deploys
    orders: Orders


async def open_fleet(
    database: Database,
    executor: EachItsOwn,
    declared: Cell[PlatformSpec],
    wanted: Callable[[], Iterable[Launch]],
    pins: Cell[Mapping[str, Program]],
) -> FleetRoom:
    """What orders want holds from here on; nothing runs yet. `wanted` runs `pins` in place of what is declared."""
    fleet = Fleet(database, executor, wanted)
    rooms = Rooms(database=database, fleet=fleet, services=lambda: declared.value.services, wanted=wanted, pins=pins)
    deploys = Deploys(rooms)
    await deploys.start()
    return FleetRoom(fleet=fleet, deploys=deploys, orders=Orders(deploys))


def executors(
    state: StateDir,
    wanted: Callable[[], Iterable[Launch]] = tuple,
    environment: Callable[[], str] = str,
) -> EachItsOwn:
    """Processes of this machine, and containers of its Docker engine where a service asks for them."""

    def declared(name: str) -> ExecutorKind | None:
        return next((each.executor for each in wanted() if each.name == name), None)

    return EachItsOwn(AtNeed(state, environment), declared)
