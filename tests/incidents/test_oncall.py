"""Who is on duty: turns, layers, restrictions, overrides, clocks that are changed."""

import itertools
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.response import Layer, Override, ResponderName, Restriction, Schedule, ScheduleName
from stationmaster.incidents.oncall import OVERRIDE, Duty, duties, gaps, on_duty

ADA, GRACE, LIN = ResponderName("ada"), ResponderName("grace"), ResponderName("lin")
PRIMARY = ScheduleName("primary")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def schedule(*layers: Layer, time_zone: str = "Europe/Berlin") -> Schedule:
    return Schedule(name=PRIMARY, time_zone=time_zone, layers=layers)


def weeks(*, handoff: time = time(9), turn_days: int = 7, restrictions: tuple[Restriction, ...] = ()) -> Layer:
    return Layer(
        name="weeks",
        responders=(ADA, GRACE),
        starts=date(2026, 1, 5),
        handoff=handoff,
        turn_days=turn_days,
        restrictions=restrictions,
    )


@pytest.mark.parametrize(
    ("moment", "who"),
    [
        ("2026-01-05T08:59:59+01:00", None),
        ("2026-01-05T09:00:00+01:00", ADA),
        ("2026-01-12T08:59:59+01:00", ADA),
        ("2026-01-12T09:00:00+01:00", GRACE),
        ("2026-01-19T09:00:00+01:00", ADA),
        ("2026-07-06T08:59:59+02:00", GRACE),
        ("2026-07-06T09:00:00+02:00", ADA),
    ],
)
def test_turns_begin_at_the_same_wall_time_in_winter_and_summer(moment: str, who: ResponderName | None) -> None:
    duty = on_duty(schedule(weeks()), (), at(moment))
    assert (duty and duty.responder) == who


def test_a_handoff_in_the_hour_that_comes_twice_happens_once() -> None:
    daily = schedule(weeks(handoff=time(2, 30), turn_days=1))
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    before = on_duty(daily, (), first - timedelta(seconds=1))
    after = on_duty(daily, (), first)
    assert before != after
    assert on_duty(daily, (), second) == after, "02:30 of the second round hands nothing over"
    assert on_duty(daily, (), second - timedelta(minutes=20)) == after


def test_a_handoff_in_the_hour_that_is_left_out_happens_all_the_same() -> None:
    daily = schedule(weeks(handoff=time(2, 30), turn_days=1))
    spans = duties(daily, (), at("2026-03-28T12:00:00+00:00"), at("2026-03-30T12:00:00+00:00"))
    assert [span.starts_at for span in spans[1:]] == [
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        datetime(2026, 3, 30, 0, 30, tzinfo=UTC),
    ]


def test_a_later_layer_goes_before_an_earlier_one_within_its_hours() -> None:
    nights = Layer(
        name="nights",
        responders=(LIN,),
        starts=date(2026, 1, 5),
        handoff=time(0),
        restrictions=(Restriction(days=frozenset({4}), since=time(22), until=time(6)),),
    )
    both = schedule(weeks(), nights)
    assert on_duty(both, (), at("2026-01-09T21:59:00+01:00")) == Duty(responder=ADA, by="weeks")
    assert on_duty(both, (), at("2026-01-09T22:00:00+01:00")) == Duty(responder=LIN, by="nights")
    assert on_duty(both, (), at("2026-01-10T05:59:00+01:00")) == Duty(responder=LIN, by="nights")
    assert on_duty(both, (), at("2026-01-10T06:00:00+01:00")) == Duty(responder=ADA, by="weeks")


def test_the_newest_override_counts_for_its_schedule_alone() -> None:
    def override(number: int, who: ResponderName, name: str = "primary") -> Override:
        return Override(
            number=number,
            schedule=ScheduleName(name),
            responder=who,
            starts_at=at("2026-01-06T10:00:00+01:00"),
            ends_at=at("2026-01-06T12:00:00+01:00"),
        )

    given_all = (override(1, GRACE), override(3, LIN), override(9, ADA, "other"))
    assert on_duty(schedule(weeks()), given_all, at("2026-01-06T11:00:00+01:00")) == Duty(responder=LIN, by=OVERRIDE)
    assert on_duty(schedule(weeks()), given_all, at("2026-01-06T12:00:00+01:00")) == Duty(responder=ADA, by="weeks")


def test_gaps_are_told_with_their_ends() -> None:
    office = Restriction(days=frozenset(range(5)), since=time(9), until=time(17))
    found = gaps(
        schedule(weeks(restrictions=(office,))), (), at("2026-01-05T09:00:00+01:00"), at("2026-01-06T12:00:00+01:00")
    )
    assert [(span.starts_at, span.ends_at) for span in found] == [
        (at("2026-01-05T17:00:00+01:00"), at("2026-01-06T09:00:00+01:00"))
    ]


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    def clock() -> time:
        return time(draw(st.integers(0, 23)), draw(st.sampled_from([0, 30])))

    layers = []
    for number in range(draw(st.integers(1, 3))):
        restrictions = [
            Restriction(
                days=frozenset(draw(st.sets(st.integers(0, 6), min_size=1))),
                since=clock(),
                until=clock(),
            )
            for _ in range(draw(st.integers(0, 2)))
        ]
        layers.append(
            Layer(
                name=f"layer-{number}",
                responders=tuple(draw(st.permutations([ADA, GRACE, LIN]))),
                starts=date(2026, 3, draw(st.integers(1, 31))),
                handoff=clock(),
                turn_days=draw(st.integers(1, 9)),
                restrictions=tuple(restrictions),
            )
        )
    zone = draw(st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]))
    return schedule(*layers, time_zone=zone)


@given(schedules(), st.integers(0, 60 * 24 * 40), st.integers(1, 60 * 24 * 4))
def test_the_spans_of_a_time_cover_it_and_say_what_each_moment_says(
    drawn: Schedule, first_minute: int, minutes: int
) -> None:
    starts_at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=first_minute)
    ends_at = starts_at + timedelta(minutes=minutes)
    spans = duties(drawn, (), starts_at, ends_at)
    assert (spans[0].starts_at, spans[-1].ends_at) == (starts_at, ends_at)
    for one, other in itertools.pairwise(spans):
        assert one.ends_at == other.starts_at
        assert one.duty != other.duty
    moment = starts_at
    while moment < ends_at:
        (span,) = [each for each in spans if each.starts_at <= moment < each.ends_at]
        assert on_duty(drawn, (), moment) == span.duty
        moment += timedelta(minutes=17)
