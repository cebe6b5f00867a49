"""News of incidents that are owed: stories on virtual time, with processes that die in between."""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.core.facts import RunStarted, StatusPosted
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Publishing, StatusPage, Urgency
from stationmaster.incidents.acts import Edit
from stationmaster.incidents.notify.receipt import delivered, failed
from stationmaster.incidents.paper import State, What
from stationmaster.incidents.talk.desk import Posting
from stationmaster.incidents.talk.moments import Moment, Template, Word
from stationmaster.incidents.talk.store import Publication
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, metadata, open_database
from tests.incidents.talk.world import TalkWorld, owing_spec
from tests.incidents.test_incidents import alert, fired, recovered

CONFLICT = 409


def owed(world: TalkWorld) -> list[float]:
    return [each.minute for each in world.got if each.what is What.UPDATE_OWED]


async def opened(database: Database, every_s: int = 900) -> TalkWorld:
    world = TalkWorld(database, Cell(owing_spec(every_s)))
    await world.facts(fired(0, alert()))
    await world.tick()
    return world


async def test_an_open_incident_owes_news_every_fifteen_minutes_and_says_so_once_each_time(database: Database) -> None:
    world = await opened(database)
    await world.until(50)
    assert owed(world) == [15, 30, 45]
    how = "Post it: `stm incident update 1`, or by the link of your own page."
    assert [each.partition("\n")[0] for each in world.texts if each.startswith("An update")] == [
        f"An update is owed since 03:15:00 UTC{late}. {how}" for late in ("", ", for 15 minutes", ", for 30 minutes")
    ]
    assert len(await world.lines("update.owed")) == 3
    assert {number: f"{since:%H:%M}" for number, since in world.incidents.updates_owed.value.items()} == {1: "03:15"}


async def test_acknowledging_pays_nothing_and_an_update_pays_for_fifteen_minutes(database: Database) -> None:
    world = await opened(database)
    await world.until(5)
    await world.incidents.acts.acknowledge(1, by="ada")
    await world.until(16)
    assert owed(world) == [15]
    given_ = await world.talk.post(1, Posting(), by="ada")
    assert world.incidents.updates_owed.value == {}
    assert (given_.word, given_.publication) == (Word.INVESTIGATING, Publication.NONE)
    await world.until(32)
    assert owed(world) == [15, 31]
    told = [each for each in world.got if each.what is What.UPDATE]
    assert [(each.minute, each.to) for each in told] == [(16, "ops")]
    assert f"Investigating: {given_.text}" in world.texts
    assert (
        "update, Investigating: acknowledged, critical, since 03:00 UTC, for 16 minutes"
        in (await world.lines("incident.updated"))[0]
    )


async def test_what_is_resolved_of_low_urgency_or_merged_owes_nothing(database: Database) -> None:
    world = await opened(database)
    await world.facts(fired(0, alert("f2", "key-eu")), fired(0, alert("f3", "key-au")))
    await world.tick()
    await world.incidents.acts.edit(1, Edit(urgency=Urgency.LOW), by="ada")
    await world.incidents.acts.merge(3, into=2, by="ada")
    await world.until(14)
    await world.incidents.acts.resolve(2, by="ada")
    await world.until(60)
    assert owed(world) == []
    await world.incidents.acts.reopen(2, by="ada")
    await world.until(76)
    assert owed(world) == [75]


async def test_a_post_on_the_status_page_is_an_update(database: Database) -> None:
    world = await opened(database)
    await world.until(10)
    fact = StatusPosted(at=world.now, incident=1, status="identified", by="lin", text="A disk is full.")
    await world.facts(fact)
    await world.until(24)
    assert owed(world) == []
    standing = await world.talk.standing(1)
    assert [(each.word, each.by, each.publication) for each in standing.updates] == [
        (Word.IDENTIFIED, "lin", Publication.POSTED)
    ]
    assert standing.draft.word is Word.IDENTIFIED, "a cause that was found stays found"


