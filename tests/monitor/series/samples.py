"""What tests of the store write and read: samples as plain tuples, told apart by their bits."""

from collections.abc import Iterable, Mapping

import numpy as np

from stationmaster.monitor.promql.samples import MISSING_BITS, Block, Labels, Matcher, MatchKind
from stationmaster.monitor.series.store import Appended, SeriesStore

START_MS = 1_700_000_000_000
FOREVER = 1 << 62

Sample = tuple[Labels, int, int]
"""Labels, moment, bits of the value."""


def bits_of(value: float) -> int:
    return int(np.array([value]).view(np.uint64)[0])


def labels(name: str, **more: str) -> Labels:
    return tuple(sorted({"__name__": name, **more}.items()))


def named(name: str) -> list[Matcher]:
    return [Matcher(name="__name__", kind=MatchKind.EQUAL, value=name)]


def write(store: SeriesStore, stream: str, at_ms: int, values: Mapping[Labels, float]) -> Appended:
    return store.append(stream, at_ms, {store.table.intern(series): value for series, value in values.items()})


def flat(store: SeriesStore, blocks: Iterable[Block]) -> list[Sample]:
    """Every sample of the blocks, ordered; a sample that stands twice is there twice."""
    found = []
    for block in blocks:
        bits = block.values.view(np.uint64)
        for row, column in np.argwhere(bits != MISSING_BITS).tolist():
            found.append((store.table.labels(int(block.series[column])), int(block.times[row]), int(bits[row, column])))
    return sorted(found)


def everything(store: SeriesStore, matchers: Iterable[Matcher] = ()) -> list[Sample]:
    return flat(store, store.select(list(matchers), -FOREVER, FOREVER))


def values_of(store: SeriesStore, name: str) -> list[tuple[int, int]]:
    """Moments and bits of one series."""
    return [(at, bits) for _, at, bits in everything(store, named(name))]
