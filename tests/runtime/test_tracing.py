"""Spans reach a receiver of OTLP where traces are switched on, and cost nothing where they are not."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from stationmaster.core.monitoring import Monitoring, Traces
from stationmaster.core.spec import PlatformSpec
from stationmaster.runtime import outbox, tracing
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from stationmaster.runtime.otlp import endpoint_of
from stationmaster.runtime.tracing import failure, follow, span
from tests.runtime.receiver import attributes, receiver
from tests.runtime.test_outbox_lag import NOON, fact, ignored

OFF = PlatformSpec(environment="testing")
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def on(endpoint: str, ratio: float = 1.0) -> PlatformSpec:
    return replace(OFF, monitoring=Monitoring(traces=Traces(endpoint=endpoint, ratio=ratio)))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def following(declared: Cell[PlatformSpec]) -> AsyncIterator[None]:
    task = asyncio.create_task(follow(declared))
    try:
        await until(lambda: (tracing._recorder is not None) == (declared.value.monitoring.traces is not None))
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_spans_are_sent_with_what_they_belong_to(free_port: Callable[[], int]) -> None:
    with receiver(free_port()) as found:
        async with following(Cell(on(found.endpoint))):
            with span("outer", parent=PARENT, http__route="/x", count=3) as outer:
                outer.note(more=True)
                with span("inner") as inner:
                    await asyncio.sleep(0)
                    inner.rename("inner, renamed")
                    inner.failed("it broke")
        outer_span, inner_span = found.named("outer"), found.named("inner, renamed")
    assert found.paths == ["/v1/traces"]
    assert outer_span.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert outer_span.parent_span_id.hex() == "b7ad6b7169203331"
    assert inner_span.parent_span_id == outer_span.span_id
    assert attributes(outer_span) == {"http.route": "/x", "count": 3, "more": True}
    assert (inner_span.status.message, outer_span.status.message) == ("it broke", "")
    assert found.resources[0]["service.name"] == "stationmaster"
    assert found.resources[0]["deployment.environment.name"] == "testing"


async def test_an_exception_makes_a_span_failed_and_goes_on(free_port: Callable[[], int]) -> None:
    with receiver(free_port()) as found:
        async with following(Cell(on(found.endpoint))):
            with pytest.raises(LookupError), span("breaks"):
                raise LookupError("nothing there")
    assert "nothing there" in found.named("breaks").status.message


async def test_spans_of_tasks_beside_each_other_do_not_mix(free_port: Callable[[], int]) -> None:
    async def one(name: str) -> None:
        with span(name):
            await asyncio.sleep(0.01)
            with span(f"{name} below"):
                await asyncio.sleep(0.01)

    with receiver(free_port()) as found:
        async with following(Cell(on(found.endpoint))):
            await asyncio.gather(one("a"), one("b"))
    for name in ("a", "b"):
        assert found.named(f"{name} below").parent_span_id == found.named(name).span_id


async def test_who_began_a_trace_decides_whether_it_is_recorded(free_port: Callable[[], int]) -> None:
    with receiver(free_port()) as found:
        async with following(Cell(on(found.endpoint, ratio=0.0))):
            with span("begins here"):
                pass
            with span("goes on", parent=PARENT):
                pass
            with span("is left out", parent=UNSAMPLED):
                pass
            with span("begins anew", parent="nonsense"):
                pass
    assert [each.name for each in found.spans] == ["goes on"]


async def test_traces_are_switched_while_the_platform_runs(free_port: Callable[[], int]) -> None:
    declared = Cell(OFF)
    with receiver(free_port()) as found:
        async with following(declared):
            with span("before"):
                pass
            declared.set(on(found.endpoint))
            await until(lambda: tracing._recorder is not None)
            with span("while it is on"):
                pass
            declared.set(OFF)
            await until(lambda: bool(found.spans))
            with span("after"):
                pass
    assert [each.name for each in found.spans] == ["while it is on"]


async def test_a_receiver_that_is_away_holds_nobody_up(free_port: Callable[[], int]) -> None:
    started = time.monotonic()
    async with following(Cell(on(f"http://127.0.0.1:{free_port()}"))):
        with span("lost"):
            pass
    assert time.monotonic() - started < 15


async def test_what_failed_is_kept_with_the_time_that_it_took(free_port: Callable[[], int]) -> None:
    failure("probe", "nobody is told")
    with receiver(free_port()) as found:
        async with following(Cell(on(found.endpoint))):
            failure("probe", "connection refused", took_ms=250.0, instance="shop-1")
    kept = found.named("probe")
    assert kept.status.message == "connection refused"
    assert (kept.end_time_unix_nano - kept.start_time_unix_nano) / 1e6 == pytest.approx(250.0)
    assert attributes(kept) == {"instance": "shop-1"}


async def test_handling_a_fact_is_a_span(database: Database, free_port: Callable[[], int]) -> None:
    await fact(database, NOON)
    with receiver(free_port()) as found:
        async with following(Cell(on(found.endpoint))):
            await outbox.drain(database, "incidents", ignored)
    assert attributes(found.named("incidents: FaultInjected")) == {"fact": 1}


def test_nothing_is_kept_and_nothing_made_where_traces_are_off() -> None:
    first, second = span("a", one=1), span("b")
    assert first is second
    with first as current:
        current.note(x=1)
        current.failed("no")
        current.rename("c")


@pytest.mark.parametrize(
    ("declared", "sent_to"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
        ("http://h/otlp/v1/traces", "http://h/otlp/v1/traces"),
        ("https://h/otlp", "https://h/otlp/v1/traces"),
    ],
)
def test_the_path_of_the_endpoint_may_be_left_out(declared: str, sent_to: str) -> None:
    assert endpoint_of(declared) == sent_to