async def test_hours_without_a_process_are_told_of_once(database: Database) -> None:
    world = await opened(database)
    world.passes(3 * 3600)
    await world.restart()
    await world.tick()
    await world.tick()
    assert owed(world) == [180]


async def test_another_pace_counts_at_once(database: Database) -> None:
    world = await opened(database)
    await world.until(6)
    world.declared.set(owing_spec(300))
    await world.until(7)
    assert owed(world) == [6]


async def test_what_a_runbook_promises_its_users_is_owed_sooner(database: Database) -> None:
    world = await opened(database)
    world.templates = (Template(moment=Moment.OPENED, text="Looking. News every 5 minutes.", every_s=300),)
    await world.facts(RunStarted(at=world.now, incident=1, run="run-1", runbook="Down", why="it is named"))
    await world.until(6)
    assert owed(world) == [5]


async def test_a_receiver_that_fails_is_not_told_of_a_debt_that_was_paid(database: Database) -> None:
    world = await opened(database)
    world.answer = lambda claimed: failed("no") if claimed.owed.what is What.UPDATE_OWED else delivered()
    await world.until(15)
    await world.talk.post(1, Posting(text="still on it"), by="ada")
    before = len(owed(world))
    await world.until(25)
    assert len(owed(world)) == before
    pages = (await world.incidents.story(1)).pages
    assert [each.state for each in pages if each.what is What.UPDATE_OWED] == [State.NEEDLESS]


async def test_two_who_give_the_same_draft_give_one_update(database: Database) -> None:
    world = await opened(database)
    await world.talk.post(1, Posting(after=0), by="ada")
    with pytest.raises(PlatformError) as refused:
        await world.talk.post(1, Posting(after=0), by="lin")
    assert (refused.value.code, refused.value.status) == ("update-given", CONFLICT)
    assert len((await world.talk.standing(1)).updates) == 1


async def test_the_public_hears_what_the_runbook_says_or_what_somebody_writes(database: Database) -> None:
    world = await opened(database)
    world.templates = (Template(moment=Moment.OPENED, text="We look into {{service}}.", source="down.md:12"),)
    given_ = await world.talk.post(1, Posting(public=True), by="ada")
    assert given_.publication is Publication.POSTED
    await world.talk.post(1, Posting(public=True, text="A disk is full.", word=Word.IDENTIFIED), by="lin")
    assert world.posted == [
        (1, "investigating", "We look into api_key_service.", "ada"),
        (1, "identified", "A disk is full.", "lin"),
    ]


async def test_a_message_with_places_that_nobody_can_fill_goes_to_no_user(database: Database) -> None:
    world = await opened(database)
    world.templates = (Template(moment=Moment.OPENED, text="ETA: [TIME], impact: <impact>"),)
    with pytest.raises(PlatformError, match=r"nobody knows what to put for \[TIME\], <impact>"):
        await world.talk.post(1, Posting(public=True), by="ada")
    assert not (await world.talk.standing(1)).updates
    page = StatusPage(publish=Publishing.AUTOMATIC)
    world.declared.set(replace(world.declared.value, status_page=page))
    automatic = await world.talk.post(1, Posting(), by="ada")
    assert (automatic.publication, world.posted) == (Publication.REFUSED, [])
    assert "not told: nobody knows what to put for [TIME]" in (await world.lines("incident.updated"))[0]


async def test_where_the_page_is_kept_automatically_users_get_the_message_and_never_the_responders_words(
    database: Database,
) -> None:
    world = await opened(database)
    world.declared.set(replace(world.declared.value, status_page=StatusPage(publish=Publishing.AUTOMATIC)))
    world.templates = (Template(moment=Moment.OPENED, text="We look into it."),)
    await world.talk.post(1, Posting(text="db-7 of tenant Foo is gone"), by="ada")
    assert world.posted == [(1, "investigating", "We look into it.", "ada")]


