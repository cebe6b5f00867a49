import asyncio
import threading
from collections.abc import AsyncIterator
from typing import cast

import pytest

from stationmaster.monitor.promql.results import Fault, QueryError, QueryLimits
from stationmaster.monitor.query.desk import QueryDesk
from stationmaster.monitor.query.queries import Queries, Terms
from stationmaster.monitor.query.told import Told

NOBODY = cast("Queries", None)
TOLD = Told(groups=list, targets=list, flags=dict, retention=str)


def within(ms: int) -> Terms:
    return Terms(limits=QueryLimits(timeout_ms=ms))


@pytest.fixture
async def desk() -> AsyncIterator[QueryDesk]:
    made = QueryDesk(lambda: NOBODY, TOLD, at_once=3, threads=2)
    yield made
    made.close()


async def until_free(desk: QueryDesk) -> None:
    async with asyncio.timeout(10):
        while desk.under_way:
            await asyncio.sleep(0.005)


async def test_work_is_done_in_another_thread_with_the_time_that_is_left(desk: QueryDesk) -> None:
    def work(_queries: Queries, terms: Terms) -> tuple[int, int]:
        return threading.get_ident(), terms.limits.timeout_ms

    thread, left_ms = await desk.ask(work, within(5_000))
    assert thread != threading.get_ident()
    assert 0 < left_ms <= 5_000
    await until_free(desk)


async def test_more_than_so_many_at_once_are_refused_and_served_again_later(desk: QueryDesk) -> None:
    release = threading.Event()
    asked = [asyncio.ensure_future(desk.ask(lambda *_: release.wait(10))) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(QueryError, match="3 queries are under way") as refused:
        await desk.ask(lambda *_: True)
    assert refused.value.fault is Fault.UNAVAILABLE
    assert refused.value.hint
    release.set()
    assert await asyncio.gather(*asked) == [True, True, True]
    await until_free(desk)
    assert await desk.ask(lambda *_: "served") == "served"


async def test_a_place_is_free_only_when_the_work_has_really_ended(desk: QueryDesk) -> None:
    release, begun = threading.Event(), threading.Event()

    def work(*_: object) -> bool:
        begun.set()
        return release.wait(10)

    asked = asyncio.ensure_future(desk.ask(work))
    await asyncio.to_thread(begun.wait, 10)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert desk.under_way == 1
    release.set()
    await until_free(desk)


async def test_whoever_went_away_in_line_is_not_worked_for(desk: QueryDesk) -> None:
    release = threading.Event()
    holders = [asyncio.ensure_future(desk.ask(lambda *_: release.wait(10))) for _ in range(2)]
    worked: list[str] = []
    waiting = asyncio.ensure_future(desk.ask(lambda *_: worked.append("for nobody")))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    release.set()
    await asyncio.gather(*holders)
    await until_free(desk)
    assert worked == []


async def test_time_in_line_counts(desk: QueryDesk) -> None:
    release = threading.Event()
    holders = [asyncio.ensure_future(desk.ask(lambda *_: release.wait(10))) for _ in range(2)]
    waiting = asyncio.ensure_future(desk.ask(lambda *_: "late", within(20)))
    await asyncio.sleep(0.05)
    release.set()
    with pytest.raises(QueryError, match="query timed out in query queue") as late:
        await waiting
    assert late.value.fault is Fault.TIMEOUT
    await asyncio.gather(*holders)


async def test_an_engine_that_overlooks_its_deadline_keeps_nobody_waiting(
    desk: QueryDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stationmaster.monitor.query.desk._GRACE_S", 0.05)
    release = threading.Event()
    with pytest.raises(QueryError, match="query timed out in expression evaluation"):
        await desk.ask(lambda *_: release.wait(10), within(20))
    release.set()
    await until_free(desk)


async def test_a_refusal_reaches_the_asker_and_frees_the_place(desk: QueryDesk) -> None:
    def work(*_: object) -> None:
        raise QueryError(Fault.EXECUTION, "too many")

    with pytest.raises(QueryError, match="too many"):
        await desk.ask(work)
    await until_free(desk)
