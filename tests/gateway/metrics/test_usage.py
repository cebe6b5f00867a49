"""Who called what how often: exact counts from real nodes, over restarts of either side, as long as they are kept."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from stationmaster.core.names import ApiName, UserName
from stationmaster.core.spec import GatewayLimits, PlatformSpec
from stationmaster.gateway.metrics import use_store, uses
from stationmaster.gateway.metrics.usage import RETENTION, Usage
from stationmaster.gateway.metrics.use_store import Question, Step, UseRow
from stationmaster.gateway.metrics.uses import Uses
from stationmaster.gateway.node import ready
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.gateway.rig import KEY, Rig, declared, running

ADA, MALLORY = {"apikey": KEY["ada"]}, {"apikey": KEY["mallory"]}
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
A, B = UserName("ada"), UserName("bob")
SHOP, CARS = ApiName("shop"), ApiName("cars")


def some(requests: int, client_errors: int = 0, server_errors: int = 0) -> Uses:
    return Uses(requests=requests, client_errors=client_errors, server_errors=server_errors)


@dataclass(slots=True)
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


def question(**more: object) -> Question:
    return replace(Question(since=NOON - timedelta(days=100), until=NOON + timedelta(days=100)), **more)  # type: ignore[arg-type]


def counts(rows: object) -> dict[tuple[str, str], tuple[int, int, int]]:
    assert isinstance(rows, list)
    found: list[UseRow] = rows
    return {
        (each.user, each.api): (each.uses.requests, each.uses.client_errors, each.uses.server_errors) for each in found
    }


def test_figures_of_a_node_are_added_up_by_entrance_user_and_api() -> None:
    body = b"""# TYPE envoy_use_0a_requests counter
