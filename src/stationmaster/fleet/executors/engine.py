"""One Docker engine over its API: refusals in our words, every question with a time limit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiodocker import Docker, DockerError

from stationmaster.core.problem import PlatformError
from stationmaster.fleet.executors.engine_place import engine_url, may_be_there

_ANSWERS_WITHIN_S = 30.0
_NOT_FOUND, _CONFLICT = 404, 409
_NO_CONNECTION = 900
"""What the client library says in place of an HTTP status when it could not connect."""


class Engine:
    """Connects at the first question; `url` is DOCKER_HOST's, else the socket that every engine has."""

    def __init__(self, url: str | None = None) -> None:
        self.url = url or engine_url()
        self._docker: Docker | None = None

    @property
    def may_be_there(self) -> bool:
        return may_be_there(self.url)

    @asynccontextmanager
    async def asked(self, what: str, *, within_s: float | None = _ANSWERS_WITHIN_S) -> AsyncIterator[Docker]:
        """Whatever goes wrong inside is a PlatformError that names `what` was asked."""
        try:
            async with asyncio.timeout(within_s):
                yield self._connected()
        except DockerError as error:
            raise (away(self.url, error) if error.status == _NO_CONNECTION else refusal(what, error)) from error
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
            raise away(self.url, error) from error

    async def close(self) -> None:
        if self._docker is not None:
            await self._docker.close()
            self._docker = None

    def _connected(self) -> Docker:
        if self._docker is None:
            self._docker = Docker(url=self.url)
        return self._docker


def away(url: str, error: Exception) -> PlatformError:
    hint = "start it (`systemctl start docker`), or name another one in DOCKER_HOST"
    why = "it does not answer in time" if isinstance(error, TimeoutError) else str(error)
    return PlatformError("docker-away", f"the Docker engine at {url} cannot be asked: {why}", hint=hint, status=503)


def refusal(what: str, error: DockerError) -> PlatformError:
    text = error.message.strip()
    if "no such image" in text.lower():
        hint = "images are never pulled: `docker build` or `docker load` it on the machine of the engine"
        return PlatformError("image-missing", f"{what}: {text}", hint=hint, status=503)
    if error.status == _CONFLICT and "name" in text:
        hint = "`docker rm` the other container, or give the instance another name"
        return PlatformError("container-name-taken", f"{what}: {text}", hint=hint, status=409)
    hint = "check the service's command, image and mounts in the platform YAML"
    return PlatformError("not-startable", f"{what}: {text}", hint=hint, status=503)


def is_missing(error: BaseException | None) -> bool:
    """Whether the engine knows no such container."""
    return isinstance(error, DockerError) and error.status == _NOT_FOUND
