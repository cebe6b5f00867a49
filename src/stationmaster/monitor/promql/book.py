"""Numbers for label sets during queries, and what was worked out about them before."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from stationmaster.monitor.promql.samples import Ids, Labels, LabelTable

MAX_DERIVED: Final = 200_000
"""Label sets made by queries that are kept from one evaluation to the next."""


class Book:
    """Label sets of a table under their ids, and label sets that queries make under negative numbers.

    Equal label sets have equal numbers, so that sets are compared as integers. Queries do not make the table grow.
    """

    __slots__ = ("_aliases", "_derived", "_forgettings", "_numbers", "_seen", "table")

    def __init__(self, table: LabelTable) -> None:
        self.table = table
        self._forgettings = table.forgettings
        self._numbers: dict[Labels, int] = {}
        self._derived: list[Labels] = []
        self._aliases: dict[int, int] = {}
        self._seen = len(table)

    def labels(self, number: int) -> Labels:
        return self.table.labels(number) if number >= 0 else self._derived[-1 - number]

    def number(self, labels: Labels) -> int:
        known = self._numbers.get(labels)
        if known is not None:
            return known
        found = self.table.find(labels)
        if found is not None:
            return found
        self._derived.append(labels)
        self._numbers[labels] = -len(self._derived)
        return -len(self._derived)

    def adopted(self, ids: Ids) -> Ids:
        """Ids that the table gave out; those of label sets that a query had made before get their older number."""
        if len(self.table) > self._seen:
            self._find_aliases()
        if not self._aliases:
            return ids
        return np.array([self._aliases.get(int(number), int(number)) for number in ids], dtype=np.int64)

    def _find_aliases(self) -> None:
        """Looks through the new label sets of the table, or through those of queries, whichever are fewer."""
        first, self._seen = self._seen, len(self.table)
        if self._seen - first < len(self._derived):
            for number in range(first, self._seen):
                older = self._numbers.get(self.table.labels(number))
                if older is not None:
                    self._aliases[number] = older
            return
        for labels, older in self._numbers.items():
            found = self.table.find(labels)
            if found is not None and found >= first:
                self._aliases[found] = older

    @property
    def worn(self) -> bool:
        """Whether it is time for a new one."""
        forgotten = self.table.forgettings != self._forgettings
        return forgotten or bool(self._aliases) or len(self._derived) > MAX_DERIVED


@dataclass(slots=True)
class _Known:
    keys: Ids
    values: Ids
    asked: Ids
    told: Ids


class Memory:
    """What one query worked out about labels, kept for its next evaluation.

    Each part of a query remembers its answers for the series it saw last; only series that are new are worked out.
    """

    __slots__ = ("_answers", "_maps", "book")

    def __init__(self, table: LabelTable) -> None:
        self.book = Book(table)
        self._maps: dict[Any, _Known] = {}
        self._answers: dict[Any, tuple[tuple[Ids, ...], Any]] = {}

    def mapped(self, key: Any, ids: Ids, rule: Callable[[int], int]) -> Ids:
        """`rule` of every id."""
        known = self._maps.get(key)
        if known is not None and np.array_equal(known.asked, ids):
            return known.told
        told, old = _looked_up(known, ids)
        if not old.all():
            new = ids[~old]
            told[~old] = np.fromiter((rule(int(number)) for number in new), dtype=np.int64, count=len(new))
        order = np.argsort(ids)
        self._maps[key] = _Known(ids[order], told[order], ids, told)
        return told

    def answer(self, key: Any, asked: tuple[Ids, ...], work: Callable[[], Any]) -> Any:
        """What `work` gave when the same ids were asked about last, else what it gives now."""
        known = self._answers.get(key)
        if known is not None and all(map(np.array_equal, known[0], asked)):
            return known[1]
        result = work()
        self._answers[key] = (asked, result)
        return result


def _looked_up(known: _Known | None, ids: Ids) -> tuple[Ids, Any]:
    told = np.empty(len(ids), dtype=np.int64)
    if known is None or not len(known.keys):
        return told, np.zeros(len(ids), dtype=bool)
    spots = np.minimum(np.searchsorted(known.keys, ids), len(known.keys) - 1)
    old = known.keys[spots] == ids
    told[old] = known.values[spots[old]]
    return told, old
