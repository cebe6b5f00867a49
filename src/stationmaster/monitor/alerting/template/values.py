"""The values of templates: which Go type each one has, whether it is true, and how it is printed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One element of what a query gave."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What the dot is at first. Its fields are called Labels, ExternalLabels, ExternalURL and Value."""

    labels: Mapping[str, str] = field(default_factory=dict)
    value: float = 0.0
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""


class Arguments(dict[str, Any]):
    """What `args` makes: arg0, arg1 … with values of any type."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time in UTC, in nanoseconds since 1970."""

    at_ns: int

    def __str__(self) -> str:
        seconds, rest = divmod(self.at_ns, NANOSECONDS)
        fraction = f".{rest:09d}".rstrip("0") if rest else ""
        return f"{utc(seconds):%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


@dataclass(frozen=True, slots=True)
class Span:
    """A duration in nanoseconds."""

    ns: int

    def __str__(self) -> str:
        return _span(self.ns)


Value: TypeAlias = bool | int | float | str | Mapping[str, Any] | Sequence[Any] | Sample | Data | Moment | Span | None


def utc(seconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def type_of(value: Value) -> str:
    """The name of its type in Go."""
    match value:
        case None:
            return "nil"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float64"
        case str():
            return "string"
        case Sample():
            return "*template.sample"
        case Data():
            maps = "Labels map[string]string; ExternalLabels map[string]string"
            return f"struct {{ {maps}; ExternalURL string; Value float64 }}"
        case Moment():
            return "*time.Time"
        case Span():
            return "*time.Duration"
        case Arguments():
            return "map[string]interface {}"
        case Mapping():
            return "map[string]string"
        case _:
            return "template.queryResult"


def truth(value: Value) -> bool:
    """Whether `if` takes its first way: not for nil, zero, and what is empty."""
    match value:
        case None:
            return False
        case float():
            return value != 0
        case bool() | int():
            return bool(value)
        case str() | Mapping() | Sequence():
            return len(value) > 0
        case _:
            return True


def printed(value: Value) -> str:
    """As the verb %v prints it."""
    match value:
        case None:
            return "<no value>"
        case bool():
            return "true" if value else "false"
        case float():
            return shortest(value)
        case int() | str() | Moment() | Span():
            return str(value)
        case Sample():
            return f"{{{printed(value.labels)} {printed(value.value)}}}"
        case Data():
            parts = (value.labels, value.external_labels, value.external_url, value.value)
            return "{" + " ".join(printed(each) for each in parts) + "}"
        case Mapping():
            return "map[" + " ".join(f"{key}:{_inner(value[key])}" for key in sorted(value)) + "]"
        case _:
            return "[" + " ".join(printed(each) for each in value) + "]"


def _inner(value: Value) -> str:
    return "<nil>" if value is None else printed(value)


def shortest(value: float) -> str:
    """The fewest digits that read back as this number; with an exponent below 1e-04 and from 1e+06 on."""
    if not math.isfinite(value):
        return not_finite(value)
    exponent, digits, sign = decimal_parts(value)
    if -4 <= exponent < 6:
        return sign + _plain(digits, exponent)
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{exponent:+03d}"


def not_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"


def decimal_parts(value: float) -> tuple[int, str, str]:
    """Exponent of the first digit, the digits without zeros at the end, and the sign."""
    sign = "-" if math.copysign(1, value) < 0 else ""
    if value == 0:
        return 0, "0", sign
    written = Decimal(repr(abs(value)))
    figures = "".join(map(str, written.as_tuple().digits)).rstrip("0")
    return written.adjusted(), figures, sign


def _plain(digits: str, exponent: int) -> str:
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    rest = digits[exponent + 1 :]
    return f"{whole}.{rest}" if rest else whole


_SMALL_UNITS = ((1_000, "ns", 1), (1_000_000, "µs", 1_000), (NANOSECONDS, "ms", 1_000_000))


def _span(ns: int) -> str:
    """As Go prints a duration: `1h2m3.5s`, `1.5ms`, `0s`."""
    if ns == 0:
        return "0s"
    sign, rest = ("-", -ns) if ns < 0 else ("", ns)
    for below, unit, size in _SMALL_UNITS:
        if rest < below:
            return f"{sign}{_plain_of(Decimal(rest) / size)}{unit}"
    minutes, left = divmod(rest, 60 * NANOSECONDS)
    seconds = f"{_plain_of(Decimal(left) / NANOSECONDS)}s"
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}"
    return f"{sign}{minutes}m{seconds}" if minutes else f"{sign}{seconds}"


def _plain_of(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
