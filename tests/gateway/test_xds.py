"""What comes in on the stream of configuration: what is no message ends that stream alone, without a stack trace."""

from collections.abc import AsyncIterator, Callable

import grpc
import pytest
from envoy.service.discovery.v3 import discovery_pb2

from stationmaster.core.spec import Address
from stationmaster.gateway.publication import Publication
from stationmaster.gateway.snapshot import EMPTY, Kind
from stationmaster.gateway.xds import serving
from tests.gateway.rig import local

_METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"


def asked(node: str = "node-1", kind: str = Kind.POOL.value, nonce: str = "") -> bytes:
    said = discovery_pb2.DeltaDiscoveryRequest(
        node={"id": node, "cluster": "testing"}, type_url=kind, response_nonce=nonce
    )
    body: bytes = said.SerializeToString()
    return body


@pytest.fixture
async def address(free_port: Callable[[], int]) -> AsyncIterator[Address]:
    address: Address = local(free_port())
    publication = Publication("testing")
    publication.publish({"node-1": EMPTY})
    async with serving(publication, address):
        yield address


async def told(address: Address, *messages: bytes) -> str:
    """The code with which a stream of these messages ends."""
    async with grpc.aio.insecure_channel(str(address)) as channel:
        try:
            async for _ in channel.stream_stream(_METHOD)(iter(messages), timeout=5):
                pass
        except grpc.aio.AioRpcError as error:
            return str(error.code().name)
    return "OK"


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ((), "OK"),
        ((asked(),), "OK"),
        ((asked(kind="of.nobody"),), "OK"),
        ((asked(), asked(nonce="of-nobody")), "OK"),
        ((b"",), "INVALID_ARGUMENT"),
        ((b"\xff\xff\xff",), "INVALID_ARGUMENT"),
        ((b"\x12\x02\xff\xfe",), "INVALID_ARGUMENT"),
        ((asked(), b"\x0a\xff"), "INVALID_ARGUMENT"),
        ((asked(node="node-9"),), "PERMISSION_DENIED"),
    ],
)
async def test_strangers_and_nonsense_are_refused_without_a_stack_trace(
    address: Address, caplog: pytest.LogCaptureFixture, messages: tuple[bytes, ...], code: str
) -> None:
    assert await told(address, *messages) == code
    assert await told(address, asked()) == "OK"
    assert [each for each in caplog.records if each.exc_info] == []
