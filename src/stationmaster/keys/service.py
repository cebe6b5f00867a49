"""The key service: a process of its own that issues and checks tokens, from what the control plane has written."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import structlog
from litestar import Litestar
from litestar.di import Provide
from litestar.exceptions import HTTPException

from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address
from stationmaster.keys import endpoints
from stationmaster.keys.follower import Follower
from stationmaster.keys.health import Dependencies
from stationmaster.runtime.problems import http_problem, log_unexpected, platform_problem
from stationmaster.runtime.serve import Asgi, serve_until_stopped, with_headers
from stationmaster.runtime.tasks import supervise

log = structlog.get_logger("keys")

LARGEST_BODY = 64 * 1024
_POLL_S = 0.2


def serve(listen: Address, instance: str, region: str, state: StateDir) -> None:
    """Blocks until SIGTERM. Raises PlatformError when the address cannot be had."""
    serve_until_stopped(key_app(Follower(state), instance=instance, region=region), listen)


def key_app(follower: Follower, *, instance: str, region: str) -> Asgi:
    """Every answer says which instance gave it."""
    follower.poll()
    dependencies = Dependencies(follower)
    app = Litestar(
        route_handlers=[
            endpoints.healthz,
            endpoints.token,
            endpoints.jwks,
            endpoints.validate,
            endpoints.introspect,
            endpoints.revoke,
            endpoints.metadata,
        ],
        dependencies={
            "follower": Provide(lambda: follower, sync_to_thread=False),
            "bundle": Provide(endpoints.current_bundle, sync_to_thread=False),
            "dependencies": Provide(lambda: dependencies, sync_to_thread=False),
        },
        exception_handlers={HTTPException: http_problem, PlatformError: platform_problem},
        after_exception=[log_unexpected],
        lifespan=[lambda _app: _following(follower)],
        request_max_body_size=LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
    )
    return with_headers(app, {"x-served-by": instance, "x-region": region})


@asynccontextmanager
async def _following(follower: Follower) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(supervise("key-index", partial(_follow, follower)))
        yield
        task.cancel()


async def _follow(follower: Follower) -> None:
    """Requests look for news themselves; this tells of them, and of what is wrong, when nobody asks."""
    told: str | None = None
    bundle = None
    while True:
        follower.poll()
        if follower.bundle is not None and follower.bundle is not bundle:
            bundle = follower.bundle
            log.info("keys read", keys=len(bundle.keys.keys))
        problem_now = None if follower.problem is None else follower.problem.message
        if problem_now is not None and problem_now != told:
            log.error("keys cannot be read", problem=problem_now, serving=follower.bundle is not None)
        told = problem_now
        await asyncio.sleep(_POLL_S)
