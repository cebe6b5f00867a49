"""Which level is reached when, and which page is owed to whom: ladders of runbooks on virtual time."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.response import (
    Channel,
    ChannelName,
    Condition,
    ConditionKind,
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
    TargetKind,
    Urgency,
)
from stationmaster.incidents.escalate import Happened, History, Move, Reached, reached
from stationmaster.incidents.pages import Directory, Nobody, Page, owed, pages

ZERO = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)


def minutes(count: float) -> datetime:
    return ZERO + timedelta(minutes=count)


def person(name: str) -> PageTarget:
    return PageTarget(kind=TargetKind.RESPONDER, name=name)


LADDER = EscalationPolicy(
    name=PolicyName("api"),
    acknowledged_s=1800,
    levels=(
        Level(targets=(person("engineer"),)),
        Level(
            targets=(person("manager"),),
            after_s=900,
            conditions=(
                Condition(kind=ConditionKind.OPEN_FOR, seconds=900),
                Condition(kind=ConditionKind.RESTARTS_FAILED, count=2),
                Condition(kind=ConditionKind.INFRASTRUCTURE),
                Condition(kind=ConditionKind.CUSTOMER_REPORTS),
            ),
        ),
        Level(
            targets=(person("chief"),),
            after_s=900,
            conditions=(
                Condition(kind=ConditionKind.OPEN_FOR, seconds=1800),
                Condition(kind=ConditionKind.DATA_INTEGRITY),
                Condition(kind=ConditionKind.SECURITY),
            ),
        ),
    ),
)
"""The ladder of an API outage: a manager after 15 minutes, the head of engineering after 30."""

PLAIN = EscalationPolicy(
    name=PolicyName("plain"),
    acknowledged_s=1800,
    repeats=1,
    last_wait_s=600,
    levels=(Level(targets=(person("engineer"),)), Level(targets=(person("manager"),), after_s=300)),
)


def ladder(policy: EscalationPolicy, *moves: Happened, until: float = 600) -> list[tuple[float, int, str]]:
    found = reached(policy, History(opened_at=ZERO, moves=moves), minutes(until))
    return [((each.at - ZERO).total_seconds() / 60, each.level, each.why) for each in found]


def did(minute: float, move: Move, condition: ConditionKind | None = None, until: float | None = None) -> Happened:
    return Happened(
        at=minutes(minute), move=move, by="ada", condition=condition, until=None if until is None else minutes(until)
    )


def test_the_ladder_is_climbed_by_time_when_nobody_answers() -> None:
    assert [(minute, level) for minute, level, _ in ladder(LADDER)] == [(0, 0), (15, 1), (30, 2)]


def test_an_outage_of_15_minutes_reaches_the_manager_although_somebody_works_on_it() -> None:
    found = ladder(LADDER, did(1, Move.ACKNOWLEDGED))
    assert found[:3] == [(0, 0, "the incident opened"), (15, 1, "open for 15m"), (30, 2, "open for 30m")]


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        ([did(2, Move.RESTART_FAILED)], [(0, 0), (15, 1), (30, 2)]),
        ([did(2, Move.RESTART_FAILED), did(4, Move.RESTART_FAILED)], [(0, 0), (4, 1), (19, 2)]),
        ([did(3, Move.RAISED, ConditionKind.CUSTOMER_REPORTS)], [(0, 0), (3, 1), (18, 2)]),
        ([did(5, Move.RAISED, ConditionKind.SECURITY)], [(0, 0), (5, 1), (5, 2)]),
        ([did(5, Move.RAISED, ConditionKind.MAJOR_IMPACT)], [(0, 0), (15, 1), (30, 2)]),
        ([did(9, Move.ENDED)], [(0, 0)]),
        ([did(20, Move.ENDED)], [(0, 0), (15, 1)]),
    ],
)
def test_conditions_reach_a_level_before_its_time_and_a_higher_one_takes_the_lower_along(
    moves: Sequence[Happened], expected: list[tuple[float, int]]
) -> None:
    assert [(minute, level) for minute, level, _ in ladder(LADDER, *moves)] == expected


def test_an_acknowledgement_stops_the_clock_and_runs_out() -> None:
    found = ladder(PLAIN, did(2, Move.ACKNOWLEDGED))
    assert [(minute, level) for minute, level, _ in found] == [(0, 0), (32, 0), (35, 1), (45, 0), (50, 1)]
    assert found[1][2] == "the acknowledgement ran out"


def test_a_snooze_and_an_acknowledgement_taken_back_let_the_chain_go_on_where_it_stopped() -> None:
    assert [(minute, level) for minute, level, _ in ladder(PLAIN, did(1, Move.SNOOZED, until=61), until=66)] == [
        (0, 0),
        (65, 1),
    ]
    taken_back = ladder(PLAIN, did(2, Move.ACKNOWLEDGED), did(12, Move.UNACKNOWLEDGED), until=20)
    assert [(minute, level) for minute, level, _ in taken_back] == [(0, 0), (15, 1)]


def test_somebody_may_ask_for_the_next_level() -> None:
    asked = ladder(PLAIN, did(1, Move.ESCALATED), until=4)
    assert asked[1] == (1, 1, "ada asked for it")


def responder(name: str, *rules: NotifyRule, quiet: QuietHours | None = None) -> Responder:
    contacts = (
        Contact(name="mail", kind=ContactKind.EMAIL, address=f"{name}@example.org"),
        Contact(name="sms", kind=ContactKind.APPRISE, address="json://127.0.0.1"),
    )
    return Responder(name=ResponderName(name), contacts=contacts, rules=rules, quiet_hours=quiet)


OPS = ChannelName("ops")
PEOPLE = Directory(
    responders={
        ResponderName("engineer"): responder(
            "engineer", NotifyRule(contact="mail"), NotifyRule(contact="sms", after_s=300, urgency=Urgency.HIGH)
        ),
        ResponderName("manager"): responder("manager"),
    },
    channels={OPS: Channel(name=OPS, contact=Contact(name="ops", kind=ContactKind.SLACK, address="https://x"))},
    schedules={},
)


def told(found: Sequence[Page | Nobody]) -> list[str]:
    return [
        f"{(each.due_at - ZERO).total_seconds() / 60:g} {each.to.name} {each.contact.name}"
        if isinstance(each, Page)
        else f"{each.target.name}: {each.why}"
        for each in found
    ]


def test_everybody_is_paged_by_their_own_rules() -> None:
    levels = reached(PLAIN, History(opened_at=ZERO), minutes(6))
    assert told(pages(levels, PLAIN, PEOPLE, Urgency.HIGH)) == [
        "0 engineer mail",
        "5 engineer sms",
        "5 manager mail",
        "5 manager sms",
    ]
    assert told(pages(levels, PLAIN, PEOPLE, Urgency.LOW))[:1] == ["0 engineer mail"]
    assert "5 engineer sms" not in told(pages(levels, PLAIN, PEOPLE, Urgency.LOW))


def test_pages_of_low_urgency_wait_for_the_end_of_quiet_hours() -> None:
    sleeper = responder("engineer", NotifyRule(contact="mail"), quiet=QuietHours(since=time(22), until=time(7)))
    asleep = Directory(responders={ResponderName("engineer"): sleeper}, channels={}, schedules={})
    levels = reached(PLAIN, History(opened_at=ZERO), ZERO)
    assert told(pages(levels, PLAIN, asleep, Urgency.HIGH)) == ["0 engineer mail"]
    assert told(pages(levels, PLAIN, asleep, Urgency.LOW)) == ["240 engineer mail"]


def test_whoever_is_gone_is_named_and_not_forgotten() -> None:
    levels = reached(LADDER, History(opened_at=ZERO), minutes(30))
    assert told(pages(levels, LADDER, PEOPLE, Urgency.HIGH))[-1] == "chief: there is no responder chief"


MOVES = st.lists(
    st.tuples(
        st.integers(0, 7200),
        st.sampled_from(
            [Move.ACKNOWLEDGED, Move.UNACKNOWLEDGED, Move.RESTART_FAILED, Move.RAISED, Move.SNOOZED, Move.ENDED]
        ),
    ),
    max_size=8,
)


def history_of(drawn: list[tuple[int, Move]]) -> History:
    moves = []
    for second, move in sorted(drawn, key=lambda each: each[0]):
        at = ZERO + timedelta(seconds=second)
        condition = ConditionKind.SECURITY if move is Move.RAISED else None
        until = at + timedelta(minutes=20) if move is Move.SNOOZED else None
        moves.append(Happened(at=at, move=move, condition=condition, until=until))
        if move is Move.ENDED:
            break
    return History(opened_at=ZERO, moves=tuple(moves))


def until(history: History, now: datetime) -> History:
    """What was known at that moment."""
    return History(opened_at=ZERO, moves=tuple(each for each in history.moves if each.at <= now))


@given(MOVES, st.lists(st.integers(1, 600), min_size=1, max_size=40), st.sampled_from([LADDER, PLAIN]))
def test_whenever_one_looks_no_page_is_sent_twice_none_is_lost_and_none_follows_an_acknowledgement(
    drawn: list[tuple[int, Move]], pauses: list[int], policy: EscalationPolicy
) -> None:
    history, sent, now = history_of(drawn), dict[str, datetime](), ZERO
    for pause in pauses:
        now += timedelta(seconds=pause)
        known = until(history, now)
        levels = reached(policy, known, now)
        for page in owed(pages(levels, policy, PEOPLE, Urgency.HIGH), known, frozenset(sent), now):
            assert page.key not in sent
            assert not any(
                each.move in (Move.ACKNOWLEDGED, Move.SNOOZED, Move.ENDED) and each.at >= page.reached_at
                for each in known.moves
            )
            sent[page.key] = now
        left = owed(pages(levels, policy, PEOPLE, Urgency.HIGH), known, frozenset(sent), now)
        assert left == (), "every owed page is sent within the tick"


@given(MOVES, st.integers(0, 9000), st.integers(0, 9000), st.sampled_from([LADDER, PLAIN]))
def test_what_was_reached_stays_reached(
    drawn: list[tuple[int, Move]], first: int, second: int, policy: EscalationPolicy
) -> None:
    history = history_of(drawn)
    early, late = sorted((ZERO + timedelta(seconds=first), ZERO + timedelta(seconds=second)))
    before: tuple[Reached, ...] = reached(policy, until(history, early), early)
    after = reached(policy, until(history, late), late)
    assert set(before) <= set(after)
