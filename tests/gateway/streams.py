"""Upstreams that go on: a WebSocket echo with an event stream, and a gRPC echo; `streams.py PORT GRPC_PORT`."""

import asyncio
import sys
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import grpc
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

SERVICE, ECHO, COUNT = "echo.Echo", "Echo", "Count"
PAUSE_S = 0.2


async def run(port: int, grpc_port: int) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_echo(),))
    server.add_insecure_port(f"127.0.0.1:{grpc_port}")
    await server.start()
    async with (
        serve(_answer, "127.0.0.1", port, process_request=_plain),
        await asyncio.start_server(_events, "127.0.0.1", port + 1) as events,
    ):
        await events.serve_forever()


async def _answer(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def _plain(_connection: ServerConnection, request: Request) -> Response | None:
    if request.headers.get("upgrade"):
        return None
    return Response(HTTPStatus.OK, "OK", Headers({"content-length": "5"}), b"plain")


async def _events(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Numbers as events, one every fifth of a second, as many as the last part of the path says."""
    line = (await reader.readuntil(b"\r\n\r\n")).decode().split()[1]
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
    for number in range(int(line.rpartition("/")[2])):
        writer.write(b"data: %d\n\n" % number)
        await writer.drain()
        await asyncio.sleep(PAUSE_S)
    writer.close()


def _echo() -> Any:
    async def echo(request: bytes, context: Any) -> bytes:
        names = dict(context.invocation_metadata())
        context.set_trailing_metadata((("x-caller", names.get("x-consumer-username", "")),))
        return request

    async def count(requests: AsyncIterator[bytes], _context: Any) -> AsyncIterator[bytes]:
        async for request in requests:
            yield request

    handlers = {
        ECHO: grpc.unary_unary_rpc_method_handler(echo),
        COUNT: grpc.stream_stream_rpc_method_handler(count),
    }
    return grpc.method_handlers_generic_handler(SERVICE, handlers)


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), int(sys.argv[2])))
