"""The registry document that the doctor follows, as a whole and in parts, each told only when it has changed."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get
from litestar.params import HeaderParameter, PathParameter

from stationmaster.api.routes.given import GivenPlatform
from stationmaster.core.registry import (
    Part,
    Registry,
    RegistryPart,
    registered_apis,
    registered_consumers,
    registered_node,
)
from stationmaster.platform import Platform

_NOT_MODIFIED = 304

IfNoneMatch = Annotated[
    str, HeaderParameter(name="If-None-Match", description="The ETag of what is known; 304 when it still holds.")
]


class RegistryRoutes(Controller):
    path = "/api/v1/registry"

    @get()
    async def whole(self, platform: GivenPlatform) -> Registry:
        """Everything that is registered: APIs with the state of their targets, gateway nodes, consumers."""
        spec = platform.spec
        return Registry(
            environment=spec.environment,
            apis=await asyncio.to_thread(registered_apis, spec, _states(platform)),
            nodes=_nodes(platform),
            consumers=await asyncio.to_thread(registered_consumers, spec.api_users),
        )

    @get("/{part:str}")
    async def part(
        self,
        platform: GivenPlatform,
        part: Annotated[Part, PathParameter(description="apis, nodes or consumers.")],
        if_none_match: IfNoneMatch = "",
    ) -> Response[bytes]:
        """One part of it, with an ETag: nothing is built while it is known to be as it was."""
        made_of, build = _made_of(part, platform)
        known = platform.registry_tags.get(part)
        if known is not None and _same(known[0], made_of) and if_none_match == known[1]:
            return _answer(b"", known[1], status=_NOT_MODIFIED)
        body = await asyncio.to_thread(_encoded, platform.spec.environment, build)
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        platform.registry_tags[part] = (made_of, tag)
        return _answer(b"", tag, status=_NOT_MODIFIED) if if_none_match == tag else _answer(body, tag)


def _answer(body: bytes, tag: str, *, status: int = 200) -> Response[bytes]:
    return Response(body, status_code=status, headers={"etag": tag}, media_type="application/json")


def _encoded(environment: str, build: Callable[[], tuple[Any, ...]]) -> bytes:
    return msgspec.json.encode(RegistryPart(environment=environment, data=build()))


def _made_of(part: Part, platform: Platform) -> tuple[tuple[Any, ...], Callable[[], tuple[Any, ...]]]:
    """What a part is made of, and how; made of the same values it is the same."""
    spec = platform.spec
    match part:
        case Part.APIS:
            rotation = platform.gateway.rotation
            states = _states(platform)
            return (spec.apis, spec.virtual_hosts, rotation.withdrawn, rotation.draining), (
                lambda: registered_apis(spec, states)
            )
        case Part.NODES:
            nodes = _nodes(platform)
            return nodes, lambda: nodes
        case Part.CONSUMERS:
            return (spec.api_users,), lambda: registered_consumers(spec.api_users)


def _same(known: tuple[Any, ...], now: tuple[Any, ...]) -> bool:
    """By identity where that is enough: what is declared may be large, and is replaced, never changed."""
    return len(known) == len(now) and all(
        one is other or (not isinstance(one, tuple) and one == other) for one, other in zip(known, now, strict=True)
    )


def _states(platform: Platform) -> Callable[[str, str], str]:
    rotation = platform.gateway.rotation
    return lambda host, address: rotation.state_of(host, address).value


def _nodes(platform: Platform) -> tuple[Any, ...]:
    links = platform.gateway.links()
    return tuple(
        registered_node(node, connected=link.connected, acknowledged=link.acknowledged)
        for node in platform.spec.nodes
        if (link := links.get(node.name)) is not None
    )