envoy_use_0a_requests{api="shop",user="ada",code="200"} 5
envoy_use_0a_requests{api="shop",user="ada",code="0"} 1
envoy_use_0a_requests{api="shop",user="ada",code="429"} 2
envoy_use_0a_requests{api="shop",user="ada",code="503"} 3
envoy_use_0a_requests{api="",user="bob",code="404"} 9
# TYPE envoy_use_1b_requests counter
envoy_use_1b_requests{api="cars.v1",user="bob~x",code="204"} 7
envoy_api_requests{api="shop",code="200",tries="1"} 100
"""
    assert uses.read(body) == {"0a": {("ada", "shop"): some(11, 2, 3)}, "1b": {("bob~x", "cars.v1"): some(7)}}


def test_only_what_rose_is_new() -> None:
    before = {(A, SHOP): some(5, 1), (B, SHOP): some(2)}
    now = {(A, SHOP): some(9, 1, 2), (B, SHOP): some(2), (B, CARS): some(1)}
    assert uses.risen(before, now) == {(A, SHOP): some(4, 0, 2), (B, CARS): some(1)}


def test_a_count_that_fell_began_at_nought() -> None:
    assert uses.risen({(A, SHOP): some(5, 4)}, {(A, SHOP): some(3, 1)}) == {(A, SHOP): some(3, 1)}


@pytest.fixture
async def stored(database: Database) -> Usage:
    """Two users over two days."""
    day = timedelta(days=1)
    async with database.write() as connection:
        await use_store.add(connection, NOON, {(A, SHOP): some(5, 1), (B, SHOP): some(2)})
        await use_store.add(connection, NOON, {(A, SHOP): some(1, 0, 1)})
        await use_store.add(connection, NOON + timedelta(hours=1), {(A, CARS): some(3)})
        await use_store.add(connection, NOON - day, {(A, SHOP): some(10)})
    return Usage(database, Cell(PlatformSpec(environment="testing")), clock=Clock())


async def test_uses_are_told_for_the_whole_span_by_day_and_by_hour(stored: Usage) -> None:
    assert counts(await stored.asked(question())) == {
        ("ada", "shop"): (16, 1, 1),
        ("ada", "cars"): (3, 0, 0),
        ("bob", "shop"): (2, 0, 0),
    }
    by_day = await stored.asked(question(step=Step.DAY, user="ada"))
    midnight = NOON.replace(hour=0)
    assert [(each.at, each.api, each.uses.requests) for each in by_day] == [
        (midnight, "shop", 6),
        (midnight, "cars", 3),
        (midnight - timedelta(days=1), "shop", 10),
    ]
    by_hour = await stored.asked(question(step=Step.HOUR, api="shop", since=NOON + timedelta(minutes=30)))
    assert [(each.at, each.user, each.uses.requests) for each in by_hour] == [(NOON, "ada", 6), (NOON, "bob", 2)]


async def test_a_span_ends_before_its_end_and_no_more_rows_come_than_asked_for(stored: Usage) -> None:
    assert counts(await stored.asked(question(until=NOON))) == {("ada", "shop"): (10, 0, 0)}
    assert counts(await stored.asked(question(limit=1))) == {("ada", "shop"): (16, 1, 1)}
    assert await stored.asked(question(user="nobody")) == []


async def test_hours_are_kept_for_ninety_days(stored: Usage) -> None:
    stored.clock = Clock(NOON - timedelta(days=1) + RETENTION)
    await stored.expire()
    assert counts(await stored.asked(question(user="ada", api="shop"))) == {("ada", "shop"): (16, 1, 1)}
    stored.clock = Clock(NOON - timedelta(days=1) + RETENTION + timedelta(hours=1))
    await stored.expire()
    assert counts(await stored.asked(question(user="ada", api="shop"))) == {("ada", "shop"): (6, 1, 1)}


async def test_where_there_are_too_many_rows_the_oldest_hours_go_first(stored: Usage) -> None:
    stored.most_rows = 3
    await stored.expire()
    assert counts(await stored.asked(question())) == {
        ("ada", "shop"): (6, 1, 1),
        ("ada", "cars"): (3, 0, 0),
        ("bob", "shop"): (2, 0, 0),
    }


@pytest.fixture
async def rig(free_port: Callable[[], int], database: Database, tmp_path: Path) -> AsyncIterator[Rig]:
    async with running(declared(free_port, nodes=2, targets=1), database, tmp_path) as built:
        yield built


def usage_of(rig: Rig) -> Usage:
    """As a control plane that has just begun has it."""
    return Usage(rig.database, rig.declared, clock=Clock())


async def ask(rig: Rig, times: int, path: str, headers: dict[str, str], status: int, node: int = 0) -> None:
    for _ in range(times):
        assert (await rig.request("GET", path, node, headers=headers)).status_code == status


async def nodes_read(rig: Rig) -> list[str]:
    """Of which something is kept, once for every life of an entrance."""
    async with rig.database.read() as connection:
        return sorted(node for node, _ in await use_store.lives(connection))


@pytest.mark.e2e
async def test_every_request_of_a_user_counts_once_over_nodes_and_restarts_of_both_sides(rig: Rig) -> None:
    token = {"authorization": f"Bearer {rig.signer.token()}"}
    usage = usage_of(rig)
    await ask(rig, 4, "/both", ADA, 200)
    await ask(rig, 3, "/both", token, 200, node=1)
    await ask(rig, 2, "/keyed", ADA, 200)
    await ask(rig, 2, "/keyed/busy", ADA, 429)
    await ask(rig, 1, "/keyed/crash", ADA, 503)
    await ask(rig, 3, "/both", MALLORY, 403)
    await ask(rig, 3, "/public", ADA, 200)
    await ask(rig, 1, "/both", {"apikey": "stm_adno-key"}, 401)
    await usage.collect()
    wanted = {("ada", "both"): (7, 0, 0), ("ada", "keyed"): (5, 2, 1)}
    assert counts(await usage.asked(question())) == wanted, "what the gate refused, and public APIs, are nobody's use"
    await usage.collect()
    assert counts(await usage.asked(question())) == wanted
    await ask(rig, 2, "/both", ADA, 200)
    usage = usage_of(rig)
    await usage.collect()
    wanted["ada", "both"] = (9, 0, 0)
    assert counts(await usage.asked(question())) == wanted, "a new control plane knows what was read"
    node = rig.spec.nodes[0]
    rig.send(node.name, signal.SIGKILL)
    rig.start_node(node)
    await eventually_serves(rig)
    await ask(rig, 10, "/both", ADA, 200)
    await usage.collect()
    wanted["ada", "both"] = (19, 0, 0)
    assert counts(await usage.asked(question())) == wanted, "a new life of a node begins at nought"
    assert await nodes_read(rig) == ["node-1", "node-2"]
    await rig.declare(replace(rig.spec, limits=GatewayLimits(max_header_kb=50)))
    await ask(rig, 30, "/both", ADA, 200)
    await usage.collect()
    wanted["ada", "both"] = (49, 0, 0)
    assert counts(await usage.asked(question())) == wanted, "so does every new entrance of a node"


async def eventually_serves(rig: Rig, *, limit_s: float = 10.0) -> None:
    """The node has its whole configuration, and has found its target healthy."""
    async with asyncio.timeout(limit_s):
        while not (await ready(rig.spec.nodes[0].admin) and await _serves(rig)):
            await asyncio.sleep(0.05)


async def _serves(rig: Rig) -> bool:
    try:
        return (await rig.request("GET", "/public")).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.e2e
async def test_a_node_that_does_not_answer_is_read_the_next_time_and_one_that_is_gone_is_forgotten(rig: Rig) -> None:
    usage = usage_of(rig)
    await ask(rig, 2, "/both", ADA, 200)
    await ask(rig, 2, "/both", ADA, 200, node=1)
    await usage.refresh()
    assert await usage.asked(question()) == [], "nobody reads as long as the loop does not run"
    rig.send("node-2", signal.SIGSTOP)
    try:
        await usage.collect()
        assert counts(await usage.asked(question())) == {("ada", "both"): (2, 0, 0)}
    finally:
        rig.send("node-2", signal.SIGCONT)
    await usage.collect()
    assert counts(await usage.asked(question())) == {("ada", "both"): (4, 0, 0)}
    rig.declared.set(replace(rig.spec, nodes=rig.spec.nodes[:1]))
    await usage.collect()
    assert await nodes_read(rig) == ["node-1"]


@pytest.mark.e2e
async def test_the_loop_reads_when_somebody_asks(rig: Rig) -> None:
    usage = usage_of(rig)
    loop = asyncio.create_task(usage.run())
    try:
        await usage.refresh()
        await ask(rig, 3, "/both", ADA, 200)
        async with asyncio.timeout(10):
            while counts(await usage.asked(question())) != {("ada", "both"): (3, 0, 0)}:
                await usage.refresh()
                await asyncio.sleep(0.05)
    finally:
        loop.cancel()
        await asyncio.wait([loop])
