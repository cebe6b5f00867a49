"""Reads an objective of an API from its one line."""

import re

from stationmaster.core.spec import Objective

LONGEST_DAYS = 90
LONGEST_MS = 600_000

_LINE = re.compile(
    r"(?P<percent>\S+?)\s*%\s*(?:under\s+(?P<latency>[^%]+?)\s+)?over\s+(?P<window>.+)", re.ASCII | re.IGNORECASE
)
_NUMBER = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,6})?", re.ASCII)
_LATENCY = re.compile(r"(?P<amount>[0-9]{1,6}(?:\.[0-9]{1,3})?)\s*(?P<unit>ms|s)", re.ASCII)
_WINDOW = re.compile(r"(?P<amount>[0-9]{1,3})\s*(?P<unit>d|w)", re.ASCII)
_DAYS = {"d": 1, "w": 7}
_MS = {"ms": 1, "s": 1000}


def parse_objective(text: str) -> Objective:
    """Reads "99.9% over 30d" and "99% under 300ms over 7d"; ValueError says what is wrong, as the end of a sentence."""
    found = _LINE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"is no objective: {_missing(text)}")
    return Objective(
        percent=_percent(found["percent"]),
        window_days=_days(found["window"]),
        latency_ms=None if found["latency"] is None else _latency(found["latency"]),
    )


def _missing(text: str) -> str:
    if "%" not in text:
        return "it has no share in %"
    return "it says no window with 'over'" if " over " not in text.lower() else "it has words too many"


def _percent(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"has the share '{text[:20]}', which is no number with at most 6 decimals")
    percent = float(text)
    if not 0 < percent < 100:
        raise ValueError(f"has a share of {percent:g}%, which is not above 0% and below 100%")
    return percent


def _days(text: str) -> int:
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise ValueError(f"has the window '{text[:20]}', which is no number of days or weeks")
    days = int(found["amount"]) * _DAYS[found["unit"]]
    if not 1 <= days <= LONGEST_DAYS:
        raise ValueError(f"has a window that is not between 1d and {LONGEST_DAYS}d")
    return days


def _latency(text: str) -> int:
    found = _LATENCY.fullmatch(text)
    if found is None:
        raise ValueError(f"has the time '{text[:20]}', which is no number of ms or s")
    latency_ms = float(found["amount"]) * _MS[found["unit"]]
    if not latency_ms.is_integer():
        raise ValueError("has a time that is no whole number of milliseconds")
    if not 1 <= latency_ms <= LONGEST_MS:
        raise ValueError("has a time that is not between 1ms and 600s")
    return int(latency_ms)
