"""Parts of dates: samples are seconds since 1970, in UTC."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from stationmaster.monitor.promql.frames import Frame, altered
from stationmaster.monitor.promql.samples import Floats

_FURTHEST: Final = 2.0**55
"""Seconds beyond which there is no calendar."""


def _since(part: str, whole: str) -> Callable[[Any], Any]:
    """How many of a part have gone by since the start of the whole."""

    def work(moments: Any) -> Any:
        return (moments.astype(f"M8[{part}]") - moments.astype(f"M8[{whole}]").astype(f"M8[{part}]")).astype(np.int64)

    return work


def _weekday(moments: Any) -> Any:
    return (moments.astype("M8[D]").astype(np.int64) + 4) % 7


def _days_in_month(moments: Any) -> Any:
    months = moments.astype("M8[M]")
    return ((months + 1).astype("M8[D]") - months.astype("M8[D]")).astype(np.int64)


PARTS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "minute": _since("m", "h"),
    "hour": _since("h", "D"),
    "day_of_week": _weekday,
    "day_of_month": lambda moments: _since("D", "M")(moments) + 1,
    "day_of_year": lambda moments: _since("D", "Y")(moments) + 1,
    "days_in_month": _days_in_month,
    "month": lambda moments: _since("M", "Y")(moments) + 1,
    "year": lambda moments: moments.astype("M8[Y]").astype(np.int64) + 1970,
}


def part_of_date(function: str, frame: Frame) -> Frame:
    """NaN where the sample is no moment."""
    sound = np.abs(frame.values) < _FURTHEST
    seconds = np.where(sound, np.trunc(frame.values), 0.0).astype(np.int64)
    parts: Floats = PARTS[function](seconds.astype("M8[s]")).astype(np.float64)
    return altered(frame, np.where(sound, parts, np.nan))
