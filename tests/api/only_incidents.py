"""As much of a platform as the routes of incidents need, and a server of it."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import httpx
from litestar import Litestar

from stationmaster.api.routes.acknowledge import AcknowledgeRoutes, IncidentPageRoutes
from stationmaster.api.routes.approve_by_link import ApproveByLinkRoutes
from stationmaster.api.routes.incident_acts import IncidentActRoutes
from stationmaster.api.routes.incidents import IncidentRoutes
from stationmaster.api.routes.updates import UpdateRoutes
from stationmaster.incidents.loop import Incidents
from stationmaster.runbooks.consent.approvals import Approvals
from stationmaster.runbooks.loop import Runbooks
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.api.only import app_of, asked, control_of
from tests.api.only_runbooks import no_runbooks
from tests.incidents.test_incidents import alert, fired
from tests.incidents.world import World, spec


@dataclass(frozen=True, slots=True)
class OnlyIncidents:
    incidents: Incidents
    approvals: Approvals
    runbooks: Runbooks


def make_app(incidents: Incidents) -> Litestar:
    platform = OnlyIncidents(incidents, Approvals(database=incidents.database), no_runbooks(incidents.database))
    return app_of(
        platform,
        [
            IncidentRoutes,
            IncidentActRoutes,
            AcknowledgeRoutes,
            ApproveByLinkRoutes,
            IncidentPageRoutes,
            UpdateRoutes,
        ],
    )


def client_of(incidents: Incidents) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    return asked(make_app(incidents))


def control(state: Path, port: int) -> AbstractContextManager[None]:
    """Serves two incidents."""

    async def make(database: Database) -> Litestar:
        world = World(database, Cell(spec()))
        await world.facts(fired(0, alert()), fired(0, alert("f2", "key-eu-de")))
        return make_app(world.incidents)

    return control_of(state, port, make)
