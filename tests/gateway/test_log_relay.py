"""What the agent of a node keeps of its access log while the control plane is away, and for how much there is room."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from envoy.service.accesslog.v3 import als_pb2

from stationmaster.gateway.envoy.log_relay import METHOD, LogRelay
from tests.gateway.rig import eventually

Message = als_pb2.StreamAccessLogsMessage


def message(path: str, *, first: bool = False) -> bytes:
    said = Message(http_logs={"log_entry": [{"request": {"path": path}}]})
    if first:
        said.identifier.node.id, said.identifier.node.cluster = "node-1", "testing"
        said.identifier.node.extensions.add(name="one of very many")
    body: bytes = said.SerializeToString()
    return body


async def told(relay: LogRelay, *paths: str) -> None:
    async def requests() -> AsyncIterator[bytes]:
        for number, path in enumerate(paths):
            yield message(path, first=not number)

    await relay.take(requests(), None)


class Control:
    """A control plane; answers with the next of `codes`, and with OK when there are none left."""

    def __init__(self, *codes: grpc.StatusCode) -> None:
        self.codes = list(codes)
        self.took: list[tuple[str, list[str]]] = []

    async def take(self, requests: AsyncIterator[bytes], context: Any) -> bytes:
        whole = Message.FromString(b"".join([each async for each in requests]))
        if self.codes:
            await context.abort(self.codes.pop(0), "not now")
        node = whole.identifier.node
        self.took.append((f"{node.id}@{node.cluster}", [each.request.path for each in whole.http_logs.log_entry]))
        assert not node.extensions
        return b""

    @asynccontextmanager
    async def hearing(self, relay: LogRelay, port: int) -> AsyncIterator[None]:
        server = grpc.aio.server()
        service, method = METHOD.strip("/").split("/")
        handler = grpc.stream_unary_rpc_method_handler(self.take)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
        server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            passing = asyncio.create_task(relay.pass_on(channel, _here))
            try:
                yield
            finally:
                passing.cancel()
                await asyncio.wait([passing])
                await server.stop(None)


async def _here() -> bool:
    return True


async def test_all_that_waits_goes_at_once_and_names_its_node_briefly(free_port: Callable[[], int]) -> None:
    relay, control = LogRelay(), Control()
    await told(relay, "/a", "/b")
    await told(relay, "/c")
    async with control.hearing(relay, free_port()):
        await eventually(lambda: relay.waiting == 0)
        assert control.took == [("node-1@testing", ["/a", "/b", "/c"])]
        await told(relay, "/d")
        await eventually(lambda: len(control.took) == 2)
    assert control.took[1] == ("node-1@testing", ["/d"])


@pytest.mark.parametrize(
    ("code", "took"),
    [
        (grpc.StatusCode.UNAVAILABLE, [["/a"]]),
        (grpc.StatusCode.INTERNAL, [["/a"]]),
        (grpc.StatusCode.PERMISSION_DENIED, []),
        (grpc.StatusCode.UNIMPLEMENTED, []),
    ],
)
async def test_what_was_not_taken_is_sent_again_unless_it_never_will_be(
    free_port: Callable[[], int], code: grpc.StatusCode, took: Sequence[list[str]]
) -> None:
    relay, control = LogRelay(), Control(code)
    await told(relay, "/a")
    async with control.hearing(relay, free_port()):
        await eventually(lambda: relay.waiting == 0)
    assert [paths for _, paths in control.took] == took


async def test_the_oldest_gives_way_when_there_is_no_more_room(free_port: Callable[[], int]) -> None:
    relay, control = LogRelay(most_bytes=3 * len(message("/1"))), Control()
    await told(relay, *(f"/{number}" for number in range(9)))
    assert relay.waiting == 3
    await told(relay, "/" + "x" * 1_000)
    assert relay.waiting == 0
    await told(relay, "/y", "/z")
    async with control.hearing(relay, free_port()):
        await eventually(lambda: relay.waiting == 0)
    assert [paths for _, paths in control.took] == [["/y", "/z"]]


async def test_a_stream_that_says_nothing_or_nonsense_leaves_nothing() -> None:
    relay, context = LogRelay(), Context()

    async def nonsense() -> AsyncIterator[bytes]:
        yield b"\xff\xff"

    await told(relay)
    with pytest.raises(grpc.aio.AbortError):
        await relay.take(nonsense(), context)
    assert (relay.waiting, context.code) == (0, grpc.StatusCode.INVALID_ARGUMENT)


class Context:
    """The server's side of a stream."""

    code: grpc.StatusCode | None = None

    async def abort(self, code: grpc.StatusCode, details: str) -> None:
        self.code = code
        raise grpc.aio.AbortError(details)
