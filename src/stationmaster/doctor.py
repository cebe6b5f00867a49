"""The doctor: answers which APIs, nodes and consumers are registered, from the last registry document that it saw."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import httpx
import msgspec
import structlog
from litestar import Litestar, Response, get
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.params import SkipValidation

from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.core.registry import Registry
from stationmaster.core.spec import Address
from stationmaster.runtime.files import write_private
from stationmaster.runtime.problems import http_problem, log_unexpected, platform_problem
from stationmaster.runtime.serve import Asgi, serve_until_stopped
from stationmaster.runtime.tasks import supervise

log = structlog.get_logger("doctor")

REGISTRY_PATH = "/api/v1/registry"
LAST_KNOWN = "doctor.json"
_EVERY_S = 1.0
_EVERY_WHILE_BLIND_S = 0.2
_LIMIT_S = 2.0


class RegistryFollower:
    """Follows the control plane; the last known document outlives it and this process."""

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self._file = state.root / LAST_KNOWN
        self._told: str | None = None
        self._seen_at = 0.0
        self._document: Registry | None = None

    def recall(self) -> None:
        """Takes up the document that an earlier run left; a file that cannot be read counts as none."""
        try:
            self._document = msgspec.json.decode(self._file.read_bytes(), type=Registry)
            self._seen_at = self._file.stat().st_mtime
        except FileNotFoundError:
            return
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.warning("last known registry cannot be read", file=str(self._file), problem=str(error))

    def current(self) -> Registry:
        """Raises PlatformError `registry-unknown` when no document was ever seen."""
        if self._document is None:
            raise PlatformError(
                "registry-unknown",
                f"no registry was seen yet: {self._told or 'the control plane has not been asked yet'}",
                hint="start the control plane; the doctor asks it every second",
                status=503,
            )
        return self._document

    @property
    def age_ms(self) -> int:
        """Since the control plane last confirmed the document."""
        return max(0, round((time.time() - self._seen_at) * 1000))

    @property
    def stale(self) -> bool:
        return self._told is not None

    async def follow(self) -> None:
        # Proxy settings of the environment are no business of a call to the control plane.
        async with httpx.AsyncClient(timeout=_LIMIT_S, trust_env=False) as client:
            while True:
                await self.ask(client)
                await asyncio.sleep(_EVERY_WHILE_BLIND_S if self._document is None else _EVERY_S)

    async def ask(self, client: httpx.AsyncClient) -> None:
        """Asks once; whatever comes back, the last good document stays until there is a newer good one."""
        self._tell(await self._asked(client))

    async def _asked(self, client: httpx.AsyncClient) -> str | None:
        """What stood in the way, or None."""
        try:
            url, token = await asyncio.to_thread(self._whereabouts)
            answer = await client.get(url, headers={"authorization": f"Bearer {token}"})
            if answer.status_code != httpx.codes.OK:
                return f"the control plane answers {answer.status_code}"
            document = msgspec.json.decode(answer.content, type=Registry)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, msgspec.DecodeError) as error:
            return f"{type(error).__name__}: {error}"
        changed = document != self._document
        self._document, self._seen_at = document, time.time()
        return await asyncio.to_thread(self._kept, document if changed else None)

    def _whereabouts(self) -> tuple[str, str]:
        """Read anew for every call: a new control plane may listen elsewhere and have another token."""
        base = httpx.URL(self._state.control_url.read_text("ascii").strip())
        if base.scheme not in ("http", "https") or not base.host or not 0 < (base.port or 80) < 2**16:
            raise httpx.InvalidURL(f"{self._state.control_url} holds no URL of a control plane")
        return str(base.join(REGISTRY_PATH)), self._state.admin_token.read_text("ascii").strip()

    def _kept(self, changed: Registry | None) -> str | None:
        """The file's time says when the document was last confirmed."""
        try:
            if changed is not None or not self._file.exists():
                write_private(self._file, msgspec.json.encode(self._document))
            else:
                os.utime(self._file)
        except OSError as error:
            return f"{self._file} cannot be written: {error.strerror}"
        return None

    def _tell(self, problem: str | None) -> None:
        if problem != self._told:
            if problem is None:
                log.info("following the registry")
            else:
                log.warning("registry cannot be followed", problem=problem, serving=self._document is not None)
        self._told = problem


GivenFollower: TypeAlias = NamedDependency[SkipValidation[RegistryFollower]]


@get("/kong/apis")
async def apis(registry: GivenFollower) -> Response[dict[str, Any]]:
    return _listed(registry, registry.current().apis)


@get("/kong/nodes")
async def nodes(registry: GivenFollower) -> Response[dict[str, Any]]:
    return _listed(registry, registry.current().nodes)


@get("/kong/consumers")
async def consumers(registry: GivenFollower) -> Response[dict[str, Any]]:
    return _listed(registry, registry.current().consumers)


@get("/healthz")
async def healthz(registry: GivenFollower) -> Response[dict[str, Any]]:
    """Healthy as long as there is something to answer with, however old it is."""
    registry.current()
    age_ms = registry.age_ms
    body = {"status": "stale" if registry.stale else "ok", "registry_age_ms": age_ms}
    return Response(body, headers={"x-registry-age-ms": str(age_ms)})


def _listed(registry: RegistryFollower, entries: tuple[object, ...]) -> Response[dict[str, Any]]:
    body = {"data": entries, "total": len(entries)}
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
