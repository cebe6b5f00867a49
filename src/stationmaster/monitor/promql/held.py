"""Blocks of samples held in memory as a source of queries, for tests of rules and of the engine."""

from collections.abc import Mapping, Sequence

import numpy as np

from stationmaster.monitor.promql.patterns import Condition, condition
from stationmaster.monitor.promql.samples import Block, Ids, Labels, LabelTable, Matcher


class HeldBlocks:
    """Looks at every label set for every selector: right for thousands of series, not for millions."""

    def __init__(self, table: LabelTable, blocks: Sequence[Block]) -> None:
        self._table = table
        self._blocks = blocks

    @property
    def table(self) -> LabelTable:
        return self._table

    def select(self, matchers: Sequence[Matcher], first_ms: int, last_ms: int) -> Sequence[Block]:
        conditions = [(matcher.name, condition(matcher)) for matcher in matchers]
        found = []
        for block in self._blocks:
            low, high = np.searchsorted(block.times, [first_ms, last_ms + 1])
            columns = self._columns(block.series, conditions)
            if low < high and len(columns):
                values = block.values[low:high, columns]
                found.append(Block(times=block.times[low:high], values=values, series=block.series[columns]))
        return found

    def _columns(self, series: Ids, conditions: Sequence[tuple[str, Condition]]) -> Ids:
        kept = [column for column, number in enumerate(series) if self._satisfies(int(number), conditions)]
        return np.array(kept, dtype=np.int64)

    def _satisfies(self, number: int, conditions: Sequence[tuple[str, Condition]]) -> bool:
        values: Mapping[str, str] = dict(self._table.labels(number))
        return all(holds(values.get(name, "")) for name, holds in conditions)


def labelled(values: Mapping[str, str]) -> Labels:
    """A label set as tables hold it: sorted, without empty values."""
    return tuple(sorted((name, value) for name, value in values.items() if value))
