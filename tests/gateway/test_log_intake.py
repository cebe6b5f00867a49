"""What comes in over the access log service: only what nodes of ours say, and nothing that breaks a stream."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from envoy.data.accesslog.v3 import accesslog_pb2
from envoy.service.accesslog.v3 import als_pb2

from stationmaster.core.names import ApiName, NodeName, UserName
from stationmaster.core.spec import Address
from stationmaster.gateway.access_log import Served
from stationmaster.gateway.envoy.log_intake import METHOD, SERVICE, served
from stationmaster.gateway.publication import Publication
from stationmaster.gateway.snapshot import EMPTY
from stationmaster.gateway.xds import serving
from tests.gateway.rig import local

NODE, NOW = NodeName("node-1"), datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AT_S = int(NOW.timestamp())


def entry(*, told_at: str = f"{AT_S - 1}.5", began_s: int = AT_S - 2, **told: str) -> Any:
    found = accesslog_pb2.HTTPAccessLogEntry(
        common_properties={
            "start_time": {"seconds": began_s},
            "route_name": "pets",
            "custom_tags": {"told_at": told_at},
        },
        response={"response_code": {"value": 200}},
    )
    metadata = found.common_properties.metadata.filter_metadata["stationmaster.holder"]
    metadata.update({name.replace("_", "-"): value for name, value in told.items()})
    return found


def message(*entries: Any, node: str = "node-1", environment: str = "testing") -> bytes:
    said = als_pb2.StreamAccessLogsMessage(
        identifier={"node": {"id": node, "cluster": environment}}, http_logs={"log_entry": entries}
    )
    body: bytes = said.SerializeToString()
    return body


def test_an_entry_in_our_words() -> None:
    told = entry(x_credential_identifier="5f0c", x_consumer_username="ada")
    assert served(NODE, told, NOW) == Served(
        node=NODE,
        api=ApiName("pets"),
        user=UserName("ada"),
        key_id="5f0c",
        status=200,
        at=datetime(2026, 3, 1, 11, 59, 59, 500_000, UTC),
        took_ms=1_500.0,
    )


def test_an_entry_of_nobody_on_no_api() -> None:
    told = entry()
    told.common_properties.route_name = ""
    told.ClearField("response")
    found = served(NODE, told, NOW)
    assert found is not None
    assert (found.api, found.user, found.key_id, found.status) == (None, None, None, 0)


@pytest.mark.parametrize(
    ("told_at", "began_s", "at_s", "took_ms"),
    [
        (f"{AT_S + 3600}.0", AT_S - 1, AT_S, 1_000.0),
        ("0.0", AT_S, 0, 0.0),
        (f"{AT_S}.0", 2**62, AT_S, 0.0),
        ("999999999999.999999999", 0, AT_S, AT_S * 1e3),
    ],
)
def test_times_that_cannot_be_become_some_that_can(told_at: str, began_s: int, at_s: int, took_ms: float) -> None:
    found = served(NODE, entry(told_at=told_at, began_s=began_s), NOW)
    assert found is not None
    assert (found.at, found.took_ms) == (datetime.fromtimestamp(at_s, UTC), took_ms)


@pytest.mark.parametrize("told_at", ["", "nan", "inf", "-1.0", "1e9", "yesterday", "1" * 13 + ".0", "١.٢"])
def test_an_entry_without_a_time_is_none_of_ours(told_at: str) -> None:
    assert served(NODE, entry(told_at=told_at), NOW) is None


Tell = Callable[..., Any]


@pytest.fixture
async def heard() -> list[Served]:
    return []


@pytest.fixture
async def tell(free_port: Callable[[], int], heard: list[Served]) -> AsyncIterator[Tell]:
    """Sends messages on one stream; the code that it ends with."""
    address: Address = local(free_port())
    publication = Publication("testing")
    publication.publish({"node-1": EMPTY})
    async with serving(publication, address, heard.append), grpc.aio.insecure_channel(str(address)) as channel:

        async def send(*messages: bytes) -> str:
            try:
                await channel.stream_unary(f"/{SERVICE}/{METHOD}")(iter(messages), timeout=5)
            except grpc.aio.AioRpcError as error:
                return str(error.code().name)
            return "OK"

        yield send


async def test_only_the_first_message_of_a_stream_has_to_name_the_node(tell: Tell, heard: list[Served]) -> None:
    second = als_pb2.StreamAccessLogsMessage(http_logs={"log_entry": [entry(x_credential_identifier="b")]})
    assert await tell(message(entry(x_credential_identifier="a")), second.SerializeToString()) == "OK"
    assert [(each.node, each.key_id) for each in heard] == [("node-1", "a"), ("node-1", "b")]


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ((message(entry(), node="node-9"),), "PERMISSION_DENIED"),
        ((message(entry(), node=""),), "PERMISSION_DENIED"),
        ((message(entry(), environment="another"),), "PERMISSION_DENIED"),
        ((b"",), "PERMISSION_DENIED"),
        ((b"\xff\xff\xff",), "INVALID_ARGUMENT"),
        ((message(), b"\x0a\xff"), "INVALID_ARGUMENT"),
        ((), "OK"),
    ],
)
async def test_strangers_and_nonsense_are_refused_without_a_stack_trace(
    tell: Tell, heard: list[Served], caplog: pytest.LogCaptureFixture, messages: tuple[bytes, ...], code: str
) -> None:
    assert await tell(*messages) == code
    assert heard == []
    assert await tell(message(entry(x_credential_identifier="a"))) == "OK"
    assert len(heard) == 1
    assert [each for each in caplog.records if each.exc_info] == []
