"""The REST API of the control plane: routes, access, problems."""

from litestar import Litestar, get
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.status_codes import HTTP_500_INTERNAL_SERVER_ERROR
from sqlalchemy.exc import OperationalError

from stationmaster import __version__
from stationmaster.api.guard import Public, RefusalError, given_caller, given_proof, guard, refusal_problem
from stationmaster.api.observed import observed
from stationmaster.api.pagerduty.refusals import or_else
from stationmaster.api.request import ApiRequest
from stationmaster.api.routes.access import LoginRoutes, PeopleRoutes, TokenRoutes
from stationmaster.api.routes.acknowledge import AcknowledgeRoutes, IncidentPageRoutes
from stationmaster.api.routes.alertmanager import AlertmanagerRoutes
from stationmaster.api.routes.approvals import ApprovalRoutes
from stationmaster.api.routes.approve_by_link import ApproveByLinkRoutes
from stationmaster.api.routes.audit import AuditRoutes
from stationmaster.api.routes.bundle import BundleRoutes
from stationmaster.api.routes.calendars import CalendarFeedRoutes, CalendarImportRoutes, CalendarRoutes
from stationmaster.api.routes.catalog import CatalogRoutes
from stationmaster.api.routes.checks import CheckRoutes
from stationmaster.api.routes.declared_targets import DeclaredTargetRoutes
from stationmaster.api.routes.drills import DrillRoutes, FaultRoutes
from stationmaster.api.routes.entities import ENTITY_ROUTES
from stationmaster.api.routes.heartbeats import HeartbeatRoutes
from stationmaster.api.routes.incident_acts import IncidentActRoutes
from stationmaster.api.routes.incidents import IncidentRoutes
from stationmaster.api.routes.instances import InstanceRoutes
from stationmaster.api.routes.intake import EventRoutes, IntakeRoutes
from stationmaster.api.routes.keys import KeyRoutes, SigningRoutes
from stationmaster.api.routes.logs import LogRoutes
from stationmaster.api.routes.metrics import MetricsRoutes
from stationmaster.api.routes.nodes import GatewayNodeRoutes
from stationmaster.api.routes.objectives import ObjectiveRoutes
from stationmaster.api.routes.oncall import OnCallRoutes, OverrideRoutes, ShiftRoutes
from stationmaster.api.routes.operations import OperationRoutes
from stationmaster.api.routes.pagerduty import PagerDutyIncidentRoutes
from stationmaster.api.routes.pagerduty_acts import PagerDutyActRoutes, PagerDutyLineRoutes
from stationmaster.api.routes.pagerduty_directory import PagerDutyDirectoryRoutes
from stationmaster.api.routes.pagerduty_overrides import PagerDutyOverrideRoutes
from stationmaster.api.routes.prometheus import PrometheusQueryRoutes
from stationmaster.api.routes.prometheus_state import PrometheusStateRoutes
from stationmaster.api.routes.registry import RegistryRoutes
from stationmaster.api.routes.replay import ReplayRoutes
from stationmaster.api.routes.reviews import ReviewRoutes, ReviewTaskRoutes
from stationmaster.api.routes.runbooks import RunbookRoutes
from stationmaster.api.routes.services import ServiceVersionRoutes
from stationmaster.api.routes.silences import SilenceRoutes
from stationmaster.api.routes.status import StatusRoutes
from stationmaster.api.routes.status_page import StatusPageRoutes
from stationmaster.api.routes.status_page_desk import StatusPageDeskRoutes
from stationmaster.api.routes.targets import TargetRoutes
from stationmaster.api.routes.updates import UpdateRoutes
from stationmaster.api.routes.usage import UsageRoutes
from stationmaster.core.problem import PlatformError
from stationmaster.platform import Platform
from stationmaster.runtime.problems import (
    fault_problem,
    http_problem,
    log_unexpected,
    platform_problem,
    store_problem,
    too_deep,
)

_BODY_LIMIT_BYTES = 1_000_000


@get("/healthz", opt={"role": Public.ANYONE}, security=[{}])
async def healthz() -> dict[str, str]:
    return {"status": "operational"}


_ROUTES = (
    healthz,
    StatusRoutes,
    RegistryRoutes,
    InstanceRoutes,
    LogRoutes,
    TargetRoutes,
    GatewayNodeRoutes,
    CheckRoutes,
    IncidentRoutes,
    IncidentActRoutes,
    AcknowledgeRoutes,
    IncidentPageRoutes,
    UpdateRoutes,
    OperationRoutes,
    KeyRoutes,
    SigningRoutes,
    LoginRoutes,
    PeopleRoutes,
    TokenRoutes,
    CatalogRoutes,
    *ENTITY_ROUTES,
    ServiceVersionRoutes,
    DeclaredTargetRoutes,
    AuditRoutes,
    UsageRoutes,
    MetricsRoutes,
    ObjectiveRoutes,
    PrometheusQueryRoutes,
    PrometheusStateRoutes,
    AlertmanagerRoutes,
    IntakeRoutes,
    EventRoutes,
    HeartbeatRoutes,
    ApprovalRoutes,
    RunbookRoutes,
    ApproveByLinkRoutes,
    DrillRoutes,
    ReplayRoutes,
    FaultRoutes,
    SilenceRoutes,
    StatusPageRoutes,
    StatusPageDeskRoutes,
    ReviewRoutes,
    ReviewTaskRoutes,
    OnCallRoutes,
    ShiftRoutes,
    OverrideRoutes,
    CalendarFeedRoutes,
    CalendarRoutes,
    CalendarImportRoutes,
    BundleRoutes,
    PagerDutyIncidentRoutes,
    PagerDutyActRoutes,
    PagerDutyLineRoutes,
    PagerDutyDirectoryRoutes,
    PagerDutyOverrideRoutes,
)


def make_api(platform: Platform) -> Litestar:
    """Every path but `/healthz` and the login demands a token, and the role that its route names."""
    api = Litestar(
        route_handlers=[*_ROUTES],
        dependencies={
            "platform": Provide(lambda: platform, sync_to_thread=False),
            "caller": Provide(given_caller, sync_to_thread=False),
            "proof": Provide(given_proof, sync_to_thread=False),
        },
        guards=[guard(platform.access)],
        request_class=ApiRequest,
        exception_handlers={
            RefusalError: refusal_problem,
            PlatformError: platform_problem,
            HTTPException: or_else(http_problem),
            RecursionError: too_deep,
            OperationalError: store_problem,
            HTTP_500_INTERNAL_SERVER_ERROR: fault_problem,
        },
        openapi_config=_openapi(),
        request_max_body_size=_BODY_LIMIT_BYTES,
        logging_config=None,
        after_exception=[log_unexpected],
    )
    # Around everything, so that refusals of unknown paths are among what is seen.
    api.asgi_handler = observed(api.asgi_handler, platform.metrics.served)
    return api


def _openapi() -> OpenAPIConfig:
    """`/schema/openapi.json` and `.yaml`. Pages that draw it fetch their scripts from elsewhere: there are none."""
    return OpenAPIConfig(
        title="Stationmaster",
        version=__version__,
        components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
        security=[{"token": []}],
        render_plugins=[JsonRenderPlugin(), YamlRenderPlugin()],
    )
