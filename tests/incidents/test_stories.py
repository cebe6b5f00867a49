"""Ladders of escalation on virtual time, through the real store and loops: who is paged when, whatever dies."""

from dataclasses import replace
from datetime import timedelta

import pytest

from stationmaster.core.facts import EscalationAsked, InstanceRestarted, RunDeclined, RunEnded, RunStarted
from stationmaster.core.response import ConditionKind, EscalationPolicy, Level, NotifyRule, PolicyName, Urgency
from stationmaster.incidents import store
from stationmaster.incidents.acts import Edit
from stationmaster.incidents.asking import target_of
from stationmaster.incidents.claims import Claimed
from stationmaster.incidents.life import Status
from stationmaster.incidents.notify.receipt import Receipt, delivered, failed, refused
from stationmaster.incidents.watch import PageWatch
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.incidents.test_incidents import alert, fired, recovered
from tests.incidents.world import LADDER, ONCE, PLAIN, QUIET, ZERO, World, channel, person, responder, spec


def world(database: Database, policy: EscalationPolicy = LADDER) -> World:
    return World(database, Cell(spec(policy)))


async def opened(database: Database, policy: EscalationPolicy = LADDER) -> World:
    """An incident that has just opened, and whose first page is sent."""
    begun = world(database, policy)
    await begun.facts(fired(0, alert()))
    await begun.tick()
    return begun


async def test_nobody_answers_and_the_ladder_is_climbed_at_15_30_and_60_minutes(database: Database) -> None:
    story = await opened(database)
    await story.until(120)
    assert story.paged == [(0, "engineer"), (15, "manager"), (30, "director"), (60, "chief")]


async def test_who_acknowledges_is_left_alone_but_an_outage_that_lasts_reaches_the_others(database: Database) -> None:
    story = await opened(database)
    await story.until(2)
    await story.incidents.acts.acknowledge(1, by="engineer")
    await story.until(29)
    assert story.paged == [(0, "engineer"), (15, "manager")]
    assert await story.lines("incident.acknowledged") == ["acknowledged"]


async def test_an_acknowledgement_runs_out_and_paging_goes_on_where_it_stopped(database: Database) -> None:
    story = await opened(database, PLAIN)
    await story.until(2)
    await story.incidents.acts.acknowledge(1, by="engineer")
    await story.until(36)
    assert story.paged == [(0, "engineer"), (32, "engineer"), (35, "manager")]
    assert await story.lines("page.lapsed") == ["the acknowledgement of engineer ran out"]
    (incident,) = await story.incidents.all()
    assert incident.status is Status.TRIGGERED


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (ConditionKind.CUSTOMER_REPORTS, [(0, "engineer"), (5, "manager"), (20, "director")]),
        (ConditionKind.SECURITY, [(0, "engineer"), (5, "manager"), (5, "director")]),
        (ConditionKind.MAJOR_IMPACT, [(0, "engineer"), (15, "manager")]),
    ],
)
async def test_a_condition_that_somebody_raises_reaches_its_level_at_once(
    database: Database, condition: ConditionKind, expected: list[tuple[float, str]]
) -> None:
    story = await opened(database)
    await story.until(5)
    await story.incidents.acts.raise_condition(1, condition=condition, by="ada", why="ticket 4711")
    await story.until(21)
    assert story.paged == expected


async def test_a_label_of_the_alert_raises_a_condition(database: Database) -> None:
    story = world(database)
    labels = {**alert().labels, "data_integrity": "true", "security": "false"}
    await story.facts(fired(0, replace(alert(), labels=labels)))
    await story.tick()
    assert story.paged == [(0, "engineer"), (0, "manager"), (0, "director")]


async def test_two_restarts_that_did_not_help_reach_the_manager(database: Database) -> None:
    story = await opened(database)
    for minute in (2, 4, 6):
        await story.until(minute)
        at = ZERO + timedelta(minutes=minute)
        await story.facts(InstanceRestarted(at=at, instance="key-us-south", by="runbook", why="down", incident=1))
        await story.tick()
    assert story.paged == [(0, "engineer"), (6, "manager")]


async def test_a_run_without_a_cure_reaches_the_level_that_waits_for_it(database: Database) -> None:
    story = await opened(database)
    await story.facts(RunStarted(at=ZERO, incident=1, run="r", runbook="Key service", why="exact"))
    await story.until(3)
    await story.facts(RunEnded(at=story.now, incident=1, run="r", outcome="escalated", detail="nothing helped"))
    await story.tick()
    assert story.paged == [(0, "engineer"), (3, "manager")]


async def test_a_level_that_a_runbook_asks_for_is_paged(database: Database) -> None:
    story = await opened(database)
    await story.until(1)
    await story.facts(EscalationAsked(at=story.now, incident=1, level=3, why="step 4 is left to a person"))
    await story.tick()
    assert story.paged == [(0, "engineer"), (1, "manager"), (1, "director")]


