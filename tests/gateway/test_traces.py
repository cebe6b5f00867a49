"""Traces of requests: off until somebody switches them on; then endpoints and a receiver get what belongs together."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stationmaster.core.monitoring import Monitoring, Traces
from stationmaster.gateway.ir import TraceSink
from stationmaster.gateway.plan.traces import trace_sink
from stationmaster.runtime.db import Database
from tests.gateway.rig import Rig, declared, running
from tests.runtime.receiver import Receiver, attributes, receiver
from tests.runtime.test_tracing import PARENT, UNSAMPLED


@pytest.mark.parametrize(
    ("endpoint", "sink"),
    [
        ("http://127.0.0.1:4318", ("127.0.0.1", 4318, "/v1/traces", False)),
        ("http://collector/v1/traces", ("collector", 80, "/v1/traces", False)),
        ("https://t.example.org/otlp/", ("t.example.org", 443, "/otlp/v1/traces", True)),
    ],
)
def test_an_endpoint_is_a_host_a_port_and_a_path(endpoint: str, sink: tuple[str, int, str, bool]) -> None:
    host, port, path, secure = sink
    wanted = TraceSink(host=host, port=port, path=path, secure=secure, share=0.5)
    assert trace_sink(Traces(endpoint=endpoint, ratio=0.5)) == wanted


@pytest.mark.parametrize("endpoint", ["grpc://h:4317", "h:4318", ""])
def test_what_is_no_url_of_http_switches_nothing_on(endpoint: str) -> None:
    assert trace_sink(Traces(endpoint=endpoint)) is None
    assert trace_sink(None) is None


async def switch(rig: Rig, traces: Traces | None) -> None:
    await rig.declare(replace(rig.spec, monitoring=Monitoring(traces=traces)))


async def seen_headers(rig: Rig, path: str, **headers: str) -> dict[str, str]:
    answer = await rig.request("GET", path, headers=headers)
    assert answer.status_code == 200
    found: dict[str, str] = answer.json()["headers"]
    return found


async def spans(found: Receiver, count: int) -> list[str]:
    async with asyncio.timeout(15):
        while len(found.spans) < count:
            await asyncio.sleep(0.05)
    return [each.name for each in found.spans]


@pytest.mark.e2e
async def test_requests_are_traced_once_that_is_declared(
    free_port: Callable[[], int], database: Database, tmp_path: Path
) -> None:
    with receiver(free_port()) as found:
        async with running(declared(free_port, nodes=1, targets=1), database, tmp_path) as rig:
            assert "traceparent" not in await seen_headers(rig, "/public")
            assert (await seen_headers(rig, "/public", traceparent=PARENT))["traceparent"] == PARENT
            await switch(rig, Traces(endpoint=found.endpoint))
            passed_on = (await seen_headers(rig, "/public/x?secret=1", traceparent=PARENT))["traceparent"]
            assert passed_on.split("-")[1] == PARENT.split("-")[1]
            assert passed_on.split("-")[2] != PARENT.split("-")[2], "the node's own span is the parent"
            assert await spans(found, 1) == ["public"]
            span = found.named("public")
            assert span.parent_span_id.hex() == PARENT.split("-")[2]
            assert passed_on.split("-")[2] == span.span_id.hex()
            assert attributes(span)["stationmaster.api"] == "public"
            assert "secret" not in str(span)
            assert "/public" not in str(span)
            await switch(rig, Traces(endpoint=found.endpoint, ratio=0.0))
            assert (await seen_headers(rig, "/public", traceparent=UNSAMPLED))["traceparent"].endswith("-00")
            await switch(rig, None)
            assert "traceparent" not in await seen_headers(rig, "/public")
    assert len(found.spans) == 1
    assert found.resources[0]["service.name"] == "stationmaster-gateway"
