"""What becomes of foreign alerts: told once, held back by silences, damped when they flap, outliving clocks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.response import LabelMatch
from stationmaster.incidents.intake.decide import (
    Decision,
    Fire,
    Kept,
    Note,
    Recover,
    Sight,
    Told,
    heard,
    is_ahead,
    passed,
    renewed,
)
from stationmaster.incidents.intake.flapping import FlapTerms, steady_at
from stationmaster.incidents.intake.foreign import Ended, ForeignAlert
from stationmaster.incidents.silences import Silence

ZERO = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TERMS = FlapTerms()


def at(minutes: float) -> datetime:
    return ZERO + minutes * MINUTE


def firing(starts: float, ends: float | None) -> ForeignAlert:
    end = None if ends is None else at(ends)
    return ForeignAlert(key="k", source="test", labels={"alertname": "A"}, starts_at=at(starts), ends_at=end)


def silence(starts: float, ends: float) -> Silence:
    return Silence(
        id="s",
        matchers=(LabelMatch(name="alertname", value="A"),),
        starts_at=at(starts),
        ends_at=at(ends),
        created_by="",
        comment="",
        updated_at=ZERO,
    )


def first(given: ForeignAlert, minute: float = 0, *silences: Silence) -> Decision:
    found = heard(None, given, Sight(now=at(minute), silences=silences))
    assert found is not None
    return found


def said(kept: Kept, given: ForeignAlert | Ended, minute: float) -> Decision:
    found = heard(kept, given, Sight(now=at(minute)))
    assert found is not None
    return found


def test_a_new_alert_fires_and_is_looked_at_again_at_its_end() -> None:
    found = first(firing(0, 4))
    assert [type(each) for each in found.says] == [Fire]
    assert (found.kept.due_at, found.kept.told) == (at(4), Told.FIRED)


def test_being_sent_again_moves_the_end_and_says_nothing() -> None:
    found = said(first(firing(0, 4)).kept, firing(1, 6), 2)
    assert (found.says, found.kept.due_at, found.kept.given.starts_at) == ((), at(6), at(0))


def test_a_named_end_is_never_moved_back_and_a_default_one_follows_the_sender() -> None:
    named = said(first(firing(0, 8)).kept, firing(0, 6), 2)
    assert named.kept.given.ends_at == at(8)
    default = said(first(replace(firing(0, 8), is_timeout=True)).kept, firing(0, 6), 2)
    assert default.kept.given.ends_at == at(6)


def test_an_alert_that_is_not_sent_again_recovers_at_its_end_once() -> None:
    found = passed(first(firing(0, 4)).kept, Sight(now=at(4)))
    assert [type(each) for each in found.says] == [Recover]
    assert (found.kept.firing, found.kept.due_at) == (False, None)
    assert passed(found.kept, Sight(now=at(5))).says == ()


def test_an_end_of_an_earlier_firing_that_comes_late_ends_nothing() -> None:
    kept = first(firing(10, 14), 10).kept
    assert said(kept, firing(0, 5), 11).kept is kept


def test_an_end_without_a_moment_of_its_own_counts_although_the_sender_dated_the_start_ahead() -> None:
    kept = first(firing(10, None), 0).kept
    assert not said(kept, Ended(key="k", at=at(1)), 1).kept.firing


def test_what_is_silenced_is_told_when_the_silence_ends_if_it_still_fires() -> None:
    found = first(firing(0, 60), 0, silence(0, 30))
    assert (found.says, found.kept.due_at) == ((), at(30))
    later = passed(found.kept, Sight(now=at(30)))
    assert [type(each) for each in later.says] == [Fire]


def test_what_recovers_under_a_silence_is_never_told_of() -> None:
    found = first(firing(0, 10), 0, silence(0, 30))
    over = passed(found.kept, Sight(now=at(10)))
    assert (over.says, over.kept.due_at) == ((), None)


def test_a_silence_that_begins_after_it_was_told_does_not_hold_its_recovery_back() -> None:
    over = heard(first(firing(0, 60)).kept, Ended(key="k", at=at(5)), Sight(now=at(5), silences=(silence(4, 30),)))
    assert over is not None
    assert [type(each) for each in over.says] == [Recover]


def flapped(changes: int) -> tuple[list[str], Kept]:
    """What is said when it changes once a minute."""
    heard_of = ["Fire"]
    kept = first(firing(0, None)).kept
    for minute in range(1, changes):
        given = Ended(key="k", at=at(minute)) if minute % 2 else firing(minute, None)
        found = said(kept, given, minute)
        kept = found.kept
        heard_of += [type(each).__name__ for each in found.says]
    return heard_of, kept


def test_an_alert_that_flaps_is_told_once_more_and_then_held() -> None:
    says, kept = flapped(20)
    assert says == ["Fire", "Recover", "Fire", "Recover", "Fire", "Note"]
    assert kept.flaps.flapping
    assert kept.told is Told.FIRED


def test_what_flapped_recovers_when_it_rests() -> None:
    _says, kept = flapped(20)
    assert not kept.firing
    rests_at = steady_at(kept.flaps, TERMS)
    assert rests_at is not None
    assert kept.due_at == rests_at
    assert passed(kept, Sight(now=rests_at - MINUTE)).says == ()
    over = passed(kept, Sight(now=rests_at))
    assert [type(each) for each in over.says] == [Recover]
    assert not over.kept.flaps.flapping


def test_a_clock_that_is_set_back_gives_an_alert_its_own_time_anew_and_no_more() -> None:
    kept = first(firing(60, 64), 60).kept
    assert is_ahead(kept, at(0))
    fresh = renewed(kept, at(0))
    assert (fresh.given.ends_at, fresh.due_at, fresh.updated_at) == (at(4), at(4), at(0))
    assert [type(each) for each in passed(fresh, Sight(now=at(4))).says] == [Recover]
    assert not is_ahead(fresh, at(0))


def test_the_time_that_is_given_anew_is_bounded() -> None:
    fresh = renewed(first(firing(0, 600)).kept, at(601))
    assert fresh.given.ends_at == at(606)


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["fires", "lasts", "ends", "passes", "silence"]), st.floats(min_value=0.01, max_value=20)
    ),
    max_size=40,
)


@given(moves=MOVES)
def test_fired_and_recovered_take_turns_whatever_happens(moves: list[tuple[str, float]]) -> None:
    kept: Kept | None = None
    minute, quiet_until = 0.0, 0.0
    turns: list[type] = []
    for move, span in moves:
        minute += span
        quiet = (silence(0, quiet_until),) if quiet_until > minute else ()
        sight = Sight(now=at(minute), silences=quiet)
        if move == "silence":
            quiet_until = minute + span
            continue
        if move == "passes":
            found = None if kept is None else passed(kept, sight)
        else:
            given_: ForeignAlert | Ended = Ended(key="k", at=at(minute))
            if move != "ends":
                given_ = firing(minute, minute + 5 if move == "fires" else None)
            found = heard(kept, given_, sight)
        if found is not None:
            kept = found.kept
            turns += [type(each) for each in found.says if not isinstance(each, Note)]
            assert kept.due_at is None or kept.due_at > sight.now, "a tick would spin"
    assert turns == [Fire, Recover] * (len(turns) // 2) + [Fire] * (len(turns) % 2)


@pytest.mark.parametrize("changes", [1, 2, 3, 4, 5])
def test_a_few_changes_are_no_flapping(changes: int) -> None:
    assert not flapped(changes)[1].flaps.flapping
