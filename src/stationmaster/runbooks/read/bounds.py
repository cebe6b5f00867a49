"""Says whether what was loaded from YAML stays small when its aliases are written out."""

from collections.abc import Mapping

_MOST_VALUES = 100_000
_DEEPEST = 50


def stays_small(value: object) -> bool:
    """False for values that refer to themselves or that aliases multiply without end."""
    return _counted(value, _MOST_VALUES, _DEEPEST) >= 0


def _counted(value: object, left: int, depth: int) -> int:
    """How many values may still come; negative once there were too many."""
    if depth < 0:
        return -1
    inner = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list) else []
    left -= 1
    for each in inner:
        if left < 0:
            break
        left = _counted(each, left, depth - 1)
    return left
