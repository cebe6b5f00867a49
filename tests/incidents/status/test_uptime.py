"""Bars and percentages: weights, days of a time zone, days that are longer, days of which nothing is known."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.incidents.status.bars import HEIGHT, bar_of, percent_text
from stationmaster.incidents.status.uptime import Span, uptime
from stationmaster.incidents.status.words import Standing

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WELL, POOR, BAD, OUT = Standing.OPERATIONAL, Standing.DEGRADED, Standing.PARTIAL, Standing.MAJOR


def spans(*parts: tuple[float, Standing]) -> list[Span]:
    """Hours ago at which each begins; the last still holds."""
    begins = [NOW - timedelta(hours=hours) for hours, _ in parts]
    ends = [*begins[1:], None]
    return [
        Span(since=since, until=until, standing=standing)
        for since, until, (_, standing) in zip(begins, ends, parts, strict=True)
    ]


@pytest.mark.parametrize(
    ("parts", "percent"),
    [
        ([(100, WELL)], 100.0),
        ([(100, WELL), (50, OUT)], 50.0),
        ([(100, WELL), (50, BAD)], 85.0),
        ([(100, WELL), (50, POOR)], 100.0),
        ([(100, WELL), (50, Standing.MAINTENANCE)], 100.0),
        ([(100, OUT)], 0.0),
        ([(24 * 400, OUT), (24 * 200, WELL)], 100.0),
    ],
)
def test_outages_count_by_their_weight(parts: list[tuple[float, Standing]], percent: float) -> None:
    assert uptime(spans(*parts), NOW, UTC).percent == pytest.approx(percent)


def test_of_what_nobody_looked_at_nothing_is_known() -> None:
    assert uptime([], NOW, UTC).percent is None
    found = uptime(spans((30, WELL)), NOW, UTC)
    assert [each.worst for each in found.days[-3:]] == [None, WELL, WELL]


def test_a_day_shows_its_worst_and_how_long() -> None:
    found = uptime(spans((48, WELL), (30, OUT), (29.5, POOR), (28, WELL)), NOW, UTC)
    day = found.days[-2]
    assert (day.worst, day.seconds) == (OUT, {OUT: 1800.0, POOR: 5400.0})
    column = bar_of(found).columns[-2]
    assert column.text == "20 Nov 2026: Major outage for 30 min, Degraded performance for 1 h 30 min"
    assert column.height < HEIGHT


def test_days_are_those_of_the_zone_and_as_long_as_they_are_there() -> None:
    zone = ZoneInfo("Europe/Berlin")
    now = datetime(2026, 10, 26, 12, 0, tzinfo=UTC)
    down = [Span(since=datetime(2026, 10, 1, tzinfo=UTC), until=None, standing=OUT)]
    day = uptime(down, now, zone).days[-2]
    assert day.on.isoformat() == "2026-10-25"
    assert day.seconds == {OUT: 25 * 3600.0}


@given(st.lists(st.tuples(st.floats(0, 3000), st.sampled_from(list(Standing))), min_size=1, max_size=12))
def test_a_share_is_a_share_and_no_second_counts_twice(parts: list[tuple[float, Standing]]) -> None:
    found = uptime(spans(*sorted(parts, key=lambda each: -each[0])), NOW, UTC)
    assert found.percent is None or -1e-6 <= found.percent <= 100 + 1e-6
    assert len(found.days) == 90
    for day in found.days:
        assert sum(day.seconds.values()) <= 86_400 + 1e-3


@pytest.mark.parametrize(
    ("percent", "text"),
    [(100.0, "100.0 %"), (99.999, "99.99 %"), (50.0, "50.00 %"), (0.0, "0.00 %"), (None, "unknown")],
)
def test_nearly_all_is_not_all(percent: float | None, text: str) -> None:
    assert percent_text(percent) == text