async def test_snoozed_and_reopened(database: Database) -> None:
    story = await opened(database, PLAIN)
    await story.until(1)
    await story.incidents.acts.snooze(1, until=story.now + timedelta(hours=1), by="ada")
    await story.until(60)
    assert story.paged == [(0, "engineer")]
    await story.until(66)
    assert story.paged == [(0, "engineer"), (65, "manager")]
    await story.incidents.acts.resolve(1, by="ada", why="disk replaced")
    await story.until(90)
    await story.incidents.acts.reopen(1, by="bob", why="it is back")
    await story.until(96)
    assert story.paged[2:] == [(90, "engineer"), (95, "manager")]


async def test_asking_for_the_next_level_and_for_somebody_by_name(database: Database) -> None:
    story = await opened(database)
    await story.until(1)
    await story.incidents.acts.escalate(1, by="ada")
    await story.tick()
    assert story.paged == [(0, "engineer"), (1, "manager")]
    await story.incidents.acts.assign(1, to=target_of("responder/chief"), by="ada", why="you know the disks")
    await story.tick()
    assert story.paged[2:] == [(1, "chief")]
    found = await story.incidents.story(1)
    assert [each.name for each in found.responders] == ["chief"]


async def test_the_policy_of_an_incident_is_frozen_when_it_opens(database: Database) -> None:
    story = await opened(database)
    changed = replace(PLAIN, name=PolicyName("api"))
    story.declared.set(spec(changed))
    await story.until(31)
    assert story.paged == [(0, "engineer"), (15, "manager"), (30, "director")]


async def test_channels_are_told_of_the_beginning_the_acknowledgement_and_the_end(database: Database) -> None:
    story = World(database, Cell(spec(LADDER, channel())))
    await story.facts(fired(0, alert()), RunDeclined(at=ZERO, incident=1, why="no match"))
    await story.tick()
    await story.until(2)
    await story.incidents.acts.acknowledge(1, by="ada")
    await story.until(4)
    await story.facts(recovered(240, alert()))
    await story.tick()
    assert story.noticed == [(0, "opened"), (2, "acknowledged"), (4, "resolved")]
    assert (await story.incidents.all())[0].status is Status.RESOLVED


async def test_after_the_end_nobody_is_paged(database: Database) -> None:
    story = await opened(database)
    await story.facts(RunDeclined(at=ZERO, incident=1, why="no match"), recovered(240, alert()))
    await story.until(120)
    assert story.paged == [(0, "engineer")]


async def test_pages_of_low_urgency_wait_for_the_morning(database: Database) -> None:
    sleeper = responder("engineer", ONCE, quiet=QUIET)
    alone = replace(PLAIN, levels=PLAIN.levels[:1])
    story = World(database, Cell(spec(alone, responders=[sleeper])))
    labels = {**alert().labels, "severity": "warning"}
    await story.facts(fired(0, replace(alert(), labels=labels)))
    await story.until(239, step_s=600)
    assert story.paged == []
    await story.until(241)
    assert story.paged == [(240, "engineer")]


@pytest.mark.parametrize("moment", ["before", "claimed", "sent"])
async def test_a_death_between_any_two_events_loses_no_page_and_repeats_at_most_the_one_it_cut_off(
    database: Database, moment: str
) -> None:
    """A new process after every event: before the page is claimed, after that, or after it was sent."""
    story = world(database)
    await story.facts(fired(0, alert()))
    await story.restart()
    for minute in (0, 15, 30, 60):
        await story.until(minute)
        await story.restart()
        found = await story.pager.sender.tick()
        if found and moment != "before":
            if moment == "sent":
                await story._send(found[0])
            await story.restart()
        for claimed in found if moment == "before" else ():
            await story.pager.sender.finish(claimed)
        await story.tick()
    first = [each for each in story.got if not each.doubtful]
    again = [each for each in story.got if each.doubtful]
    ladder = ["engineer", "manager", "director", "chief"]
    assert list(dict.fromkeys(each.to for each in story.got)) == ladder
    assert len({each.key for each in story.got}) == 4
    assert len({each.key for each in first}) == len(first)
    assert len({each.key for each in again}) == len(again)


async def test_a_page_that_is_cut_off_over_and_over_is_sent_again_after_each_crash_for_an_hour(
    database: Database,
) -> None:
    lonely = EscalationPolicy(
        name=PolicyName("slow"),
        levels=(Level(targets=(person("engineer"),)), Level(targets=(person("manager"),), after_s=86_400)),
    )
    story = world(database, lonely)
    await story.facts(fired(0, alert()))
    claimed: list[tuple[str, float, bool]] = []
    while not claimed or claimed[-1][0] == "engineer":
        found = [each.owed for each in await story.pager.sender.tick()]
        claimed += [(each.page.to.name, story.running_s, each.doubtful) for each in found]
        await story.restart()
        story.passes(300)
    assert claimed[:3] == [("engineer", 0, False), ("engineer", 300, True), ("engineer", 600, True)]
    assert [name for name, *_ in claimed].count("engineer") == 13
    assert claimed[-1][:2] == ("manager", 3900)
    assert story.paged == []
    assert "is given up: cut off" in (await story.lines("page.failed"))[-1]


