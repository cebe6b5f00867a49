"""Operators between two numbers, over whole arrays."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from stationmaster.monitor.promql.frames import Bools
from stationmaster.monitor.promql.samples import Floats

ARITHMETIC: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    ">": np.greater,
    "<=": np.less_equal,
    ">=": np.greater_equal,
}
SETS: Final = frozenset({"and", "or", "unless"})


def computed(operator: str, left: Floats, right: Floats) -> Floats:
    return np.asarray(ARITHMETIC[operator](left, right), dtype=np.float64)


def compared(operator: str, left: Floats, right: Floats) -> Bools:
    return np.asarray(COMPARISONS[operator](left, right), dtype=bool)
