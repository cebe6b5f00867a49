"""The REST API of the control plane: routes, access, problems."""

import hmac

from litestar import Litestar, get
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.status_codes import HTTP_500_INTERNAL_SERVER_ERROR

from stationmaster import __version__
from stationmaster.access.roles import Caller, Role
from stationmaster.api.routes.incidents import IncidentRoutes
from stationmaster.api.routes.operations import OperationRoutes
from stationmaster.api.routes.status import StatusRoutes
from stationmaster.core.problem import PlatformError
from stationmaster.platform import Platform
from stationmaster.runtime.problems import fault_problem, http_problem, log_unexpected, platform_problem, too_deep

_PUBLIC = ("/healthz", "/schema")
_BODY_LIMIT_BYTES = 1_000_000


@get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "operational"}


def make_api(platform: Platform, *, token: str) -> Litestar:
    """Every path but `/healthz` and `/schema` demands `Authorization: Bearer TOKEN`."""

    def authorised(connection: "ASGIConnection[BaseRouteHandler, None, None, State]", _: BaseRouteHandler) -> None:
        # The path as it was routed: a URL is put together with the Host header, which the caller chooses.
        if connection.scope["path"].startswith(_PUBLIC):
            return
        scheme, _blank, given = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
            raise PlatformError(
                "unauthorized",
                "the request bears no valid token",
                hint="send `Authorization: Bearer TOKEN` with the token of admin.token in the state folder",
                status=401,
            )

    return Litestar(
        route_handlers=[healthz, StatusRoutes, IncidentRoutes, OperationRoutes],
        dependencies={
            "platform": Provide(lambda: platform, sync_to_thread=False),
            "caller": Provide(lambda: Caller(name="admin", role=Role.ADMIN), sync_to_thread=False),
        },
        guards=[authorised],
        exception_handlers={
            PlatformError: platform_problem,
            HTTPException: http_problem,
            RecursionError: too_deep,
            HTTP_500_INTERNAL_SERVER_ERROR: fault_problem,
        },
        openapi_config=OpenAPIConfig(title="Stationmaster", version=__version__),
        request_max_body_size=_BODY_LIMIT_BYTES,
        logging_config=None,
        after_exception=[log_unexpected],
    )
