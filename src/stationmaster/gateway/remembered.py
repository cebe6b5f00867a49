"""Results that are kept as long as the same things lead to them, so that one change among many costs one result."""

from collections.abc import Callable, Collection, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Remembered(Generic[V]):
    """By key. A result is made anew when its causes are no longer equal; who is identical is taken for equal."""

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[tuple[object, ...], V]] = {}

    def of(self, key: Hashable, causes: tuple[object, ...], make: Callable[[], V]) -> V:
        known = self._known.get(key)
        if known is not None and known[0] == causes:
            return known[1]
        made = make()
        self._known[key] = causes, made
        return made

    def keep(self, keys: Collection[Hashable]) -> None:
        """Forgets the results of all other keys."""
        if len(self._known) > len(keys):
            self._known = {key: known for key, known in self._known.items() if key in keys}
