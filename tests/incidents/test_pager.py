"""The pager as it runs: real time, real receivers that hang, fail and answer, and a real process that is killed."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stationmaster.core.facts import AlertFired
from stationmaster.core.response import Channel, ChannelName, Contact, ContactKind, NotifyRule, Responder, ResponderName
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import claims, paging
from stationmaster.incidents.loop import Incidents
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now
from tests.incidents.notify.listening import HANG, receiver
from tests.incidents.test_incidents import alert, fired
from tests.incidents.world import PLAIN, World, spec

LIMIT_S = 60.0


def declared(there: str, *, channel: str = "") -> PlatformSpec:
    """One engineer who is told by a webhook."""
    contact = Contact(name="hook", kind=ContactKind.WEBHOOK, address=there)
    engineer = Responder(name=ResponderName("engineer"), contacts=(contact,), rules=(NotifyRule(contact="hook"),))
    ops = Contact(name="ops", kind=ContactKind.WEBHOOK, address=channel)
    channels = (Channel(name=ChannelName("ops"), contact=ops),) if channel else ()
    return spec(replace(PLAIN, levels=PLAIN.levels[:1]), *channels, responders=[engineer])


@asynccontextmanager
async def running(database: Database, found: PlatformSpec) -> AsyncIterator[Incidents]:
    incidents = Incidents(database, Cell(found))
    loops: list[Coroutine[Any, Any, None]] = [incidents.run(), paging.page_loops(incidents)["pages"]()]  # type: ignore[list-item]
    tasks = [asyncio.ensure_future(each) for each in loops]
    try:
        yield incidents
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def fires(database: Database, *instances: str) -> None:
    alerts = [replace(alert(f"f-{each}", each), starts_at=utc_now()) for each in instances]
    async with database.write() as connection:
        facts = [AlertFired(at=utc_now(), alert=each, evidence="refused") for each in alerts]
        await outbox.append(connection, *facts)


async def eventually(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, what
        await asyncio.sleep(0.01)


async def test_a_page_leaves_at_once_after_the_alert(database: Database, free_port: Callable[[], int]) -> None:
    async with receiver(free_port(), 200) as there, running(database, declared(there.url)):
        begun = time.monotonic()
        await fires(database, "key-1")
        await eventually(lambda: bool(there.got), "the page arrives")
        assert time.monotonic() - begun < 5


async def test_the_pager_sleeps_until_the_next_page_is_due_and_no_longer_than_a_tick(database: Database) -> None:
    story = World(database, Cell(spec(PLAIN)))
    assert await story.pager.sender.idle_s() == 1.0, "nothing is open"
    await story.facts(fired(0, alert()))
    assert await story.pager.sender.idle_s() == 0.02, "something is owed already"
    await story.tick()
    assert await story.pager.sender.idle_s() == 1.0, "the next level is minutes away"
    story.passes(299.75)
    assert await story.pager.sender.idle_s() == pytest.approx(0.25, abs=0.001)


async def test_a_receiver_that_fails_first_gets_the_page_at_the_second_try(
    database: Database, free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stationmaster.incidents.claims.PATIENCE", replace(claims.PATIENCE, first_wait_s=0.1))
    async with receiver(free_port(), 500, 200) as there, running(database, declared(there.url)) as incidents:
        await fires(database, "key-1")
        await eventually(lambda: len(there.got) == 2, "the page is tried again")

        async def states() -> list[str]:
            return [each.state.value for each in (await incidents.story(1)).pages]

        end = time.monotonic() + LIMIT_S
        while await states() != ["sent"]:
            assert time.monotonic() < end, await states()
            await asyncio.sleep(0.02)


async def test_a_receiver_that_hangs_holds_up_nobody_else(database: Database, free_port: Callable[[], int]) -> None:
    async with receiver(free_port(), HANG) as hung, receiver(free_port(), 200) as well:
        async with running(database, declared(hung.url, channel=well.url)):
            await fires(database, *(f"key-{number}" for number in range(20)))
            await eventually(lambda: len(well.got) == 20, "the channel is told of all of them")
        assert 0 < len(hung.got) <= 8, "few at once to one receiver"


_PROGRAM = """
import asyncio, sys
from pathlib import Path
from stationmaster.incidents import paging
from stationmaster.incidents.loop import Incidents
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import open_database
from tests.incidents.test_pager import declared

async def main():
    incidents = Incidents(open_database(Path(sys.argv[1])), Cell(declared(sys.argv[2])))
    await asyncio.gather(incidents.run(), paging.page_loops(incidents)["pages"]())

asyncio.run(main())
"""


def started(database: Path, url: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(database), url],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


async def test_a_killed_process_sends_what_it_was_sending_once_more_and_what_it_had_sent_never(
    database: Database, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    """kill -9 while the receiver has the page and has not answered; then again after everything was sent."""
    async with receiver(free_port(), HANG, 200) as there:
        await fires(database, "key-1")
        process = started(tmp_path / "test.db", there.url)
        try:
            await eventually(lambda: len(there.got) == 1, "the page is under way")
            process.send_signal(signal.SIGKILL)
            process.wait(LIMIT_S)
            process = started(tmp_path / "test.db", there.url)
            await eventually(lambda: len(there.got) == 2, "the page is sent once more")
            await until_sent(database)
            process.send_signal(signal.SIGKILL)
            process.wait(LIMIT_S)
            process = started(tmp_path / "test.db", there.url)
            await fires(database, "key-2")
            await eventually(lambda: len(there.got) == 3, "the next page is sent")
        finally:
            process.kill()
            process.wait(LIMIT_S)
        told = [document["groupKey"] for _, document in there.got]
    assert told == ["stationmaster/sample/1", "stationmaster/sample/1", "stationmaster/sample/2"]


async def until_sent(database: Database) -> None:
    incidents = Incidents(database)
    end = time.monotonic() + LIMIT_S
    while [each.state.value for each in (await incidents.story(1)).pages] != ["sent"]:
        assert time.monotonic() < end, "the page is noted as sent"
        await asyncio.sleep(0.02)
