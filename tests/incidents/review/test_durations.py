"""How long incidents took, and how that spreads."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.facts import Alert, FaultInjected
from stationmaster.incidents.review.durations import By, Measured, Subject, measure, span_words, spread, stats
from stationmaster.incidents.timeline import Entry
from tests.incidents.test_incidents import alert as an_alert

ZERO = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return ZERO + timedelta(seconds=seconds)


def line(seconds: float, kind: str) -> Entry:
    return Entry(at=at(seconds), kind=f"incident.{kind}", by="lin", text="")


def alert(since_s: float = 0.0, instance: str = "key-us-south") -> Alert:
    made = an_alert(instance=instance)
    return Alert(
        fingerprint=made.fingerprint, labels=made.labels, summary=made.summary, url=made.url, starts_at=at(since_s)
    )


def subject(*lines: Entry, openings: tuple[float, ...] = (0.0,), since_s: float = 0.0) -> Subject:
    return Subject(
        number=7,
        service="api_key_service",
        severity="critical",
        environment="sample",
        openings=tuple(map(at, openings)),
        alerts=(alert(since_s),),
        lines=lines,
    )


def fault(seconds: float, instance: str = "key-us-south") -> FaultInjected:
    return FaultInjected(at=at(seconds), drill="monday", instance=instance, fault="kill")


WHOLE = (line(60, "acknowledged"), line(300, "mitigated"), line(600, "resolved"))


def test_a_plain_story_is_measured_from_the_first_failing_look_on() -> None:
    found = measure(subject(*WHOLE, since_s=-10))
    assert (found.detect_s, found.acknowledge_s, found.mitigate_s, found.resolve_s) == (10, 60, 310, 610)
    assert not found.drill


def test_the_fault_of_a_drill_is_the_beginning_and_names_the_drill() -> None:
    found = measure(subject(*WHOLE, since_s=-1), [fault(-4)])
    assert (found.detect_s, found.resolve_s, found.drill) == (4, 604, "monday")


def test_an_alert_that_names_no_earlier_moment_leaves_the_detection_unknown() -> None:
    found = measure(subject(*WHOLE, since_s=0))
    assert (found.detect_s, found.resolve_s) == (None, 600)
    assert stats([found], By.NOTHING)[0].detect.count == 0


@pytest.mark.parametrize(
    ("labels", "injected", "drill"),
    [
        ({"node": "gateway-1"}, "gateway-1", "monday"),
        ({"api": "sample", "service": "keys"}, "sample", "monday"),
        ({"service": "keys", "region": "us-south"}, "key-1", "monday"),
        ({"service": "keys", "instance": "key-2"}, "key-1", ""),
        ({"service": "other"}, "key-1", ""),
    ],
)
def test_a_drill_is_known_by_what_it_broke(labels: dict[str, str], injected: str, drill: str) -> None:
    made = Alert(fingerprint="f", labels=labels, summary="", url="", starts_at=ZERO)
    found = measure(replace(subject(*WHOLE), alerts=(made,)), [fault(-4, injected)], {"key-1": "keys"})
    assert found.drill == drill


@pytest.mark.parametrize(
    "other",
    [fault(-4, "sample-1"), fault(1), fault(-7200)],
    ids=["of another instance", "after the alert", "two hours before"],
)
def test_a_fault_that_cannot_be_the_reason_counts_for_nothing(other: FaultInjected) -> None:
    found = measure(subject(*WHOLE, since_s=-1), [other])
    assert (found.detect_s, found.drill) == (1, "")


def test_what_has_not_come_is_not_known() -> None:
    found = measure(subject(line(5, "acknowledged")))
    assert (found.acknowledge_s, found.mitigate_s, found.resolve_s) == (5, None, None)


@pytest.mark.parametrize(
    ("lines", "mitigated"),
    [
        ((line(300, "mitigated"), line(500, "recovered"), line(600, "resolved")), 300),
        ((line(400, "recovered"), line(500, "recovered"), line(600, "resolved")), 500),
        ((line(600, "resolved"),), 600),
        ((line(500, "recovered"),), None),
    ],
    ids=["somebody said so", "the last recovery", "nothing but the end", "not over yet"],
)
def test_nobody_suffers_any_more_from_what_was_said_or_seen(lines: tuple[Entry, ...], mitigated: float | None) -> None:
    assert measure(subject(*lines)).mitigate_s == mitigated


def test_time_between_an_end_and_a_reopening_counts_for_nothing() -> None:
    lines = (line(60, "acknowledged"), line(100, "resolved"), line(1000, "reopened"), line(1200, "resolved"))
    found = measure(subject(*lines))
    assert (found.resolve_s, found.closed_s, found.reopened, found.acknowledge_s) == (300, 900, 1, 60)


def test_an_incident_that_is_open_again_is_not_resolved() -> None:
    found = measure(subject(line(100, "resolved"), line(1000, "reopened")))
    assert (found.resolved_at, found.resolve_s, found.mitigate_s) == (None, None, None)


def test_what_was_merged_into_it_and_opened_before_is_its_detection() -> None:
    found = measure(subject(*WHOLE, openings=(0.0, -120.0), since_s=-130))
    assert (found.detected_at, found.detect_s, found.acknowledge_s) == (at(-120), 10, 180)


def test_clocks_that_differ_make_no_negative_time() -> None:
    found = measure(subject(line(-5, "acknowledged"), line(-2, "resolved")))
    assert (found.acknowledge_s, found.resolve_s) == (0, 0)


def one(number: int, resolve_s: float, service: str = "api", drill: str = "", month: int = 11) -> Measured:
    began = datetime(2026, month, 3, tzinfo=UTC)
    return Measured(
        number=number,
        service=service,
        severity="critical",
        environment="sample",
        began_at=began,
        detected_at=began + timedelta(seconds=2),
        acknowledged_at=None,
        mitigated_at=None,
        resolved_at=began + timedelta(seconds=resolve_s),
        drill=drill,
    )


FOUND = (one(1, 100), one(2, 200), one(3, 600, "keys"), one(4, 9, drill="monday"), one(5, 50, month=10))


def test_drills_count_only_where_they_are_asked_for() -> None:
    (without,) = stats(FOUND, By.NOTHING)
    (whole,) = stats(FOUND, By.NOTHING, drills=True)
    assert (without.count, whole.count) == (4, 5)
    assert whole.incidents[0].number == 5


@pytest.mark.parametrize(
    ("by", "names"),
    [
        (By.SERVICE, {"api": 3, "keys": 1}),
        (By.SEVERITY, {"critical": 4}),
        (By.MONTH, {"2026-10": 1, "2026-11": 3}),
    ],
)
def test_incidents_are_told_apart(by: By, names: dict[str, int]) -> None:
    assert {each.name: each.count for each in stats(FOUND, by)} == names


def test_what_nobody_knows_is_not_counted_as_nothing() -> None:
    (found,) = stats(FOUND, By.NOTHING)
    assert (found.acknowledge.count, found.acknowledge.mean_s) == (0, None)
    assert (found.resolve.count, found.resolve.mean_s, found.resolve.median_s) == (4, 237.5, 150)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_the_spread_is_that_of_numpy(values: list[float]) -> None:
    found = spread(values)
    assert found.mean_s == pytest.approx(float(numpy.mean(values)))
    assert found.median_s == pytest.approx(float(numpy.median(values)))
    assert found.p90_s == pytest.approx(float(numpy.percentile(values, 90)))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0.0, "0.0 s"),
        (2.04, "2.0 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (90_061, "1 d 1 h"),
    ],
)
def test_a_span_is_said_in_its_two_largest_units(seconds: float | None, words: str) -> None:
    assert span_words(seconds) == words
