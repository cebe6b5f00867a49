"""What is sent once more as it was: decided by a short way, remembered, and written in one statement."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.intake import alertmanager, store
from stationmaster.incidents.intake.decide import Decision, Kept, Sight, Told, heard
from stationmaster.incidents.intake.desk import Desk
from stationmaster.incidents.intake.flapping import TERMS, Flaps
from stationmaster.incidents.intake.foreign import Ended, ForeignAlert
from stationmaster.incidents.intake.repeats import Remembered, repeated
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now
from tests.incidents.intake.test_decide import at, firing, silence


def _alerts() -> st.SearchStrategy[ForeignAlert]:
    return st.builds(
        lambda starts, lasts, source, url, timeout, note: replace(
            firing(starts, None if lasts is None else starts + lasts),
            source=source,
            url=url,
            is_timeout=timeout,
            annotations={"summary": note},
        ),
        st.integers(-30, 60),
        st.none() | st.integers(0, 30),
        st.sampled_from(["test", "test", "other"]),
        st.sampled_from(["", "", "http://there"]),
        st.booleans(),
        st.sampled_from(["slow", "slow", "slower"]),
    )


def _stored() -> st.SearchStrategy[Kept]:
    changes = st.lists(st.integers(-60, 60), max_size=4).map(lambda found: tuple(at(each) for each in sorted(found)))
    return st.builds(
        lambda alert, fires, told, moments, flaps: Kept(
            given=alert,
            firing=fires,
            told=told,
            updated_at=at(0),
            ended_at=None if fires else at(0),
            flaps=Flaps(changes=moments, flapping=flaps and len(moments) > TERMS.ends_at_most),
            due_at=alert.ends_at,
        ),
        _alerts(),
        st.booleans(),
        st.sampled_from([Told.FIRED, Told.FIRED, Told.NOTHING, Told.RECOVERED]),
        changes,
        st.booleans(),
    )


@given(
    _stored(), _alerts() | st.builds(lambda minute: Ended(key="k", at=at(minute)), st.integers(-5, 5)), st.booleans()
)
def test_the_short_way_decides_as_the_long_one_or_leaves_it_to_it(
    kept: Kept, told: ForeignAlert | Ended, silenced: bool
) -> None:
    found = repeated(kept, told, at(1), TERMS)
    if found is not None:
        sight = Sight(now=at(1), silences=(silence(-5, 90),) if silenced else ())
        assert heard(kept, told, sight) == Decision(kept=found)


def test_the_short_way_is_taken_by_what_is_sent_again_as_it_was() -> None:
    kept = _first(firing(0, 4))
    found = repeated(kept, firing(0, 6), at(2), TERMS)
    assert found is not None
    assert (found.given.ends_at, found.due_at, found.updated_at) == (at(6), at(6), at(2))
    assert repeated(kept, replace(firing(0, 6), annotations={"summary": "new"}), at(2), TERMS) is None


def _first(alert: ForeignAlert) -> Kept:
    found = heard(None, alert, Sight(now=at(0)))
    assert found is not None
    return found.kept


def test_only_so_many_are_remembered() -> None:
    remembered = Remembered(most=2)
    several = [replace(_first(firing(0, 4)), given=replace(firing(0, 4), key=key)) for key in "abc"]
    remembered.keep(several)
    assert sorted(remembered.of("abc")) == ["b", "c"]
    remembered.keep([replace(several[1], firing=False)])
    remembered.forget("b")
    assert sorted(remembered.of("abc")) == ["c"]


def _body(*names: str) -> bytes:
    text = 'a "quoted" word, a line\nand 漢字 \U0001f525 \\'
    return msgspec.json.encode(
        [{"labels": {"alertname": each, "service": "x"}, "annotations": {"summary": text}} for each in names]
    )


async def _take(desk: Desk, body: bytes) -> datetime:
    now = utc_now()
    await desk.take(alertmanager.read(body, now).alerts)
    return now


async def _rows(database: Database, keys: Sequence[str]) -> dict[str, Kept]:
    async with database.read() as connection:
        return await store.of_keys(connection, keys)


async def test_rows_say_what_was_decided_to_the_microsecond(database: Database) -> None:
    now = datetime(2026, 11, 21, 3, 0, 0, 123_457, tzinfo=UTC)
    (given_,) = alertmanager.read(_body("A"), now).alerts
    kept = Kept(
        given=replace(given_, url="http://x/?a=%20&b='", is_timeout=True),
        firing=True,
        told=Told.FIRED,
        updated_at=now + timedelta(microseconds=1),
        flaps=Flaps(changes=(now, now + timedelta(microseconds=333_331))),
        due_at=given_.ends_at,
    )
    over = replace(kept, given=replace(kept.given, key="over", ends_at=None), firing=False, ended_at=now, due_at=None)
    for several in ([kept, over], [replace(kept, firing=False, told=Told.RECOVERED), replace(over, firing=True)]):
        async with database.write() as connection:
            await store.keep(connection, several)
        assert await _rows(database, [kept.given.key, "over"]) == {each.given.key: each for each in several}


async def test_what_is_sent_again_is_on_disk_and_costs_one_statement(database: Database) -> None:
    desk = Desk(database=database, declared=Cell(PlatformSpec(environment="test")))
    await _take(desk, _body("A", "B", "C"))
    said: list[str] = []
    event.listen(database.writer.sync_engine, "before_cursor_execute", lambda *told: said.append(told[2]))
    now = await _take(desk, _body("A", "B", "C"))
    assert [each.split()[0] for each in said] == ["BEGIN", "UPDATE"]
    rows = await _rows(database, [each.key for each in alertmanager.read(_body("A", "B", "C"), now).alerts])
    assert len(rows) == 3
    assert all(each.updated_at >= now and each.firing for each in rows.values())
    assert all(
        each.due_at == each.given.ends_at and each.given.annotations["summary"].endswith("\\") for each in rows.values()
    )


async def _record_in_vain(desk: Desk, alerts: Sequence[ForeignAlert], now: datetime) -> None:
    async with desk.database.write() as connection:
        await desk.record(connection, alerts, now)
        raise ZeroDivisionError


async def test_what_was_not_committed_is_not_remembered(database: Database) -> None:
    """The row vanishes with its transaction: what is sent again is written whole, not prolonged into nothing."""
    desk = Desk(database=database, declared=Cell(PlatformSpec(environment="test")))
    now = utc_now()
    alerts = alertmanager.read(_body("A"), now).alerts
    with pytest.raises(ZeroDivisionError):
        await _record_in_vain(desk, alerts, now)
    await desk.take(alerts)
    assert list(await _rows(database, [alerts[0].key])) == [alerts[0].key]


async def test_one_batch_may_say_first_that_it_fires_and_then_that_it_is_over(database: Database) -> None:
    desk = Desk(database=database, declared=Cell(PlatformSpec(environment="test")))
    await _take(desk, _body("A"))
    (again,) = alertmanager.read(_body("A"), utc_now()).alerts
    over = replace(again, ends_at=utc_now(), is_timeout=False)
    for several, fires in (([again, over], False), ([over, again], True), ([again, again], True)):
        await desk.take(several)
        found = (await _rows(database, [again.key]))[again.key]
        assert found.firing is fires
        assert (found.due_at is not None) is fires, "what is over is not looked at"
