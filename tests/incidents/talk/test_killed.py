"""The process is killed before and after every single commit of a story; another one takes over, and whoever was at
work does again what was not done."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import StatusPosted
from stationmaster.core.problem import PlatformError
from stationmaster.incidents.paper import What
from stationmaster.incidents.talk.desk import Posting
from stationmaster.incidents.talk.store import Publication, Update
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, metadata, open_database
from tests.incidents.talk.world import TalkWorld, owing_spec
from tests.incidents.test_incidents import alert, fired
from tests.incidents.world import ZERO


class KilledError(BaseException):
    """Nothing of the process hears of it."""


@dataclass(slots=True)
class Death:
    """At the commit of that number, before or after it; `commits` counts them."""

    at: int = -1
    after: bool = False
    commits: int = 0

    def comes(self, *, after: bool) -> bool:
        return self.commits == self.at and self.after == after


@pytest.fixture
def death(monkeypatch: pytest.MonkeyPatch) -> Death:
    found = Death()
    write = Database.write

    @asynccontextmanager
    async def mortal(database: Database) -> AsyncIterator[AsyncConnection]:
        async with write(database) as connection:
            yield connection
            found.commits += 1
            if found.comes(after=False):
                raise KilledError
        if found.comes(after=True):
            raise KilledError

    monkeypatch.setattr(Database, "write", mortal)
    return found


class PagedWorld(TalkWorld):
    """Its status page takes every post, as often as it is given one."""

    async def _publish(self, update: Update) -> None:
        fact = StatusPosted(
            at=self.now, incident=update.incident, status=update.word.value, by=update.by, text=update.public_text
        )
        async with self.database.write() as connection:
            await outbox.append(connection, fact)


async def story(world: TalkWorld) -> None:
    """News are owed at 15, given at 20, owed again at 35, and needless from 40 on."""

    async def update() -> None:
        try:
            await world.talk.post(1, Posting(after=0, public=True), by="ada")
        except PlatformError as refused:
            if refused.code != "update-given":
                raise

    async def resolve() -> None:
        if not (await world.incidents.story(1)).incident.status.is_over:
            await world.incidents.acts.resolve(1, by="ada")

    await surviving(world, world.tick)
    for minute, act in ((15.0, world.tick), (20.0, update), (35.0, world.tick), (40.0, resolve), (60.0, world.tick)):
        world.passes((minute - (world.now - ZERO).total_seconds() / 60) * 60)
        await surviving(world, act)
        await surviving(world, world.tick)


async def surviving(world: TalkWorld, act: Callable[[], Awaitable[None]]) -> None:
    try:
        await act()
    except KilledError:
        await world.restart()
        await act()


async def played(folder: Path, death: Death, number: int = -1) -> TalkWorld:
    """Killed at the commit of that number, counted from when the incident is open."""
    database = open_database(folder / "story.db")
    async with database.write() as connection:
        await connection.run_sync(metadata.create_all)
    world = PagedWorld(database, Cell(owing_spec()))
    await world.facts(fired(0, alert()))
    death.commits, death.at = 0, number
    await story(world)
    death.at = -1
    return world


async def told_as_it_should_be(world: TalkWorld) -> None:
    owed = [each for each in world.got if each.what is What.UPDATE_OWED]
    given = [each for each in world.got if each.what is What.UPDATE]
    assert sorted({round(each.minute) for each in owed}) == [15, 35]
    for each in (owed, given):
        sure = [one.key for one in each if not one.doubtful]
        assert len(sure) == len(set(sure)), "only what was cut off is sent again, and says so"
    assert len({each.key for each in given}) == 1
    posted = await outbox.facts_of(world.database, StatusPosted, ZERO)
    assert len(posted) == 1, "users are told once"
    [update] = (await world.talk.standing(1)).updates
    assert update.publication is Publication.POSTED
    assert len(await world.lines("update.owed")) == 2
    assert world.incidents.updates_owed.value == {}


async def test_killed_before_or_after_any_commit_nothing_is_lost_and_nothing_told_twice(
    tmp_path: Path, death: Death
) -> None:
    (tmp_path / "whole").mkdir()
    whole = await played(tmp_path / "whole", death)
    await told_as_it_should_be(whole)
    await whole.database.close()
    commits = death.commits
    assert commits > 15
    for number in range(1, commits + 1):
        for after in (False, True):
            folder = tmp_path / f"{number}-{after}"
            folder.mkdir()
            death.after = after
            world = await played(folder, death, number)
            await told_as_it_should_be(world)
            await world.database.close()
