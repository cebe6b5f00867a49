"""Serves every node its configuration: incremental xDS on one aggregated gRPC stream per node."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import structlog
from envoy.service.discovery.v3 import discovery_pb2
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import DecodeError

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address
from stationmaster.gateway.access_log import Hearer, nobody_hears
from stationmaster.gateway.envoy import log_intake
from stationmaster.gateway.publication import Follower, Publication
from stationmaster.gateway.session import Asked, Sent
from stationmaster.gateway.snapshot import Kind, Resource

log = structlog.get_logger("gateway.xds")

_SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
_METHOD = "DeltaAggregatedResources"
_KINDS = {kind.value: kind for kind in Kind}
_RESOURCE_TAG = bytes([discovery_pb2.DeltaDiscoveryResponse.RESOURCES_FIELD_NUMBER << 3 | 2])
_NO_MESSAGE = "this is no message of incremental xDS"
_STOP_WITHIN_S = 0.2
_QUIET_S = 5.0
_OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    # Both sides ask each other for signs of life, so that a frozen or unplugged peer is noticed within seconds.
    ("grpc.keepalive_time_ms", 5_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
    ("grpc.http2.max_ping_strikes", 0),
)


@asynccontextmanager
async def serving(publication: Publication, address: Address, hear: Hearer = nobody_hears) -> AsyncIterator[None]:
    """Serves the nodes while its block runs; `hear` is told of requests that they served.

    Raises PlatformError `port-taken` when the address cannot be had.
    """
    server = grpc.aio.server(options=_OPTIONS)
    server.add_generic_rpc_handlers((_handlers(publication), log_intake.handlers(publication.knows, hear)))
    try:
        server.add_insecure_port(str(address))
    except RuntimeError as error:
        raise PlatformError(
            "port-taken",
            f"gateway nodes cannot be served on {address}: {error}",
            hint="stop what listens there, or declare another address under control.xds",
            status=503,
        ) from error
    await server.start()
    try:
        yield
    finally:
        await server.stop(_STOP_WITHIN_S)


def _handlers(publication: Publication) -> Any:
    async def stream(requests: AsyncIterator[bytes], context: Any) -> None:
        await _serve(publication, requests, context)

    # Messages come as bytes: what is no message must not break the stream with a stack trace.
    handler = grpc.stream_stream_rpc_method_handler(stream, response_serializer=_serialise)
    return grpc.method_handlers_generic_handler(_SERVICE, {_METHOD: handler})


async def _serve(publication: Publication, requests: AsyncIterator[bytes], context: Any) -> None:
    raw = await anext(requests, None)
    if raw is None:
        return
    first = _message(raw)
    if first is None:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, _NO_MESSAGE)
    if not first.node.id:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the first message has to name the node")
    if not publication.knows(first.node.id, first.node.cluster):
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, f"no such node here: {first.node.id!r}")
    follower = publication.follow(first.node.id)
    listening = asyncio.create_task(_listen(first, requests, follower), name=f"xds {follower.node}")
    try:
        await _tell(publication, follower, listening, context)
    finally:
        publication.leave(follower)
        listening.cancel()
        await asyncio.wait([listening])
        if not listening.cancelled() and (error := listening.exception()):
            log.warning("stream of gateway node broke", node=follower.node, error=repr(error))
        elif not listening.cancelled() and not listening.result():
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, _NO_MESSAGE)


async def _listen(first: Any, requests: AsyncIterator[bytes], follower: Follower) -> bool:
    """Whether every message up to the end of the stream was one."""
    _hear(first, follower)
    try:
        async for raw in requests:
            message = _message(raw)
            if message is None:
                return False
            _hear(message, follower)
        return True
    finally:
        follower.awake.beat()


def _message(raw: bytes) -> Any:
    try:
        return discovery_pb2.DeltaDiscoveryRequest.FromString(raw)
    except DecodeError as error:
        log.info("message is not of a gateway node", error=str(error))
        return None


def _hear(message: Any, follower: Follower) -> None:
    kind = _KINDS.get(message.type_url)
    if kind is not None:
        follower.session.hear(_asked(kind, message))
        follower.awake.beat()


async def _tell(publication: Publication, follower: Follower, listening: "asyncio.Task[bool]", context: Any) -> None:
    """Sends what is due whenever the node has spoken or something was published, until the node is gone."""
    while publication.follows(follower) and not listening.done():
        seen = follower.awake.count
        for message in follower.session.due():
            await context.write(message)
        publication.settle(follower)
        if not await follower.awake.beyond(seen, _QUIET_S):
            follower.session.try_entrance_again()


def _asked(kind: Kind, message: Any) -> Asked:
    return Asked(
        kind=kind,
        wants=tuple(message.resource_names_subscribe),
        drops=tuple(message.resource_names_unsubscribe),
        has=dict(message.initial_resource_versions),
        nonce=message.response_nonce,
        refused=message.error_detail.message if message.HasField("error_detail") else None,
    )


def _serialise(sent: Sent) -> bytes:
    """The response around resources that are bytes already: none of them is built anew for every node."""
    head = discovery_pb2.DeltaDiscoveryResponse(
        type_url=sent.kind.value, nonce=sent.nonce, removed_resources=sent.removed
    ).SerializeToString()
    bodies = [_resource(each) for each in sent.resources]
    return b"".join((head, *(_RESOURCE_TAG + _varint(len(body)) + body for body in bodies)))


def _resource(resource: Resource) -> bytes:
    packed = Packed(type_url=resource.kind.value, value=resource.body)
    wrapped = discovery_pb2.Resource(name=resource.name, version=resource.version, resource=packed)
    body: bytes = wrapped.SerializeToString()
    return body


def _varint(number: int) -> bytes:
    """Base-128 varint (protobuf encoding guide)."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
