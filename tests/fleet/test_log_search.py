"""Lines are found by a pattern and by when they were written, as far as logs say so."""

from datetime import UTC, datetime

import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.fleet.log_search import LinePattern, LogLine, found, moment_of, newest

LOG = """\
started
{"event": "keys read", "level": "info", "timestamp": "2026-11-21T21:37:50.740696Z"}
{"event": "store is away", "level": "error", "timestamp": "2026-11-21T21:40:00Z"}
  Traceback: error in line 3
{"event": "keys read", "level": "info", "timestamp": "2026-11-21T21:41:00Z"}
"""


def at(minute: int, second: int = 0) -> datetime:
    return datetime(2026, 11, 21, 21, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ('{"timestamp": "2026-11-21T21:37:50.740696Z"}', datetime(2026, 11, 21, 21, 37, 50, 740696, tzinfo=UTC)),
        ("2026-11-21 23:40:00,250+02:00 ERROR", datetime(2026, 11, 21, 21, 40, 0, 250000, tzinfo=UTC)),
        ("[2026-11-21 21:43:21.709][17611][warning] x", datetime(2026, 11, 21, 21, 43, 21, 709000).astimezone(UTC)),
        ("2026-13-41 99:00:00 no such day", None),
        ("nothing", None),
        (f"{'x' * 500} 2026-11-21T21:37:50Z", None),
    ],
)
def test_a_line_says_when_it_was_written(line: str, moment: datetime | None) -> None:
    assert moment_of(line) == moment


def test_a_line_without_a_moment_is_as_old_as_the_one_before() -> None:
    lines = list(found("a", LOG, LinePattern("error|started"), since=None))
    assert [(each.at, each.text.strip()[:9]) for each in lines] == [
        (None, "started"),
        (at(40), '{"event":'),
        (at(40), "Traceback"),
    ]


def test_since_leaves_out_what_is_known_to_be_older_and_nothing_else() -> None:
    lines = list(found("a", LOG, LinePattern("."), since=at(40, 30)))
    assert [each.at for each in lines] == [None, at(41)]


def test_capitals_count_unless_they_are_not_to() -> None:
    assert not list(found("a", LOG, LinePattern("TRACEBACK"), since=None))
    assert len(list(found("a", LOG, LinePattern("TRACEBACK", ignore_case=True), since=None))) == 1


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?=a)", "[z-a]"])
def test_what_is_no_pattern_is_refused_with_a_hint(pattern: str) -> None:
    with pytest.raises(PlatformError) as refused:
        LinePattern(pattern)
    assert refused.value.code == "bad-pattern"
    assert "--fixed" in refused.value.hint


def test_the_newest_of_all_logs_are_told_the_oldest_first() -> None:
    lines = [LogLine(instance=name, at=when, text=name) for name, when in (("c", at(3)), ("a", None), ("b", at(2)))]
    assert [each.instance for each in newest(lines, 2)] == ["b", "c"]
    assert [each.instance for each in newest(lines, 9)] == ["a", "b", "c"]
