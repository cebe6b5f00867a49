"""Puts long lists in order without keeping other threads waiting.

Python's `sort` gives no other thread a turn before it ends, and label sets are slow to compare: half a million of them
would stop everything else, checks and their clocks included, for seconds.
"""

from collections.abc import Callable, Iterable
from heapq import merge
from typing import Any, Final, TypeVar

T = TypeVar("T")

_AT_ONCE: Final = 4_000
"""What is sorted within some milliseconds."""


def in_order(items: Iterable[T], key: Callable[[T], Any] | None = None) -> list[T]:
    """As `sorted`, equal ones in the order in which they came."""
    every = list(items)
    if len(every) <= _AT_ONCE:
        return sorted(every, key=key)  # type: ignore[type-var,arg-type] # without an order it fails
    runs = [in_order(every[at : at + _AT_ONCE], key) for at in range(0, len(every), _AT_ONCE)]
    return list(merge(*runs, key=key))  # type: ignore[arg-type]