async def test_a_receiver_that_fails_is_tried_again_for_an_hour_and_then_the_next_level_is_asked_for(
    database: Database,
) -> None:
    lonely = EscalationPolicy(
        name=PolicyName("slow"),
        levels=(Level(targets=(person("engineer"),)), Level(targets=(person("manager"),), after_s=86_400)),
    )
    story = world(database, lonely)

    def answer(claimed: Claimed) -> Receipt:
        return failed("answered 500") if claimed.owed.page.to.name == "engineer" else delivered()

    story.answer = answer
    await story.facts(fired(0, alert()))
    await story.tick()
    await story.until(70, step_s=5)
    engineer = [minute * 60 for minute, to in story.paged if to == "engineer"]
    assert [round(second) for second in engineer[:6]] == [0, 5, 15, 35, 75, 155]
    assert story.paged[-1][1] == "manager"
    assert 60 <= story.paged[-1][0] <= 66
    assert len(await story.lines("page.failed")) == 2, "the first failure and the end of trying are told"
    assert "cannot be reached (answered 500)" in (await story.lines("page.escalated"))[0]


async def test_a_contact_that_refuses_hands_over_to_the_next_contact_at_once(database: Database) -> None:
    both = responder("engineer", NotifyRule(contact="mail"), NotifyRule(contact="sms", after_s=600))
    story = World(database, Cell(spec(PLAIN, responders=[both, responder("manager", ONCE)])))
    story.answer = lambda each: refused("answered 404") if each.owed.page.contact.name == "mail" else delivered()
    await story.facts(fired(0, alert()))
    await story.tick()
    assert [(each.minute, each.contact) for each in story.got] == [(0, "mail"), (0, "sms")]


async def test_a_level_that_leads_to_nobody_is_told_and_the_next_one_is_paged_at_once(database: Database) -> None:
    story = World(database, Cell(spec(LADDER, responders=[responder("director", ONCE)])))
    await story.facts(fired(0, alert()))
    await story.tick()
    assert story.paged == [(0, "director")]
    assert await story.lines("page.nobody") == [
        "responder engineer cannot be paged: there is no responder engineer",
        "responder manager cannot be paged: there is no responder manager",
    ]


async def test_a_clock_that_is_set_back_loses_nothing_and_repeats_nothing(database: Database) -> None:
    story = await opened(database, PLAIN)
    story.passes(60)
    await story.tick()
    story.now -= timedelta(hours=2)
    for _ in range(10):
        story.passes(30)
        await story.tick()
    assert story.paged == [(0, "engineer"), (5, "manager")]


async def test_a_clock_that_is_set_back_while_nothing_runs_does_not_stop_the_chain(database: Database) -> None:
    story = await opened(database, PLAIN)
    story.now -= timedelta(hours=2)
    await story.restart()
    for _ in range(10):
        story.passes(30)
        await story.tick()
    assert story.paged == [(0, "engineer"), (5, "manager")]


async def test_a_page_that_is_overdue_is_told_to_the_channels_of_its_incident_once(database: Database) -> None:
    story = World(database, Cell(spec(PLAIN, channel())))
    told: list[Claimed] = []

    async def send(claimed: Claimed) -> Receipt:
        told.append(claimed)
        return delivered()

    watch = PageWatch(story.incidents.ground, story.incidents.overdue, send)
    await story.facts(fired(0, alert()))
    assert await story.pager.sender.tick()
    await watch.look()
    assert len(story.incidents.overdue.value) == 0
    story.passes(31)
    await watch.look()
    await watch.look()
    [claimed] = told
    assert (claimed.owed.what.value, claimed.owed.page.to.name) == ("overdue", "ops")
    assert "the page to engineer by mail" in "".join(story.incidents.overdue.value)
    assert "told to ops" in (await story.lines("page.overdue"))[0]
    await story.restart()
    await story.tick()
    await watch.look()
    assert len(story.incidents.overdue.value) == 0


async def test_a_loop_that_does_not_look_is_seen(database: Database) -> None:
    story = world(database)
    await story.facts(fired(0, alert()))
    story.passes(40)
    await PageWatch(story.incidents.ground, story.incidents.overdue, story._send).look()
    assert story.incidents.overdue.value == ("#1: what it owes is not looked at",)


async def test_a_higher_severity_reaches_the_level_that_waits_for_it(database: Database) -> None:
    story = await opened(database)
    await story.incidents.acts.edit(1, Edit(severity="major", urgency=Urgency.LOW, priority="P1"), by="ada")
    (incident,) = await story.incidents.all()
    assert (incident.severity, incident.urgency, incident.priority) == ("major", Urgency.LOW, "P1")
    assert await story.lines("incident.edited") == ["severity is major now, priority is P1 now, urgency is low now"]


async def test_a_frozen_policy_that_cannot_be_read_keeps_no_other_page_back(database: Database) -> None:
    story = await opened(database)
    async with database.write() as connection:
        await store.change(connection, 1, policy={"of": "another version"}, due_at=story.now)
    await story.facts(fired(0, alert("f2", "key-eu-de")))
    await story.tick()
    assert [each.key.partition("/")[0] for each in story.got] == ["1", "2"]
