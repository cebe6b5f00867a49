"""Which message belongs to which moment, and how its places are filled."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.incidents.life import Status
from stationmaster.incidents.talk.drafts import Known, draft
from stationmaster.incidents.talk.moments import (
    NEUTRAL,
    OURS,
    Audience,
    Moment,
    Template,
    Word,
    cadence_s,
    choose,
    moment_of,
    word_of,
)
from stationmaster.incidents.talk.owed import Decision, Said, decide
from stationmaster.incidents.talk.places import duration_text, fill, moment_text
from stationmaster.incidents.timeline import Entry

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
EVERY_S = 900.0


def after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def template(moment: Moment, text: str = "text", *, later: bool = False, every_s: float | None = None) -> Template:
    return Template(moment=moment, text=text, source="x.md:1", later=later, every_s=every_s)


def test_there_are_neutral_words_for_every_moment() -> None:
    assert {each.moment for each in NEUTRAL} == set(Moment)
    assert all(choose((), moment).source == OURS for moment in Moment)


def test_neutral_words_need_nothing_that_is_not_known_of_every_open_incident() -> None:
    values = {"components": "Keys", "next_update": "03:15 UTC", "duration": "1 hour", "since": "02:00 UTC"}
    assert [fill(each.text, values).open for each in NEUTRAL] == [()] * len(NEUTRAL)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Moment.OPENED, "looking"),
        (Moment.ACKNOWLEDGED, "looking"),
        (Moment.UPDATE, "still"),
        (Moment.IDENTIFIED, "still"),
        (Moment.RESOLVED, "over"),
    ],
)
def test_the_runbooks_own_message_goes_first_and_stands_in_for_its_neighbour(wanted: Moment, found: str) -> None:
    own = (
        template(Moment.UPDATE, "for long", later=True),
        template(Moment.OPENED, "looking"),
        template(Moment.UPDATE, "still"),
        template(Moment.RESOLVED, "over"),
    )
    assert choose(own, wanted).text == found


def test_words_for_responders_are_never_told_to_users() -> None:
    inside = Template(moment=Moment.OPENED, text="page the database team", audience=Audience.RESPONDERS)
    assert choose((inside,), Moment.OPENED).source == OURS
    found = draft(known(), (inside,), NOW)
    assert found.text.startswith("page the database team\n")
    assert "database" not in found.public.text


@pytest.mark.parametrize(
    ("status", "last", "word"),
    [
        (Status.TRIGGERED, None, Word.INVESTIGATING),
        (Status.ACKNOWLEDGED, Word.IDENTIFIED, Word.IDENTIFIED),
        (Status.TRIGGERED, Word.MONITORING, Word.IDENTIFIED),
        (Status.MITIGATED, Word.INVESTIGATING, Word.MONITORING),
        (Status.RESOLVED, None, Word.RESOLVED),
        (Status.REVIEWED, None, Word.RESOLVED),
    ],
)
def test_how_an_update_names_the_state(status: Status, last: Word | None, word: Word) -> None:
    assert word_of(status, last) is word


def test_the_first_news_open_an_incident_and_later_ones_go_on() -> None:
    assert moment_of(Word.INVESTIGATING, first=True, acknowledged=False) is Moment.OPENED
    assert moment_of(Word.INVESTIGATING, first=True, acknowledged=True) is Moment.ACKNOWLEDGED
    assert moment_of(Word.INVESTIGATING, first=False, acknowledged=True) is Moment.UPDATE
    assert moment_of(Word.POSTMORTEM, first=True, acknowledged=False) is Moment.REVIEW


def test_news_are_owed_as_often_as_anybody_promised() -> None:
    assert cadence_s((), 900) == 900
    assert cadence_s((template(Moment.OPENED, every_s=300), template(Moment.UPDATE, every_s=3600)), 900) == 300
    assert cadence_s((template(Moment.OPENED, every_s=1800),), 900) == 900


VALUES = {"service": "keys", "since": "02:00 UTC", "next_update": "03:15 UTC", "number": "#7", "url": ""}


@pytest.mark.parametrize(
    ("text", "filled", "left"),
    [
        ("{{service}} and {{ incident.service }}", "keys and keys", ()),
        ("${SERVICE}, <service name>, [SERVICE]", "keys, keys, keys", ()),
        ("More news at [TIME].", "More news at 03:15 UTC.", ()),
        ("Since [TIME] we see it", "Since 02:00 UTC we see it", ()),
        ("Current ETA for resolution: [TIME]", "Current ETA for resolution: [TIME]", ("[TIME]",)),
        ("<impact> [insert impact]", "<impact> [insert impact]", ("<impact>", "[insert impact]")),
        ("see {{url}}", "see {{url}}", ("{{url}}",)),
        (
            "[a link](http://x) and <http://y> and a < b > c, [1]",
            "[a link](http://x) and <http://y> and a < b > c, [1]",
            (),
        ),
        ("[TIME] [TIME]", "[TIME] [TIME]", ("[TIME]",)),
    ],
)
def test_places_are_filled_from_what_is_known_and_the_rest_stays_to_be_seen(
    text: str, filled: str, left: tuple[str, ...]
) -> None:
    found = fill(text, VALUES)
    assert (found.text, found.open, found.complete) == (filled, left, not left)


def test_what_a_value_says_is_no_place() -> None:
    assert fill("{{service}}", {"service": "{{number}} [TIME]", "number": "#7"}).open == ()
    assert fill("{{service}}", {"service": "{{number}} [TIME]", "number": "#7"}).text == "{{number}} [TIME]"


@given(st.text(max_size=300))
def test_any_text_can_be_filled(text: str) -> None:
    found = fill(text, VALUES)
    assert all(each in text for each in found.open)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "less than a second"), (61, "1 minute 1 second"), (5400, "1 hour 30 minutes"), (200_000, "2 days 7 hours")],
)
def test_durations_are_said_in_two_units(seconds: int, text: str) -> None:
    assert duration_text(timedelta(seconds=seconds)) == text


def test_moments_are_said_in_the_zone_of_the_page_with_the_day_where_it_is_another() -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert moment_text(after(0), zone, after(30)) == "04:00 CET"
    assert moment_text(after(-300), zone, after(0)) == "2026-11-20 23:00 CET"


@pytest.mark.parametrize(
    ("updated", "told", "now", "due", "tell", "look"),
    [
        (None, None, 0, 15, None, 15),
        (None, None, 14.9, 15, None, 15),
        (None, None, 15, 15, 15, 30),
        (None, 15, 20, 15, None, 30),
        (None, 15, 30, 15, 30, 45),
        (None, 15, 100, 15, 90, 105),
        (16, 15, 20, 31, None, 31),
        (16, 15, 31, 31, 31, 46),
    ],
)
def test_when_news_are_owed(
    updated: float | None, told: float | None, now: float, due: float, tell: float | None, look: float
) -> None:
    said = Said(
        owes=True,
        since=NOW,
        updated_at=None if updated is None else after(updated),
        told_at=None if told is None else after(told),
    )
    expected = Decision(due_at=after(due), tell=None if tell is None else after(tell), look_at=after(look))
    assert decide(said, EVERY_S, after(now)) == expected


def test_what_owes_nothing_is_never_looked_at() -> None:
    assert decide(Said(owes=False, since=NOW), EVERY_S, after(100)) == Decision()
    assert decide(Said(owes=True, since=NOW), 0, after(100)) == Decision()


@given(st.lists(st.integers(0, 4000), max_size=40))
def test_however_often_it_is_looked_at_nothing_is_told_twice_and_the_latest_is_told(steps: list[int]) -> None:
    now, told_at, told = NOW, None, []
    for step in steps:
        now += timedelta(seconds=step)
        found = decide(Said(owes=True, since=NOW, told_at=told_at), EVERY_S, now)
        if found.tell is not None:
            told.append(found.tell)
            told_at = found.tell
        assert found.look_at is not None
        assert found.look_at > now
        assert not told or now - told[-1] < timedelta(seconds=EVERY_S)
        assert bool(told) == (now - NOW >= timedelta(seconds=EVERY_S))
    assert len(told) == len(set(told))


def known(*entries: Entry, updated: float | None = None, status: Status = Status.TRIGGERED) -> Known:
    return Known(
        number=7,
        title="keys are down",
        status=status,
        severity="critical",
        service="keys",
        environment="prod",
        region="",
        instance="",
        url="",
        since=NOW,
        ended_at=after(30) if status.is_over else None,
        update_at=None if updated is None else after(updated),
        next_at=None if status.is_over else after(45),
        entries=entries,
        firing=("keys are down",),
        at_work=("ada",),
    )


def entry(minutes: float, kind: str, text: str, by: str = "runbooks") -> Entry:
    return Entry(at=after(minutes), kind=kind, by=by, text=text)


def test_a_draft_says_what_happened_since_the_last_update_and_nothing_else() -> None:
    entries = (
        entry(1, "run.started", "runbook “A”: it names the alert"),
        entry(20, "target.out", "target x taken out of y: down", "healing"),
        entry(21, "page.sent", "page sent to ada", "pages"),
        entry(22, "run.step", "step 1: passed"),
    )
    found = draft(known(*entries, updated=15), (), after(30))
    assert found.text.splitlines() == [
        "triggered, critical, since 03:00 UTC, for 30 minutes",
        "Firing: keys are down",
        "At work: ada",
        "Since the last update:",
        "- 03:20 UTC healing: target x taken out of y: down",
        "Under way: runbook “A”: it names the alert",
        "Nobody has acknowledged it",
        "Next update: 03:45 UTC",
    ]
    assert found.moment is Moment.UPDATE
    assert found == draft(known(*entries, updated=15), (), after(30)), "the same facts, the same draft"


def test_a_draft_of_an_end_promises_no_further_news() -> None:
    found = draft(known(status=Status.RESOLVED), (), after(40))
    assert found.text.splitlines()[0] == "resolved, critical, since 03:00 UTC, lasted 30 minutes"
    assert "Next update" not in found.text
    assert found.public.text == "The problem with our services is resolved. It lasted 30 minutes."


def test_a_long_story_is_cut_and_says_so() -> None:
    entries = [entry(number / 60, "note", f"note {number} " + "x" * 1000, "ada") for number in range(100)]
    found = draft(known(*entries), (), after(30))
    assert "- 90 earlier lines stand in the timeline" in found.text
    assert "note 99" in found.text
    assert len(found.text) < 4000


def test_which_of_several_runs_goes_on_is_not_guessed() -> None:
    entries = (
        entry(1, "run.started", "runbook “A”: x"),
        entry(2, "run.started", "runbook “B”: y"),
        entry(3, "run.ended", "run ended: cured"),
    )
    assert "Under way: 1 of 2 runs of runbooks" in draft(known(*entries), (), after(30)).text
