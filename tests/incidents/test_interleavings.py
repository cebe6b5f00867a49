"""Whatever happens in whatever order, with processes that die in between: no page is lost, none follows an
acknowledgement, none is repeated but the one that was cut off, and the timeline tells of all of it."""

import asyncio
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.core.facts import RunDeclined
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import ConditionKind
from stationmaster.incidents import moves, paper
from stationmaster.incidents.escalate import Move, reached
from stationmaster.incidents.life import Status
from stationmaster.incidents.pages import Directory, Page, owed, pages
from stationmaster.incidents.paper import State, What
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import metadata, open_database
from tests.incidents.test_incidents import alert, fired, recovered
from tests.incidents.world import ZERO, World, spec

EVENTS = ["ack", "unack", "snooze", "escalate", "raise", "resolve", "reopen", "recover", "fire", "back", "kill", "cut"]
STORY = st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 1200)), min_size=1, max_size=12)
CONFLICT = 409
_NOBODYS = ("back", "kill", "cut", "recover", "fire")
_QUIETING = (Move.ACKNOWLEDGED, Move.SNOOZED, Move.ENDED)


async def happens(world: World, event: str) -> bool:
    """Says whether it could be done at all."""
    acts, seconds = world.incidents.acts, (world.now - ZERO).total_seconds()
    try:
        match event:
            case "ack":
                await acts.acknowledge(1, by="ada")
            case "unack":
                await acts.unacknowledge(1, by="ada")
            case "snooze":
                await acts.snooze(1, until=world.incidents.clock.now() + timedelta(minutes=10), by="ada")
            case "escalate":
                await acts.escalate(1, by="ada")
            case "raise":
                await acts.raise_condition(1, condition=ConditionKind.SECURITY, by="ada")
            case "resolve":
                await acts.resolve(1, by="ada")
            case "reopen":
                await acts.reopen(1, by="ada")
            case "recover":
                await world.facts(recovered(seconds, alert()))
            case "fire":
                await world.facts(fired(seconds, alert()))
            case "back":
                world.now -= timedelta(minutes=20)
            case "kill":
                await world.restart()
            case _:
                await world.settle()
                await world.pager.sender.tick()
                await world.restart()
    except PlatformError as refused:
        if refused.status != CONFLICT:
            raise
        return False
    return True


async def nothing_is_owed(world: World) -> None:
    """What the pure decision says of the stored history was all sent, or made needless first."""
    now = world.incidents.clock.now()
    async with world.database.read() as connection:
        for incident in await world.incidents.all():
            history = await moves.history(connection, incident)
            written = await paper.all_of(connection, incident.number)
            done = {each.page.key.partition("/")[2] for each in written if each.state is State.SENT}
            assert not [each for each in written if each.state is State.OWED and each.next_at <= now]
            assert incident.policy is not None
            levels = reached(incident.policy, history, now)
            found = pages(levels, incident.policy, Directory.of(world.declared.value), incident.urgency)
            sent = frozenset(each.key for each in found if isinstance(each, Page) and each.key in done)
            assert owed(found, history, sent, now) == ()


async def played(story: Sequence[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(Path(folder) / "story.db")
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
        world = World(database, Cell(spec()))
        await world.facts(fired(0, alert()), RunDeclined(at=ZERO, incident=1, why="no match"))
        await world.tick()
        said = 0
        for event, seconds in story:
            world.passes(seconds)
            await world.tick()
            said += await happens(world, event) and event not in _NOBODYS
            await world.tick()
            await nothing_is_owed(world)
        await sent_once_and_never_after_an_acknowledgement(world, said)
        await database.close()


async def sent_once_and_never_after_an_acknowledgement(world: World, said: int) -> None:
    sure = [each.key for each in world.got if not each.doubtful and each.what is What.PAGE]
    doubted = [each.key for each in world.got if each.doubtful and each.what is What.PAGE]
    assert len(sure) == len(set(sure))
    assert len(doubted) == len(set(doubted))
    assert not set(sure) & set(doubted), "what was noted as sent is never sent again"
    found = await world.incidents.story(1)
    lines = [each for each in found.timeline if each.by == "ada"]
    assert len(lines) == said
    assert len([each for each in found.timeline if each.kind == "page.sent"]) == len(
        [each for each in found.pages if each.state is State.SENT]
    )
    assert found.incident.status in Status
    async with world.database.read() as connection:
        history = await moves.history(connection, found.incident)
    quiet = [each.at for each in history.moves if each.move in _QUIETING]
    for each in found.pages:
        if each.state is State.SENT and each.chain == found.incident.chain and each.claimed_at is not None:
            assert not any(each.page.reached_at <= at < each.claimed_at for at in quiet), each


@settings(max_examples=40, deadline=None)
@given(STORY)
def test_nothing_is_lost_repeated_or_sent_after_an_acknowledgement(story: list[tuple[str, int]]) -> None:
    asyncio.run(played(story))
