"""The short way to write series in tests: `metric{label="x"} 0+10x3 _ stale NaN 1x2`."""

import math
import re
from typing import Final

from stationmaster.monitor.promql.held import labelled
from stationmaster.monitor.promql.nodes import Selector
from stationmaster.monitor.promql.parsed import parse
from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import MISSING, STALE, Labels, MatchKind

MAX_SAMPLES: Final = 1_000_000
"""Samples that one line may stand for."""

_NUMBER: Final = r"(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[iI]nf|[nN]a[nN])"
_ITEM: Final = re.compile(
    rf"(?:(?P<hole>_)|(?P<stale>stale)|(?P<start>[+-]?{_NUMBER})(?P<step>[+-]{_NUMBER})?)(?:x(?P<times>[0-9]+))?$"
)
_UNITS: Final = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}
_DURATION: Final = re.compile(r"([0-9]+)(ms|[smhdwy])")


def series_line(line: str) -> tuple[Labels, list[float]]:
    """A series and its samples, one a step; holes are `MISSING`."""
    metric, samples = split_line(line)
    return metric_labels(metric), sequence(samples)


def split_line(line: str) -> tuple[str, str]:
    """The metric, and what follows it."""
    match = re.match(
        r"""\s*([^\s{]*)\s*(\{(?:[^"'}]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*\})?\s*(.*)$""", line, re.DOTALL
    )
    if match is None or not (match[1] or match[2]):
        raise _unreadable(line)
    return match[1] + (match[2] or ""), match[3]


def metric_labels(metric: str) -> Labels:
    """The label set of `name{label="value"}`."""
    if metric.replace(" ", "") == "{}":
        return ()
    root = parse(metric).root
    if not isinstance(root, Selector) or any(matcher.kind is not MatchKind.EQUAL for matcher in root.matchers):
        raise _unreadable(metric)
    return labelled({matcher.name: matcher.value for matcher in root.matchers})


def sequence(text: str) -> list[float]:
    """The samples of a line: `1 2 _ stale`, `0+10x3` (0 10 20 30), `5x2` (5 5 5), `_x2` (two holes)."""
    values: list[float] = []
    for item in text.split():
        match = _ITEM.match(item)
        if match is None:
            raise _unreadable(item)
        values.extend(_expanded(match))
        if len(values) > MAX_SAMPLES:
            raise QueryError(Fault.BAD_DATA, f"series of more than {MAX_SAMPLES} samples")
    return values


def _expanded(match: re.Match[str]) -> list[float]:
    times = int(match["times"] or 0)
    if times > MAX_SAMPLES:
        raise QueryError(Fault.BAD_DATA, f"series of more than {MAX_SAMPLES} samples")
    if match["hole"]:
        return [MISSING] * (times if match["times"] else 1)
    if match["stale"]:
        return [STALE] * (times + 1)
    start, step = float(match["start"]), float(match["step"] or 0)
    if math.isnan(start):
        return [math.nan] * (times + 1)
    values = [start]
    for _ in range(times):
        values.append(values[-1] + step)
    return values


def milliseconds(text: str) -> int:
    """A duration (`1h30m`) or a number of seconds."""
    negative = text.startswith("-")
    bare = text.lstrip("+-")
    if bare and _DURATION.sub("", bare) == "":
        total = sum(int(amount) * _UNITS[unit] for amount, unit in _DURATION.findall(bare))
        return -total if negative else total
    try:
        return round(float(text) * 1000)
    except ValueError:
        raise _unreadable(text) from None


def _unreadable(text: str) -> QueryError:
    return QueryError(Fault.BAD_DATA, f"not a series: {text}", hint='Write `metric{label="value"} 0+10x3 _ stale`.')
