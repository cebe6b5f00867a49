"""The classes of risk and their order."""

from enum import Enum


class Risk(Enum):
    """What running a command may do; see `worst` for their order."""

    READ = "read"
    CHANGE = "change"
    INTERACTIVE = "interactive"
    UNKNOWN = "unknown"
    DESTROY = "destroy"


Judged = tuple[Risk, str]
"""A class and the reason for it, as the end of a sentence that begins with the program."""

_ORDER = tuple(Risk)


def worst(*risks: Risk) -> Risk:
    """The class that needs the most care; of nothing it is read."""
    return max(risks, key=_ORDER.index, default=Risk.READ)


def worst_of(found: list[Judged]) -> Judged:
    """The judgement that needs the most care, the first one of its class."""
    return max(found, key=lambda each: _ORDER.index(each[0]))


def cells(text: str) -> frozenset[str]:
    """The blank-separated words of a table's cell."""
    return frozenset(text.split())
