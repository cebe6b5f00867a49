"""A small HTTP/1.1 upstream that tells what it was asked; run as a program: `upstream.py PORT`."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Mapping

HEALTHY = "operational"
SLOW_S = 0.8

_ASKED: Counter[str] = Counter()


async def serve(port: int) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await _exchange(reader, writer, port)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {key.lower(): value.strip() for key, _, value in (each.partition(":") for each in fields)}
    await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = line.split(" ")
    _ASKED[f"{method} {path}"] += 1
    if path == "/slow":
        await asyncio.sleep(SLOW_S)
    if path == "/crash":
        raise ConnectionError("as if it died over this request")
    body = json.dumps(_seen(port, method, path, headers)).encode()
    answer = b"429 Too Many Requests\r\nretry-after: 7" if path == "/busy" else b"200 OK"
    writer.write(b"HTTP/1.1 %b\r\ncontent-length: %d\r\n\r\n" % (answer, len(body)) + body)
    await writer.drain()


def _seen(port: int, method: str, path: str, headers: Mapping[str, str]) -> dict[str, object]:
    return {"port": port, "method": method, "path": path, "headers": headers, "status": HEALTHY, "asked": _ASKED}


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
