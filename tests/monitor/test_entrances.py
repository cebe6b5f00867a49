"""Every TLS entrance is asked until when the certificate that it shows is good."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from stationmaster.core.names import NodeName
from stationmaster.core.spec import Address, GatewayNode, PlatformSpec
from stationmaster.gateway import self_signed
from stationmaster.monitor.entrances import Entrances
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import utc_now


def node(name: str, port: int, tls: int | None) -> GatewayNode:
    return GatewayNode(
        name=NodeName(name),
        listen=Address(host="127.0.0.1", port=port),
        admin=Address(host="127.0.0.1", port=port),
        listen_tls=None if tls is None else Address(host="127.0.0.1", port=tls),
    )


async def test_an_expired_certificate_is_told_as_it_is_shown_and_silence_is_not(
    free_port: Callable[[], int], tmp_path: Path
) -> None:
    shown, silent = free_port(), free_port()
    expired = self_signed.make(["localhost"], utc_now() - self_signed.LIFETIME - timedelta(days=1))
    pair = tmp_path / "pair.pem"
    pair.write_text(expired.key + expired.chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    spec = PlatformSpec(environment="test", nodes=(node("a", 1, shown), node("b", 2, silent), node("c", 3, None)))
    entrances = Entrances(Cell(spec))
    async with await asyncio.start_server(answer, "127.0.0.1", shown, ssl=context):
        await entrances.look()
    ((labels, value),) = entrances.samples()
    assert dict(labels) | {"node": "a", "service": "gateway"} == dict(labels)
    assert labels == tuple(sorted(labels))
    assert value < utc_now().timestamp() - 3600
    await entrances.look()
    assert list(entrances.samples()) == [], "what does not answer any more has no sample"
