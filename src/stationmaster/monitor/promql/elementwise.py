"""Functions of one sample: roots, logarithms, angles, rounding, clamping."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from stationmaster.monitor.promql.frames import Frame, altered, compact
from stationmaster.monitor.promql.samples import Floats


def _sign(values: Floats) -> Floats:
    return np.where(values < 0, -1.0, np.where(values > 0, 1.0, values))


def _smaller(one: Floats, other: Floats) -> Floats:
    """Go's `math.Min`: NaN if either is, unless one is the least there can be."""
    return np.where(np.isneginf(one) | np.isneginf(other), -np.inf, np.minimum(one, other))


PLAIN: Final[Mapping[str, Callable[[Floats], Any]]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "floor": np.floor,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "ln": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sgn": _sign,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "deg": lambda values: values * 180 / np.pi,
    "rad": lambda values: values * np.pi / 180,
}


def plain(function: str, frame: Frame) -> Frame:
    return altered(frame, np.asarray(PLAIN[function](frame.values), dtype=np.float64))


def rounded(frame: Frame, nearest: Floats) -> Frame:
    """To the nearest multiple, halves upwards."""
    inverse = 1.0 / nearest[:, None]
    return altered(frame, np.floor(frame.values * inverse + 0.5) / inverse)


def clamped(frame: Frame, least: Floats | None, most: Floats | None) -> Frame:
    """Between two bounds; nothing where they are crossed, NaN where one is NaN."""
    values, present = frame.values, frame.present
    if most is not None:
        values = _smaller(values, most[:, None])
    if least is not None:
        values = -_smaller(-values, -least[:, None])
    if most is not None and least is not None:
        present = present & ~(most < least)[:, None]
    return compact(altered(frame, values, present))
