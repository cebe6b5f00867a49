"""Takes in what nodes tell of the requests that they served: Envoy's access log service (ALS v3)."""

import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import grpc
import structlog
from envoy.service.accesslog.v3 import als_pb2
from google.protobuf.message import DecodeError

from stationmaster.core.names import ApiName, NodeName, UserName
from stationmaster.gateway.access_log import Hearer, Served
from stationmaster.gateway.envoy.access_log import READ, TOLD_AT
from stationmaster.gateway.envoy.identity import CALLER, CREDENTIAL

log = structlog.get_logger("gateway.access_log")

SERVICE, METHOD = "envoy.service.accesslog.v3.AccessLogService", "StreamAccessLogs"

_SECONDS = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}")
Knows = Callable[[str, str], bool]
"""Whether a node of this name belongs to this environment."""


def handlers(knows: Knows, hear: Hearer) -> Any:
    async def stream(requests: AsyncIterator[bytes], context: Any) -> bytes:
        return await _take(requests, context, knows=knows, hear=hear)

    # Messages come as bytes: what is no message must not break the stream with a stack trace.
    return grpc.method_handlers_generic_handler(SERVICE, {METHOD: grpc.stream_unary_rpc_method_handler(stream)})


async def _take(requests: AsyncIterator[bytes], context: Any, *, knows: Knows, hear: Hearer) -> bytes:
    """The first message of a stream names the node."""
    node: NodeName | None = None
    async for raw in requests:
        message = _message(raw)
        if message is None:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "this is no message of the access log service")
        if node is None:
            node = NodeName(message.identifier.node.id)
            if not knows(node, message.identifier.node.cluster):
                await context.abort(grpc.StatusCode.PERMISSION_DENIED, f"no such node here: {node!r}")
        now = datetime.now(UTC)
        for entry in message.http_logs.log_entry:
            if (told := served(node, entry, now)) is not None:
                hear(told)
    return b""


def _message(raw: bytes) -> Any:
    try:
        return als_pb2.StreamAccessLogsMessage.FromString(raw)
    except DecodeError as error:
        log.info("message is not of the access log", error=str(error))
        return None


def served(node: NodeName, entry: Any, now: datetime) -> Served | None:
    """What an `HTTPAccessLogEntry` of ours tells; None for any other. Clocks differ: what is told was before `now`."""
    said = entry.common_properties
    told_at = _SECONDS.fullmatch(said.custom_tags.get(TOLD_AT, ""))
    if told_at is None:
        return None
    at_s = min(float(told_at[0]), now.timestamp())
    took_s = at_s - (said.start_time.seconds + said.start_time.nanos / 1e9)
    told = said.metadata.filter_metadata[READ].fields if READ in said.metadata.filter_metadata else {}
    return Served(
        node=node,
        api=ApiName(said.route_name) if said.route_name else None,
        user=UserName(told[CALLER].string_value) if CALLER in told else None,
        key_id=told[CREDENTIAL].string_value if CREDENTIAL in told else None,
        status=entry.response.response_code.value,
        at=datetime.fromtimestamp(at_s, UTC),
        took_ms=max(0.0, took_s * 1e3),
    )
