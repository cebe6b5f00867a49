"""The doctor: answers which APIs, nodes and consumers are registered, from the last registry that it saw."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeAlias

from litestar import Litestar, Response, get
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.params import QueryParameter, SkipValidation

from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.core.registry import Part
from stationmaster.core.spec import Address
from stationmaster.doctor.follower import RegistryFollower
from stationmaster.doctor.paging import LARGEST, USUAL, page_of
from stationmaster.runtime.problems import http_problem, log_unexpected, platform_problem
from stationmaster.runtime.serve import Asgi, serve_until_stopped
from stationmaster.runtime.tasks import supervise

GivenFollower: TypeAlias = NamedDependency[SkipValidation[RegistryFollower]]
Size: TypeAlias = Annotated[int, QueryParameter(ge=1, le=LARGEST, description="How many entries, 100 by default.")]
Offset: TypeAlias = Annotated[str, QueryParameter(description="The `offset` of the page before.")]


@get("/kong/apis")
async def apis(registry: GivenFollower, size: Size = USUAL, offset: Offset = "") -> Response[dict[str, Any]]:
    return _listed(registry, Part.APIS, size, offset)


@get("/kong/nodes")
async def nodes(registry: GivenFollower, size: Size = USUAL, offset: Offset = "") -> Response[dict[str, Any]]:
    return _listed(registry, Part.NODES, size, offset)


@get("/kong/consumers")
async def consumers(registry: GivenFollower, size: Size = USUAL, offset: Offset = "") -> Response[dict[str, Any]]:
    return _listed(registry, Part.CONSUMERS, size, offset)


@get("/healthz")
async def healthz(registry: GivenFollower) -> Response[dict[str, Any]]:
    """Healthy as long as there is something to answer with, however old it is."""
    for part in Part:
        registry.entries(part)
    age_ms = registry.age_ms
    body = {"status": "stale" if registry.stale else "ok", "registry_age_ms": age_ms}
    return Response(body, headers={"x-registry-age-ms": str(age_ms)})


def _listed(registry: RegistryFollower, part: Part, size: int, offset: str) -> Response[dict[str, Any]]:
    """Paged as Kong's lists are: `next` is the path of the next page, null on the last one."""
    entries = registry.entries(part)
    page = page_of(entries, size, offset)
    following = f"/kong/{part.value}?offset={page.offset}&size={size}" if page.offset else None
    body: dict[str, Any] = {"data": page.entries, "next": following, "total": len(entries)}
    if page.offset:
        body["offset"] = page.offset
    return Response(body, headers={"x-registry-age-ms": str(registry.age_ms)})


def serve(listen: Address, state: StateDir) -> None:
    """Blocks until SIGTERM. Raises PlatformError when the address cannot be had."""
    serve_until_stopped(doctor_app(RegistryFollower(state)), listen)


def doctor_app(registry: RegistryFollower) -> Asgi:
    registry.recall()
    return Litestar(
        route_handlers=[apis, nodes, consumers, healthz],
        dependencies={"registry": Provide(lambda: registry, sync_to_thread=False)},
        exception_handlers={HTTPException: http_problem, PlatformError: platform_problem},
        after_exception=[log_unexpected],
        lifespan=[lambda _app: _following(registry)],
        openapi_config=None,
        logging_config=None,
    )


@asynccontextmanager
async def _following(registry: RegistryFollower) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(supervise("registry", registry.follow))
        yield
        task.cancel()