async def test_what_the_status_page_refuses_is_told_to_the_channel_all_the_same(database: Database) -> None:
    world = await opened(database)
    world.refuses = "no component suffers"
    given_ = await world.talk.post(1, Posting(public=True), by="ada")
    await world.tick()
    assert (given_.publication, given_.detail) == (Publication.REFUSED, "no component suffers")
    assert [each.what for each in world.got][-1] is What.UPDATE


async def test_a_process_that_dies_before_it_published_publishes_after_its_start_and_only_then(
    database: Database,
) -> None:
    """Killed after the update was written; then after the status page wrote its fact."""
    world = await opened(database)
    dead = replace(world.talk, publish=_dies)
    with pytest.raises(RuntimeError):
        await dead.post(1, Posting(public=True), by="ada")
    world.passes(1)
    await world.restart()
    assert len(world.posted) == 1
    incident, status, text, by = world.posted[0]
    async with database.write() as connection:
        await outbox.append(connection, StatusPosted(at=world.now, incident=incident, status=status, by=by, text=text))
    world.passes(1)
    await world.restart()
    await world.tick()
    assert len(world.posted) == 1
    assert [each.publication for each in (await world.talk.standing(1)).updates] == [Publication.POSTED]


async def _dies(*_: object) -> None:
    raise RuntimeError("killed")


EVENTS = ["ack", "update", "post", "resolve", "reopen", "recover", "fire", "low", "kill", "cut", "back"]
STORY = st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 1500)), min_size=1, max_size=10)


async def happens(world: TalkWorld, event: str) -> None:
    acts, seconds = world.incidents.acts, 0.0
    try:
        match event:
            case "ack":
                await acts.acknowledge(1, by="ada")
            case "update":
                await world.talk.post(1, Posting(), by="ada")
            case "post":
                await world.facts(StatusPosted(at=world.now, incident=1, status="monitoring", by="lin", text="better"))
            case "resolve":
                await acts.resolve(1, by="ada")
            case "reopen":
                await acts.reopen(1, by="ada")
            case "recover":
                await world.facts(recovered(seconds, alert()))
            case "fire":
                await world.facts(fired(seconds, alert()))
            case "low":
                await acts.edit(1, Edit(urgency=Urgency.LOW), by="ada")
            case "back":
                world.now = world.now.replace(minute=0)
            case "kill":
                await world.restart()
            case _:
                await world.settle()
                await world.updates.tick()
                await world.pager.sender.tick()
                await world.restart()
    except PlatformError as refused:
        if refused.status not in (CONFLICT, 400):
            raise


async def played(story: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(Path(folder) / "story.db")
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
        world = await opened(database)
        for event, seconds in story:
            world.passes(seconds)
            await world.tick()
            await happens(world, event)
            await world.tick()
            await as_it_should_be(world)
        await database.close()


async def as_it_should_be(world: TalkWorld) -> None:
    """Whatever is owed now was told, and shown; nothing was told twice but what was cut off."""
    now = world.incidents.clock.now()
    sure = [each.key for each in world.got if not each.doubtful]
    assert len(sure) == len(set(sure))
    for incident in await world.incidents.all():
        pages = (await world.incidents.story(incident.number)).pages
        assert not [each for each in pages if each.state is State.OWED and each.next_at <= now]
        due_at = (await world.talk.standing(incident.number)).due_at
        shown = world.incidents.updates_owed.value.get(incident.number)
        assert shown == (due_at if due_at is not None and due_at <= now else None)
        if shown is not None:
            assert (await world.lines("update.owed", incident.number))[-1].startswith(
                f"An update is owed since {shown:%H:%M:%S UTC}"
            )


@settings(max_examples=25, deadline=None)
@given(STORY)
def test_whatever_happens_what_is_owed_is_told_and_told_once(story: list[tuple[str, int]]) -> None:
    asyncio.run(played(story))
