"""When a declared drill is due."""

from datetime import UTC, datetime, time, timedelta

from stationmaster.core.drills import ScheduledDrill
from stationmaster.drills.schedule import due, next_run

ZERO = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
WEEKLY = ScheduledDrill(drill="a", every_s=7 * 86_400)
AT_NIGHT = ScheduledDrill(drill="b", every_s=86_400, at=time(3, 0))


def hours(count: float) -> datetime:
    return ZERO + timedelta(hours=count)


def test_what_was_never_run_is_due_after_its_whole_interval() -> None:
    assert due([WEEKLY], {}, ZERO, hours(7 * 24 - 1)) == ""
    assert due([WEEKLY], {}, ZERO, hours(7 * 24)) == "a"


def test_the_interval_counts_from_the_last_run() -> None:
    assert due([WEEKLY], {"a": hours(24)}, ZERO, hours(7 * 24)) == ""
    assert due([WEEKLY], {"a": hours(24)}, ZERO, hours(8 * 24)) == "a"


def test_without_a_time_of_the_day_it_is_never_too_late() -> None:
    assert due([WEEKLY], {}, ZERO, hours(100 * 24)) == "a"


def test_a_time_of_the_day_is_kept() -> None:
    assert next_run(AT_NIGHT, None, ZERO) == datetime(2026, 1, 7, 3, 0, tzinfo=UTC)
    assert due([AT_NIGHT], {}, ZERO, datetime(2026, 1, 7, 2, 59, tzinfo=UTC)) == ""
    assert due([AT_NIGHT], {}, ZERO, datetime(2026, 1, 7, 3, 0, tzinfo=UTC)) == "b"


def test_one_that_missed_its_time_waits_for_the_next_day() -> None:
    assert due([AT_NIGHT], {}, ZERO, datetime(2026, 1, 7, 12, 0, tzinfo=UTC)) == ""
    assert due([AT_NIGHT], {}, ZERO, datetime(2026, 1, 8, 3, 30, tzinfo=UTC)) == "b"


def test_of_several_the_first_that_is_due_is_run() -> None:
    other = ScheduledDrill(drill="c", every_s=3600)
    assert due([WEEKLY, other], {}, ZERO, hours(2)) == "c"
    assert due([], {}, ZERO, hours(2)) == ""
