"""The catalog's routes over a real catalog, with a gateway that answers at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import httpx
from litestar import Litestar
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig

from stationmaster.access.live import Kind, Proof
from stationmaster.access.roles import Caller, Role
from stationmaster.api.routes.audit import AuditRoutes
from stationmaster.api.routes.catalog import CatalogRoutes
from stationmaster.api.routes.declared_targets import DeclaredTargetRoutes
from stationmaster.api.routes.entities import ENTITY_ROUTES
from stationmaster.catalog.loop import Catalog
from stationmaster.core.problem import PlatformError
from stationmaster.gateway.receipts import Convergence
from stationmaster.runtime.problems import http_problem, log_unexpected, platform_problem
from stationmaster.runtime.serve import Asgi


class Publishes(Protocol):
    async def publish_declared(self) -> Convergence: ...


@dataclass(slots=True)
class AnsweringGateway:
    """Answers as told; counts how often somebody waited for it."""

    answer: Convergence = field(default_factory=lambda: Convergence(revision=7, acknowledged={"gateway-1": 12.5}))
    asked: int = 0

    async def publish_declared(self) -> Convergence:
        self.asked += 1
        return self.answer


G_co = TypeVar("G_co", bound=Publishes, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredPlatform(Generic[G_co]):
    """As much of a platform as the catalog's routes need."""

    catalog: Catalog
    gateway: G_co


Answering = DeclaredPlatform[AnsweringGateway]


def make_app(platform: DeclaredPlatform[Publishes], role: Role = Role.ADMIN) -> Litestar:
    caller = Caller(name="lin", role=role)
    proof = Proof(caller=caller, kind=Kind.SESSION, digest="")
    return Litestar(
        route_handlers=[CatalogRoutes, *ENTITY_ROUTES, DeclaredTargetRoutes, AuditRoutes],
        dependencies={
            "platform": Provide(lambda: platform, sync_to_thread=False),
            "caller": Provide(lambda: caller, sync_to_thread=False),
            "proof": Provide(lambda: proof, sync_to_thread=False),
        },
        exception_handlers={PlatformError: platform_problem, HTTPException: http_problem},
        openapi_config=OpenAPIConfig(title="Stationmaster", version="0"),
        request_max_body_size=1_000_000,
        logging_config=None,
        after_exception=[log_unexpected],
    )


@asynccontextmanager
async def client_of(platform: DeclaredPlatform[Publishes], role: Role = Role.ADMIN) -> AsyncIterator[httpx.AsyncClient]:
    app: Asgi = make_app(platform, role)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://control") as client:
        yield client
