"""Time passing over foreign alerts in the store: ends, restarts, clocks that are set, writers that are cancelled."""

import asyncio
from datetime import datetime, timedelta

from stationmaster.core.facts import AlertFired, AlertRecovered
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.intake.foreign import ForeignAlert
from stationmaster.incidents.intake.loop import Intake
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now

MINUTE = timedelta(minutes=1)


def alert(name: str, now: datetime, lasts: timedelta = 4 * MINUTE) -> ForeignAlert:
    return ForeignAlert(
        key=name, source="test", labels={"alertname": name}, starts_at=now, ends_at=now + lasts, is_timeout=True
    )


async def begun(database: Database, at: datetime | None = None) -> Intake:
    made = Intake(database, Cell(PlatformSpec(environment="test")))
    if at is not None:
        made.clock = lambda: at
    await made.start()
    return made


async def counted(database: Database) -> tuple[int, int]:
    long_ago = utc_now() - timedelta(days=9)
    fired = await outbox.facts_of(database, AlertFired, long_ago)
    return len(fired), len(await outbox.facts_of(database, AlertRecovered, long_ago))


async def test_an_alert_that_is_not_sent_again_recovers(database: Database) -> None:
    now, intake = utc_now(), await begun(database)
    await intake.desk.take([alert("A", now)])
    await intake.tick(now + 3 * MINUTE)
    assert await counted(database) == (1, 0)
    for minutes in (5, 6):
        await intake.tick(now + minutes * MINUTE)
    assert await counted(database) == (1, 1)


async def test_what_lapsed_while_nobody_listened_has_its_time_once_more_and_then_recovers(database: Database) -> None:
    now = utc_now()
    await (await begun(database)).desk.take([alert("A", now)])
    later = await begun(database, now + 60 * MINUTE)
    await later.tick(now + 61 * MINUTE)
    assert await counted(database) == (1, 0)
    await later.tick(now + 65 * MINUTE)
    assert await counted(database) == (1, 1)


async def test_a_clock_that_is_set_back_keeps_no_alert_alive_for_longer_than_it_lasts(database: Database) -> None:
    now, intake = utc_now(), await begun(database)
    await intake.desk.take([alert("A", now)])
    back = now - 600 * MINUTE
    intake.clock = lambda: back
    await intake.renew(lapsed=False)
    await intake.tick(back + 3 * MINUTE)
    assert await counted(database) == (1, 0)
    await intake.tick(back + 5 * MINUTE)
    assert await counted(database) == (1, 1)


async def test_a_sender_that_hangs_up_takes_nobody_with_it(database: Database) -> None:
    """The batch that was being written for somebody who left is written by the next, with its own."""
    now, intake = utc_now(), await begun(database)
    async with database.write():
        gone = asyncio.ensure_future(intake.desk.take([alert("A", now)]))
        await asyncio.sleep(0)
        stays = asyncio.ensure_future(intake.desk.take([alert("B", now)]))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
    await stays
    fired = await outbox.facts_of(database, AlertFired, now - MINUTE)
    assert "B" in {each.alert.name for each in fired}


async def test_hundreds_of_senders_share_a_few_transactions(database: Database) -> None:
    now, intake = utc_now(), await begun(database)
    before = database.committed.count
    await asyncio.gather(*(intake.desk.take([alert(f"A{number}", now)]) for number in range(300)))
    assert await counted(database) == (300, 0)
    assert database.committed.count - before < 10
