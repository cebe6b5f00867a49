"""What goes wrong around pages: nobody to be reached, people who are gone, a server for e-mail that is away, clocks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from stationmaster.core.facts import Alert
from stationmaster.core.response import (
    Contact,
    ContactKind,
    EscalationPolicy,
    Level,
    NotifyRule,
    PageTarget,
    PolicyName,
    QuietHours,
    Responder,
    ResponderName,
    Smtp,
    TargetKind,
)
from stationmaster.incidents.claims import Claimed
from stationmaster.incidents.notify.receipt import Receipt, delivered, failed, refused
from stationmaster.incidents.pager import Pager
from stationmaster.incidents.pages import after_quiet_hours
from stationmaster.incidents.paging import telling
from stationmaster.incidents.watch import PageWatch
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.incidents.notify.listening import receiver
from tests.incidents.test_incidents import alert, fired
from tests.incidents.world import LADDER, ONCE, PLAIN, World, channel, person, responder, spec


def troubles(story: World) -> list[str]:
    """What `status` shows of pages."""
    return list(story.incidents.overdue.value)


def watched(story: World) -> tuple[PageWatch, list[Claimed]]:
    told: list[Claimed] = []

    async def send(claimed: Claimed) -> Receipt:
        told.append(claimed)
        return delivered()

    return PageWatch(story.incidents.ground, story.incidents.overdue, send), told


async def test_a_policy_that_leads_to_nobody_at_all_is_told_to_the_channels_and_shown_until_somebody_acts(
    database: Database,
) -> None:
    nobody = (PageTarget(kind=TargetKind.SCHEDULE, name="empty"), person("gone"))
    policy = EscalationPolicy(
        name=PolicyName("void"), levels=(Level(targets=nobody), Level(targets=nobody, after_s=60))
    )
    story = World(database, Cell(spec(policy, channel())))
    watch, told = watched(story)
    await story.facts(fired(0, alert()))
    await story.until(2)
    for _ in range(3):
        await watch.look()
    assert story.paged == []
    assert len(await story.lines("page.nobody")) == 4, "each target of each level"
    assert ["nobody could be paged" in each for each in troubles(story)] == [True]
    assert [(each.owed.what.value, each.owed.page.to.name) for each in told] == [("overdue", "ops")]
    assert ["told to ops" in each for each in await story.lines("page.overdue")] == [True]
    await story.incidents.acts.acknowledge(1, by="ada")
    await watch.look()
    assert troubles(story) == []


async def test_an_incident_whose_every_sending_was_given_up_is_shown(database: Database) -> None:
    story = World(database, Cell(spec(PLAIN)))
    watch, _ = watched(story)
    story.answer = lambda _: refused("answered 404")
    await story.facts(fired(0, alert()))
    await story.tick()
    await watch.look()
    assert troubles(story) == [], "it has just happened"
    await story.until(6)
    await watch.look()
    assert ["nobody could be paged" in each for each in troubles(story)] == [True]


async def test_who_has_been_paged_is_no_trouble(database: Database) -> None:
    story = World(database, Cell(spec(LADDER, channel())))
    watch, told = watched(story)
    await story.facts(fired(0, alert()))
    await story.until(10)
    await watch.look()
    assert (troubles(story), told) == ([], [])


async def test_whoever_is_deleted_while_the_incident_is_open_is_skipped_for_the_next_level(database: Database) -> None:
    """What was written down to be sent to them is still sent: nobody can say that it was lost."""
    twice = responder("engineer", NotifyRule(contact="mail"), NotifyRule(contact="sms", after_s=120))
    others = [responder("director", ONCE), responder("chief", ONCE)]
    declared = Cell(spec(LADDER, responders=[twice, responder("manager", ONCE), *others]))
    story = World(database, declared)
    await story.facts(fired(0, alert()))
    await story.tick()
    declared.set(spec(LADDER, responders=others))
    await story.until(16)
    assert story.paged == [(0, "engineer"), (2, "engineer"), (15, "director")]
    assert await story.lines("page.nobody") == ["responder manager cannot be paged: there is no responder manager"]


async def test_with_an_unreachable_server_for_mail_the_next_contact_is_used_and_all_of_it_is_seen(
    database: Database, free_port: Callable[[], int]
) -> None:
    """Real connections: the one for mail is refused, the webhook of the manager answers."""
    policy = EscalationPolicy(
        name=PolicyName("mail first"),
        levels=(Level(targets=(person("engineer"),)), Level(targets=(person("manager"),), after_s=86_400)),
    )
    async with receiver(free_port(), 200) as there:
        hook = Contact(name="hook", kind=ContactKind.WEBHOOK, address=there.url)
        people = [responder("engineer", ONCE), Responder(name=ResponderName("manager"), contacts=(hook,))]
        whole = spec(policy, responders=people)
        smtp = Smtp(host="127.0.0.1", port=free_port(), sender="pages@example.org")
        whole = replace(whole, incidents=replace(whole.incidents, smtp=smtp))
        story = World(database, Cell(whole))
        story.pager = Pager(story.incidents.ground, telling(story.incidents))
        watch, _ = watched(story)
        await story.facts(fired(0, alert()))
        await story.until(1, step_s=10)
        await watch.look()
        assert ["ConnectionRefusedError" in each for each in troubles(story)] == [True]
        await story.until(66, step_s=60)
        assert [document["status"] for _, document in there.got] == ["firing"]
    assert "given up" in (await story.lines("page.failed"))[-1]
    assert "cannot be reached" in (await story.lines("page.escalated"))[0]
    assert ["manager" in each for each in await story.lines("page.sent")] == [True]


async def test_a_receiver_that_answers_500_for_an_hour_loses_nothing(database: Database) -> None:
    """Three incidents, one receiver: all of them arrive when it is well again, each once."""
    lonely = EscalationPolicy(name=PolicyName("one"), levels=(Level(targets=(person("engineer"),)),))
    story = World(database, Cell(spec(lonely)))
    sick = True
    story.answer = lambda _: failed("answered 500") if sick else delivered()
    await story.facts(*(fired(0, alert(f"f{number}", f"key-{number}")) for number in range(3)))
    await story.until(58, step_s=30)
    sick, before = False, len(story.got)
    await story.until(70, step_s=30)
    opened = {each.number for each in await story.incidents.all()}
    assert sorted(each.key.partition("/")[0] for each in story.got[before:]) == sorted(map(str, opened))


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        (datetime(2026, 3, 28, 22, 30, tzinfo=UTC), datetime(2026, 3, 29, 5, 0, tzinfo=UTC)),
        (datetime(2026, 10, 24, 21, 30, tzinfo=UTC), datetime(2026, 10, 25, 6, 0, tzinfo=UTC)),
        (datetime(2026, 10, 25, 6, 0, tzinfo=UTC), datetime(2026, 10, 25, 6, 0, tzinfo=UTC)),
    ],
    ids=["the short night", "the long night", "right at the end"],
)
def test_quiet_hours_end_by_the_clock_on_the_wall_in_nights_whose_hours_change(
    due: datetime, expected: datetime
) -> None:
    quiet = QuietHours(since=time(22), until=time(7))
    assert after_quiet_hours(quiet, ZoneInfo("Europe/Berlin"), due) == expected


async def test_a_time_zone_that_is_changed_meanwhile_counts_for_the_next_page_and_moves_none_that_is_owed(
    database: Database,
) -> None:
    """At 03:00 UTC it is night in London and noon in Tokyo."""
    sleeper = responder("engineer", ONCE, quiet=QuietHours(since=time(22), until=time(7)))
    policy = replace(PLAIN, levels=PLAIN.levels[:1])
    story = World(database, Cell(spec(policy, responders=[replace(sleeper, time_zone="Europe/London")])))
    first, second = (replace(each, labels=_calm(each)) for each in (alert(), alert("f2", "shop-1")))
    await story.facts(fired(0, first))
    await story.tick()
    story.declared.set(spec(policy, responders=[replace(sleeper, time_zone="Asia/Tokyo")]))
    await story.facts(fired(0, replace(second, labels={**second.labels, "service": "shop"})))
    await story.until(239, step_s=600)
    assert [(each.minute, each.key.partition("/")[0]) for each in story.got] == [(0, "2")]
    await story.until(241)
    assert [(each.minute, each.key.partition("/")[0]) for each in story.got] == [(0, "2"), (240, "1")]


def _calm(found: Alert) -> dict[str, str]:
    """Of low urgency, which alone waits for the end of quiet hours."""
    return {**found.labels, "severity": "warning"}
