"""Numbers and moments as Prometheus writes them into its answers."""

import math
from decimal import Decimal

import msgspec
import numpy as np

from stationmaster.monitor.promql.samples import Floats

_PLAIN_FROM, _PLAIN_BELOW = 1e-6, 1e21
"""Outside of these Prometheus writes an exponent, as JavaScript does."""
_FAST_FROM, _FAST_BELOW = 1e-4, 1e15
"""Between these no writer of numbers uses an exponent."""


def shortest(value: float) -> str:
    """The fewest digits that read back as the same number: `0.1`, `1e+21`, `+Inf`, `NaN`."""
    text = repr(value)
    if text.endswith(".0"):
        return text[:-2]
    if "e" in text:
        return format(Decimal(text), "f") if _PLAIN_FROM <= abs(value) < _PLAIN_BELOW else text
    return text if text[-1].isdigit() else _without_digits(value)


def all_shortest(values: Floats) -> list[str]:
    """`shortest` of each, several times as fast where none needs an exponent."""
    sizes = np.abs(values)
    if not bool(((sizes >= _FAST_FROM) & (sizes < _FAST_BELOW) | (sizes == 0)).all()):
        return [shortest(value) for value in values.tolist()]
    text = msgspec.json.encode(values.tolist())[1:-1].decode() + ","
    return text.replace(".0,", ",").split(",")[:-1] if len(values) else []


def plain(value: float) -> str:
    """As `shortest`, never with an exponent: so scalars are written."""
    return format(Decimal(repr(value)), "f").removesuffix(".0") if math.isfinite(value) else _without_digits(value)


def scientific(value: float) -> str:
    """With an exponent of two digits or more, as the values of alerts are written: `1e+00`, `2.5e-03`."""
    if not math.isfinite(value):
        return _without_digits(value)
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    if not isinstance(exponent, int):
        raise TypeError(f"{value} is finite, {exponent} is no exponent of it")
    figures = "".join(map(str, digits)).lstrip("0")
    kept = figures.rstrip("0")
    if not kept:
        return "-0e+00" if sign else "0e+00"
    fraction = f".{kept[1:]}" if len(kept) > 1 else ""
    return f"{'-' if sign else ''}{kept[0]}{fraction}e{exponent + len(figures) - 1:+03d}"


def seconds(at_ms: int) -> str:
    """Seconds since 1970, with three decimals where they are not whole."""
    whole, rest = divmod(abs(at_ms), 1000)
    sign = "-" if at_ms < 0 else ""
    return f"{sign}{whole}.{rest:03d}" if rest else f"{sign}{whole}"


def _without_digits(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"
