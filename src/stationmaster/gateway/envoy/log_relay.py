"""Keeps what a node tells of the requests that it served until the control plane has taken it, as far as there is
room."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import structlog
from envoy.service.accesslog.v3 import als_pb2
from google.protobuf.message import DecodeError

from stationmaster.runtime.board import Pulse

log = structlog.get_logger("gateway.log_relay")

METHOD = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs"
_TAKEN_WITHIN_S = 5.0
_AGAIN_AFTER_S = 0.5
_LONGEST_WAIT_S = 60.0
_MOST_BYTES = 4 * 1024 * 1024
"""Some 5,000 uses of keys; the oldest give way."""
_FINAL = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNIMPLEMENTED)
"""Refusals that would come again."""

_Identifier = als_pb2.StreamAccessLogsMessage.Identifier


@dataclass(slots=True)
class LogRelay:
    """What the node says is taken at once, whether the control plane is there or not."""

    most_bytes: int = _MOST_BYTES
    _kept: deque[bytes] = field(default_factory=deque)
    _bytes: int = 0
    _head: bytes = b""
    _arrived: Pulse = field(default_factory=Pulse)

    @property
    def waiting(self) -> int:
        """How many messages of the node the control plane has not taken yet."""
        return len(self._kept)

    async def take(self, requests: AsyncIterator[bytes], context: Any) -> None:
        """One stream of the node; only its first message says which node it is."""
        first = await anext(requests, None)
        if first is None:
            return
        try:
            message = als_pb2.StreamAccessLogsMessage.FromString(first)
        except DecodeError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        # Of a node, the name is enough: all that it says about itself is 20 kB.
        node = {"id": message.identifier.node.id, "cluster": message.identifier.node.cluster}
        self._head = als_pb2.StreamAccessLogsMessage(identifier=_Identifier(node=node)).SerializeToString()
        message.ClearField("identifier")
        self._keep(message.SerializeToString())
        async for raw in requests:
            self._keep(raw)

    def _keep(self, raw: bytes) -> None:
        self._kept.append(raw)
        self._bytes += len(raw)
        while self._bytes > self.most_bytes:
            self._bytes -= len(self._kept.popleft())
        self._arrived.beat()

    async def pass_on(self, channel: Any, reached: Callable[[], Awaitable[bool]]) -> None:
        """For ever; `reached` waits until the control plane is there."""
        while True:
            seen = self._arrived.count
            if not self._kept:
                await self._arrived.beyond(seen, _LONGEST_WAIT_S)
            elif await reached() and not await self._send(channel):
                await asyncio.sleep(_AGAIN_AFTER_S)

    async def _send(self, channel: Any) -> bool:
        """What is there now, on a stream of its own, whose end says that it was taken."""
        parcel = tuple(self._kept)
        try:
            await channel.stream_unary(METHOD)(iter((self._head, *parcel)), timeout=_TAKEN_WITHIN_S)
        except grpc.aio.AioRpcError as error:
            if error.code() not in _FINAL:
                return False
            log.warning("control plane refuses the access log", code=error.code().name, details=error.details())
        self._drop(parcel)
        return True

    def _drop(self, parcel: tuple[bytes, ...]) -> None:
        """Some of it may have given way already."""
        for each in parcel:
            if self._kept and self._kept[0] is each:
                self._bytes -= len(self._kept.popleft())
