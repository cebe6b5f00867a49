"""Stands between a node and the control plane: passes their stream on and records it, or stands in from the record."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import structlog
from envoy.service.discovery.v3 import discovery_pb2

from stationmaster.core.spec import Address
from stationmaster.gateway.envoy import log_relay
from stationmaster.gateway.envoy.log_relay import LogRelay
from stationmaster.gateway.envoy.stand_in import answer, recorded
from stationmaster.gateway.ledger import Ledger
from stationmaster.gateway.record import Record
from stationmaster.runtime.board import Pulse
from stationmaster.runtime.tasks import supervise

log = structlog.get_logger("gateway.relay")

_METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
_UNKNOWN_VERSION = "?"
_REACHED_WITHIN_S = 1.0
_QUIET_S = 0.5
_STOP_WITHIN_S = 0.2
_SIZES = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
_ALIVE = (
    # Both sides ask each other for signs of life, so that a frozen peer is noticed within seconds.
    ("grpc.keepalive_time_ms", 5_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
    ("grpc.http2.max_ping_strikes", 0),
)
_TO_NODE = (*_SIZES, *_ALIVE)
_TO_CONTROL = (
    *_TO_NODE,
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
)
_READY = grpc.ChannelConnectivity.READY
_FAILED = grpc.ChannelConnectivity.TRANSIENT_FAILURE

Messages = AsyncIterator[bytes]


@dataclass(slots=True)
class Relay:
    """`stands_in`: the control plane is away, and the node is answered from the record; `changed` beats with it."""

    control: Address
    record: Record
    channel: Any = None
    stands_in: bool = False
    changed: Pulse = field(default_factory=Pulse)
    access_log: LogRelay = field(default_factory=LogRelay)

    @asynccontextmanager
    async def serving(self, socket: Path) -> AsyncIterator[None]:
        """Serves the node while the block runs. A relative `socket` is short enough wherever the folder is."""
        await asyncio.to_thread(socket.unlink, missing_ok=True)
        server = grpc.aio.server(options=_TO_NODE)
        server.add_generic_rpc_handlers((_Handlers(self),))
        server.add_insecure_port(f"unix:{socket}")
        async with grpc.aio.insecure_channel(str(self.control), options=_TO_CONTROL) as channel:
            self.channel = channel
            await server.start()
            telling = asyncio.create_task(supervise("access log", self._tell), name="access log")
            try:
                yield
            finally:
                telling.cancel()
                await server.stop(_STOP_WITHIN_S)
                await asyncio.wait([telling])

    async def _tell(self) -> None:
        await self.access_log.pass_on(self.channel, lambda: self._reached(None))

    async def configure(self, requests: Messages, context: Any) -> None:
        """One stream of configuration."""
        first = await anext(requests, None)
        if first is None:
            return
        if await self._reached():
            await self._pass_on(first, requests, context)
        else:
            await self._stand_in(first, requests, context)

    async def other(self, method: str, requests: Messages, context: Any) -> None:
        """Any other stream goes to the control plane as it is."""
        await _join(self.channel.stream_stream(method)(), requests, context)

    async def _reached(self, limit_s: float | None = _REACHED_WITHIN_S) -> bool:
        """Whether the control plane answers; without a limit this waits until it does."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while (state := self.channel.get_state(try_to_connect=True)) is not _READY:
                    if limit_s is not None and state is _FAILED:
                        return False
                    await self.channel.wait_for_state_change(state)
                return True
        return False

    async def _pass_on(self, first: bytes, requests: Messages, context: Any) -> None:
        ledger = Ledger(self.record)
        heard = Pulse()

        async def asking() -> Messages:
            yield _asked(ledger, first)
            async for message in requests:
                heard.beat()
                yield _asked(ledger, message)

        def telling(message: bytes) -> bytes:
            _told(ledger, message)
            heard.beat()
            return message

        settling = asyncio.create_task(_settle(ledger, heard), name="settle")
        try:
            await _join(self.channel.stream_stream(_METHOD)(), asking(), context, telling)
        finally:
            settling.cancel()
            await asyncio.wait([settling])

    async def _stand_in(self, first: bytes, requests: Messages, context: Any) -> None:
        """Answers from the record until the control plane is back; then the stream ends, and the node's next one
        reaches it."""
        known = recorded(self.record)
        log.warning("control plane is away", resources=sum(map(len, known.resources.values())))
        self._show(True)
        back = asyncio.create_task(self._reached(None), name="control plane is back")
        speaking = asyncio.create_task(answer(known, first, requests, context), name="stand in")
        try:
            await asyncio.wait([back, speaking], return_when=asyncio.FIRST_COMPLETED)
            log.info("control plane is back" if back.done() else "node has hung up")
        finally:
            for task in (back, speaking):
                task.cancel()
            await asyncio.wait([back, speaking])
            self._show(False)

    def _show(self, stands_in: bool) -> None:
        self.stands_in = stands_in
        self.changed.beat()


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """Every method is a stream of bytes in both directions."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def service(self, handler_call_details: Any) -> Any:
        method: str = handler_call_details.method

        async def stream(requests: Messages, context: Any) -> None:
            if method == _METHOD:
                await self._relay.configure(requests, context)
            elif method == log_relay.METHOD:
                await self._relay.access_log.take(requests, context)
            else:
                await self._relay.other(method, requests, context)

        return grpc.stream_stream_rpc_method_handler(stream)


async def _join(
    call: Any, requests: Messages, context: Any, passing: Callable[[bytes], bytes] = lambda message: message
) -> None:
    """Passes messages both ways until one side ends; a refusal of the far side becomes one of this side."""

    async def send() -> None:
        async for message in requests:
            await call.write(message)
        await call.done_writing()

    def hang_up(task: "asyncio.Task[None]") -> None:
        """A way that is broken in one direction must not stay open in the other."""
        if not task.cancelled() and (error := task.exception()):
            log.warning("stream of the node broke", error=repr(error))
            call.cancel()

    sending = asyncio.create_task(send(), name="relay")
    sending.add_done_callback(hang_up)
    refusal = None
    try:
        async for message in call:
            await context.write(passing(message))
    except grpc.aio.AioRpcError as error:
        refusal = error
    finally:
        call.cancel()
        sending.cancel()
        await asyncio.wait([sending])
    if refusal is not None and refusal.code() is not grpc.StatusCode.CANCELLED:
        log.info("stream to the control plane ended", code=refusal.code().name, details=refusal.details())
        await context.abort(refusal.code(), refusal.details() or "")


def _asked(ledger: Ledger, raw: bytes) -> bytes:
    """Notes a request of the node; what is not on record is asked for once more."""
    message = discovery_pb2.DeltaDiscoveryRequest.FromString(raw)
    if message.response_nonce:
        ledger.answered(message.response_nonce, refused=message.HasField("error_detail"))
    subscribes = message.resource_names_subscribe or message.resource_names_unsubscribe
    if message.response_nonce and not subscribes:
        return raw
    unrecorded = ledger.asked(
        message.type_url,
        wants=message.resource_names_subscribe,
        drops=message.resource_names_unsubscribe,
        has=message.initial_resource_versions,
    )
    for name in unrecorded:
        message.initial_resource_versions[name] = _UNKNOWN_VERSION
    return message.SerializeToString() if unrecorded else raw


def _told(ledger: Ledger, raw: bytes) -> None:
    message = discovery_pb2.DeltaDiscoveryResponse.FromString(raw)
    rows = [(each.name, each.version, each.resource.value) for each in message.resources]
    ledger.sent(message.type_url, message.nonce, rows, message.removed_resources)


async def _settle(ledger: Ledger, heard: Pulse) -> None:
    """Clears the record of left-overs once the node has all that it asked for."""
    while True:
        if not await heard.beyond(heard.count, _QUIET_S) and ledger.complete():
            ledger.settle()
            return
