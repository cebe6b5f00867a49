"""What people do with incidents stands in the timeline, in the audit trail and among the facts, with their names."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from stationmaster.core.facts import (
    AlertFired,
    IncidentChanged,
    IncidentOpened,
    IncidentResolved,
    RunDeclined,
    RunEnded,
    RunStarted,
)
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import ConditionKind, IncidentSettings
from stationmaster.incidents.acts import Acts, Edit
from stationmaster.incidents.asking import target_of
from stationmaster.incidents.life import Status
from stationmaster.runtime import audit, outbox
from stationmaster.runtime.audit import Asked
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.incidents.test_incidents import alert, at, fired, recovered
from tests.incidents.world import LADDER, ZERO, World, spec


@pytest.fixture
async def world(database: Database) -> World:
    """Two incidents: of key-us-south, and of key-eu-de."""
    begun = World(database, Cell(spec(LADDER)))
    await begun.facts(fired(0, alert()), fired(0, alert("f2", "key-eu-de")))
    await begun.tick()
    return begun


async def status_of(world: World, number: int = 1) -> Status:
    return (await world.incidents.story(number)).incident.status


async def test_every_act_is_audited_told_and_a_fact(world: World) -> None:
    acts = world.incidents.acts
    await acts.acknowledge(1, by="ada", note="looking")
    await acts.unacknowledge(1, by="ada", why="not mine")
    await acts.mitigate(1, by="bob", why="traffic goes around it")
    await acts.raise_condition(1, condition=ConditionKind.SECURITY, by="bob")
    await acts.snooze(1, until=world.now + timedelta(minutes=10), by="bob")
    await acts.assign(1, to=target_of("chief"), by="bob")
    await acts.edit(1, Edit(title="Keys are gone"), by="bob")
    await acts.resolve(1, by="cyd", why="disk replaced")
    await acts.review(1, by="cyd")
    done = ["acknowledge", "unacknowledge", "mitigate", "raise", "snooze", "assign", "edit", "resolve", "review"]
    who = ["ada", "ada", "bob", "bob", "bob", "bob", "bob", "cyd", "cyd"]
    async with world.database.read() as connection:
        trail = [each for _, each in await audit.changes(connection, Asked(kind="incident"))][::-1]
    assert [(each.action, each.who, each.name) for each in trail] == list(zip(done, who, ["1"] * 9, strict=True))
    assert (trail[0].before, trail[0].after["status"]) == ({"status": "triggered"}, "acknowledged")
    found = await outbox.facts_since(world.database, ZERO)
    changed = [each for each in found if isinstance(each, IncidentChanged)]
    assert [each.act for each in changed] == [
        "acknowledged",
        "unacknowledged",
        "mitigated",
        "raised",
        "snoozed",
        "assigned",
        "edited",
        "reviewed",
    ]
    [resolved] = [each for each in found if isinstance(each, IncidentResolved)]
    assert (resolved.by, resolved.why) == ("cyd", "resolved by hand: disk replaced")
    await world.tick()
    lines = [each for each in (await world.incidents.story(1)).timeline if each.by in ("ada", "bob", "cyd")]
    assert [each.kind for each in lines] == [f"incident.{each.act}" for each in changed[:-1]] + [
        "incident.resolved",
        "incident.reviewed",
    ]


async def test_a_refused_act_changes_nothing(world: World) -> None:
    acts = world.incidents.acts
    await acts.resolve(1, by="ada")
    with pytest.raises(PlatformError, match="it cannot be acknowledged: it is resolved"):
        await acts.acknowledge(1, by="ada")
    with pytest.raises(PlatformError) as unknown:
        await acts.acknowledge(77, by="ada")
    assert (unknown.value.code, unknown.value.status) == ("unknown-incident", 404)
    async with world.database.read() as connection:
        assert len(await audit.changes(connection, Asked(kind="incident"))) == 1


async def test_an_incident_whose_alerts_recover_while_it_is_acknowledged_resolves(world: World) -> None:
    await world.facts(RunDeclined(at=at(1), incident=1, why="no match"))
    await world.incidents.acts.acknowledge(1, by="ada")
    await world.facts(recovered(60, alert()))
    assert await status_of(world) is Status.RESOLVED
    assert await world.lines("incident.resolved") == ["incident #1 resolved"]


async def test_what_is_reopened_without_an_alert_stays_open_until_somebody_ends_it(world: World) -> None:
    await world.facts(RunDeclined(at=at(1), incident=1, why="no match"), recovered(60, alert()))
    await world.incidents.acts.reopen(1, by="ada", why="customers still complain")
    await world.facts(RunEnded(at=at(70), incident=1, run="r", outcome="cured", detail=""))
    assert await status_of(world) is Status.TRIGGERED
    await world.incidents.acts.resolve(1, by="ada")
    assert await status_of(world) is Status.RESOLVED


async def test_notes_keep_what_stood_there_before(world: World) -> None:
    acts = world.incidents.acts
    note = await acts.note(1, text=" the disk is full ", by="ada")
    await acts.rewrite_note(1, note, text="the disk of db-1 is full", by="bob")
    [written] = (await world.incidents.story(1)).notes
    assert [(each.by, each.text) for each in written.versions] == [
        ("ada", "the disk is full"),
        ("bob", "the disk of db-1 is full"),
    ]
    assert await world.lines("note") == ["the disk is full", f"note {note} says now: the disk of db-1 is full"]
    with pytest.raises(PlatformError, match="incident #2 has no note"):
        await acts.rewrite_note(2, note, text="x", by="ada")
    with pytest.raises(PlatformError, match="the note says nothing"):
        await acts.note(1, text="  ", by="ada")


async def test_a_merged_incident_gives_its_alerts_away_and_ends_with_the_other(world: World) -> None:
    await world.incidents.acts.merge(2, into=1, by="ada", why="same disk")
    merged, goes_on = await world.incidents.story(2), await world.incidents.story(1)
    assert (merged.incident.status, merged.incident.merged_into, merged.alerts) == (Status.RESOLVED, 1, ())
    assert ({each.fingerprint for each in goes_on.alerts}, goes_on.merged) == ({"f1", "f2"}, (2,))
    await world.facts(fired(5, alert("f2", "key-eu-de")))
    assert await world.incidents.count_open() == 1, "the alert belongs to the other incident now"
    for number in (1, 2):
        await world.facts(RunDeclined(at=at(6), incident=number, why="no match"))
    await world.facts(recovered(60, alert()))
    assert await status_of(world) is Status.TRIGGERED
    await world.facts(recovered(61, alert("f2", "key-eu-de")))
    assert await status_of(world) is Status.RESOLVED
    ended = [each for each in await outbox.facts_since(world.database, ZERO) if isinstance(each, IncidentResolved)]
    assert [each.incident for each in ended] == [1, 2]
    with pytest.raises(PlatformError, match="it was merged into #1"):
        await world.incidents.acts.reopen(2, by="ada")


async def test_a_run_of_the_merged_incident_keeps_the_other_one_open(world: World) -> None:
    await world.facts(RunStarted(at=at(1), incident=2, run="r", runbook="Keys", why="exact"))
    await world.incidents.acts.merge(2, into=1, by="ada")
    await world.facts(
        RunDeclined(at=at(2), incident=1, why="no match"),
        recovered(60, alert()),
        recovered(61, alert("f2", "key-eu-de")),
    )
    assert await status_of(world) is Status.TRIGGERED
    await world.facts(RunEnded(at=at(70), incident=2, run="r", outcome="cured", detail=""))
    assert await status_of(world) is Status.RESOLVED


@pytest.mark.parametrize(("number", "into", "why"), [(1, 1, "that is the same one"), (1, 3, "no incident #3")])
async def test_what_cannot_be_merged(world: World, number: int, into: int, why: str) -> None:
    with pytest.raises(PlatformError, match=why):
        await world.incidents.acts.merge(number, into=into, by="ada")
    await world.incidents.acts.resolve(2, by="ada")
    with pytest.raises(PlatformError, match="#2 is resolved"):
        await world.incidents.acts.merge(1, into=2, by="ada")


async def test_split_makes_an_incident_of_its_own_that_pages(world: World) -> None:
    acts = world.incidents.acts
    await acts.merge(2, into=1, by="ada")
    fresh = await acts.split(1, fingerprints=["f2"], by="ada", why="another disk")
    await world.tick()
    split = await world.incidents.story(fresh)
    assert split.incident.title == "ServiceInstanceDown: key-eu-de (api_key_service, us-south)"
    assert [each.fingerprint for each in split.alerts] == ["f2"]
    assert [each.fingerprint for each in (await world.incidents.story(1)).alerts] == ["f1"]
    assert any(each.key.startswith(f"{fresh}/") and each.to == "engineer" for each in world.got)
    opened = [each for each in await outbox.facts_since(world.database, ZERO) if isinstance(each, IncidentOpened)]
    assert [each.incident for each in opened] == [1, 2, fresh]
    for wrong in (["f1"], [], ["nothing"]):
        with pytest.raises(PlatformError, match="these are not some of them"):
            await acts.split(1, fingerprints=wrong, by="ada")


async def test_who_has_the_alert_now_for_which_a_target_is_out_is_known_after_a_split(world: World) -> None:
    acts = world.incidents.acts
    await acts.merge(2, into=1, by="ada")
    fresh = await acts.split(1, fingerprints=["f2"], by="ada", why="another disk")
    assert await world.incidents.holders() == {(2, "key-eu-de"): frozenset({fresh})}
    await world.facts(RunDeclined(at=at(6), incident=2, why="no match"))
    assert await world.incidents.holders() == {(2, "key-eu-de"): frozenset({fresh})}
    await world.facts(recovered(61, alert("f2", "key-eu-de")))
    held = (await world.incidents.holders())[(2, "key-eu-de")]
    assert fresh in held, "it returns with the incident that had the alert last"


async def _next_level(acts: Acts) -> None:
    await acts.escalate(1, by="ada", level=9)


async def _old_level(acts: Acts) -> None:
    await acts.escalate(1, by="ada", level=1)


async def _nobody(acts: Acts) -> None:
    await acts.assign(1, to=target_of("responder/zoe"), by="ada")


async def _twice(acts: Acts) -> None:
    await acts.raise_condition(1, condition=ConditionKind.SECURITY, by="ada")
    await acts.raise_condition(1, condition=ConditionKind.SECURITY, by="ada")


async def _past(acts: Acts) -> None:
    await acts.snooze(1, until=ZERO - timedelta(hours=1), by="ada")


async def _same(acts: Acts) -> None:
    await acts.edit(1, Edit(severity="critical"), by="ada")


async def _nameless(acts: Acts) -> None:
    await acts.edit(1, Edit(title=" "), by="ada")


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (_next_level, "no-such-level"),
        (_old_level, "level-reached"),
        (_nobody, "nobody"),
        (_twice, "raised-already"),
        (_past, "bad-moment"),
        (_same, "nothing-changes"),
        (_nameless, "empty-title"),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_a_hint(
    world: World, act: Callable[[Acts], Awaitable[None]], code: str
) -> None:
    with pytest.raises(PlatformError) as refused:
        await act(world.incidents.acts)
    assert refused.value.code == code
    assert refused.value.hint


async def test_without_a_policy_nobody_is_paged_but_somebody_can_be_asked(database: Database) -> None:
    bare = replace(spec(LADDER), incidents=IncidentSettings())
    world = World(database, Cell(bare))
    await world.facts(AlertFired(at=ZERO, alert=alert(), evidence="refused"))
    await world.tick()
    assert world.got == []
    with pytest.raises(PlatformError, match="no escalation policy"):
        await world.incidents.acts.escalate(1, by="ada")
    await world.incidents.acts.assign(1, to=target_of("responder/chief"), by="ada")
    await world.tick()
    assert world.paged == [(0, "chief")]
