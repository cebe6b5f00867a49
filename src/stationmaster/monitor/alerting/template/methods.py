"""The methods of times and durations that templates call, as `{{ (toTime $value).Format "15:04" }}`."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from stationmaster.monitor.alerting.template.errors import CallError
from stationmaster.monitor.alerting.template.values import NANOSECONDS, Moment, Span, Value, utc

_LAYOUT: Final = (
    ("January", "%B"),
    ("Monday", "%A"),
    ("2006", "%Y"),
    ("-0700", "+0000"),
    ("-07:00", "+00:00"),
    ("Z07:00", "Z"),
    ("Jan", "%b"),
    ("Mon", "%a"),
    ("MST", "UTC"),
    ("01", "%m"),
    ("02", "%d"),
    ("15", "%H"),
    ("03", "%I"),
    ("04", "%M"),
    ("05", "%S"),
    ("06", "%y"),
    ("PM", "%p"),
)
"""Pieces of a layout of Go's `time.Format`, longer ones first, and what strftime calls them."""


def method(value: Value, name: str, arguments: Sequence[Value]) -> Value:
    """What the method gives; None where the value has no such method."""
    match value:
        case Moment() if name == "Format":
            return _format(value, arguments)
        case Moment() if name in _OF_MOMENTS:
            return _OF_MOMENTS[name](value, utc(value.at_ns // NANOSECONDS))
        case Span() if name in _OF_SPANS:
            return _OF_SPANS[name](value.ns)
        case _:
            return None


def _format(value: Moment, arguments: Sequence[Value]) -> str:
    if len(arguments) != 1 or not isinstance(arguments[0], str):
        raise CallError("wrong number or type of args for Format: want one string")
    return _laid_out(arguments[0], utc(value.at_ns // NANOSECONDS))


def _laid_out(layout: str, at: datetime) -> str:
    made: list[str] = []
    rest = layout
    while rest:
        piece, form = next(((piece, form) for piece, form in _LAYOUT if rest.startswith(piece)), (rest[0], ""))
        made.append(at.strftime(form) if form else piece)
        rest = rest[len(piece) :]
    return "".join(made)


_OF_MOMENTS: Final[Mapping[str, Callable[[Moment, datetime], Value]]] = {
    "Unix": lambda value, _: value.at_ns // NANOSECONDS,
    "UnixMilli": lambda value, _: value.at_ns // 1_000_000,
    "Year": lambda _, at: at.year,
    "Month": lambda _, at: at.strftime("%B"),
    "Day": lambda _, at: at.day,
    "Hour": lambda _, at: at.hour,
    "Minute": lambda _, at: at.minute,
    "Second": lambda _, at: at.second,
    "Weekday": lambda _, at: at.strftime("%A"),
    "YearDay": lambda _, at: at.timetuple().tm_yday,
    "String": lambda value, _: str(value),
    "UTC": lambda value, _: value,
}

_OF_SPANS: Final[Mapping[str, Callable[[int], Value]]] = {
    "Hours": lambda ns: ns / 3_600_000_000_000,
    "Minutes": lambda ns: ns / 60_000_000_000,
    "Seconds": lambda ns: ns / NANOSECONDS,
    "Milliseconds": lambda ns: ns // 1_000_000,
    "Nanoseconds": lambda ns: ns,
    "String": lambda ns: str(Span(ns)),
}
