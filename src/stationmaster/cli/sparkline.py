"""Draws numbers as a line of blocks."""

import math
from collections.abc import Iterable, Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"
_HOLE = " "


def sparkline(points: Iterable[tuple[float, float]], first: float, last: float, width: int) -> str:
    """The mean of each of `width` spans of time from `first` to `last`; a blank where there is nothing to draw.

    Points are (time, value). The lowest mean is drawn lowest, the highest highest; infinite values stand at the edges.
    """
    spans: list[list[float]] = [[] for _ in range(width)]
    for at, value in points:
        if not math.isnan(value) and first <= at <= last:
            spans[_column(at, first, last, width)].append(value)
    means = [math.fsum(span) / len(span) if span and _finite(span) else _edge(span) for span in spans]
    drawn = [each for each in means if each is not None and math.isfinite(each)]
    low, high = (min(drawn), max(drawn)) if drawn else (0.0, 0.0)
    return "".join(_HOLE if each is None else _block(each, low, high) for each in means)


def _column(at: float, first: float, last: float, width: int) -> int:
    return min(width - 1, int((at - first) / (last - first) * width)) if last > first else 0


def _finite(span: Sequence[float]) -> bool:
    return all(map(math.isfinite, span))


def _edge(span: Sequence[float]) -> float | None:
    return next((each for each in span if not math.isfinite(each)), None)


def _block(value: float, low: float, high: float) -> str:
    if math.isinf(value):
        return _BLOCKS[-1 if value > 0 else 0]
    share = (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.0  # halves: the difference may overflow
    return _BLOCKS[min(len(_BLOCKS) - 1, int(share * len(_BLOCKS)))]
