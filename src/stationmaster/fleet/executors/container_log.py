"""Follows what a container writes, from where the caller says until the container ends."""

import codecs
import struct
from collections.abc import AsyncGenerator, Mapping

from aiohttp import ClientResponse, StreamReader

from stationmaster.fleet.executors.container import container_name
from stationmaster.fleet.executors.engine import Engine

_HEADER = struct.Struct(">BxxxL")
"""Of a piece of output: which stream, and how many bytes (Docker Engine API, "Attach to a container")."""


async def written(engine: Engine, name: str, begins: Mapping[str, str]) -> AsyncGenerator[str, None]:
    """`begins` as in the query of `GET /containers/ID/logs`: `tail`, or `since` in seconds since 1970."""
    asked = {"stdout": "1", "stderr": "1", "follow": "1", **begins}
    async with engine.asked(f"{name} cannot be followed", within_s=None) as docker:
        # The library's own way to follow leaves its connection open when one stops before the end.
        query = docker._query(f"containers/{container_name(name)}/logs", params=asked)
        async with query as answer:
            try:
                async for text in _texts(answer):
                    yield text
            finally:
                answer.close()


async def _texts(answer: ClientResponse) -> AsyncGenerator[str, None]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while header := await _exactly(answer.content, _HEADER.size):
        _, length = _HEADER.unpack(header)
        if text := decoder.decode(await _exactly(answer.content, length)):
            yield text


async def _exactly(stream: StreamReader, length: int) -> bytes:
    """Empty at the end of the stream, be it in the middle of a piece."""
    read = bytearray()
    while len(read) < length:
        chunk = await stream.read(length - len(read))
        if not chunk:
            return b""
        read += chunk
    return bytes(read)
