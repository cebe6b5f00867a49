"""Range selectors: the samples of every series within the window of every step, ready for arithmetic in one go.

Windows are stacked on the first axis: `[sample, step, series]`, the samples of a window at its start.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from stationmaster.monitor.promql.context import Budget
from stationmaster.monitor.promql.frames import Bools
from stationmaster.monitor.promql.samples import Block, Floats, Ids, Millis, holes, stale

CELLS: Final = 1 << 20
"""Samples that are stacked at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """`values[sample, step, series]` and `times`, of which the first `counts[step, series]` count.

    `times` and `counts` may have one column for all series. `ends` are the ends of the windows, `steps` and `series`
    say which part of the whole this is.
    """

    values: Floats
    times: Millis
    counts: Ids
    ends: Millis
    range_ms: int
    steps: slice
    series: Ids
    budget: Budget

    @property
    def full(self) -> bool:
        """Whether every window is filled to the brim."""
        return bool((self.counts == len(self.values)).all())

    @property
    def valid(self) -> Bools:
        return np.asarray(np.arange(len(self.values))[:, None, None] < self.counts)

    @property
    def seconds(self) -> Floats:
        """The times from the end of the window, in seconds."""
        return np.asarray((self.times - self.ends[:, None]) / 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """All windows of a range selector; `nameless` marks series whose name is dropped when the query ends."""

    ids: Ids
    nameless: Bools
    ends: Millis
    range_ms: int
    blocks: Sequence[Block]
    budget: Budget

    def stacks(self) -> Iterator[Stack]:
        """The windows, a part at a time; windows without samples may be left out."""
        if not len(self.ids):
            return
        even, loose = self._sorted_out()
        if len(self.ends) == 1:
            yield from self._single(even)
        else:
            for block, columns in even:
                yield from self._many(block, columns)
        if loose:
            yield from self._loose(loose)

    def _sorted_out(self) -> tuple[list[tuple[Block, Ids]], list[tuple[Block, Ids]]]:
        """Blocks in which every row counts for every series, and the others; with the columns of the whole."""
        even: list[tuple[Block, Ids]] = []
        loose: list[tuple[Block, Ids]] = []
        every = np.concatenate([block.series for block in self.blocks])
        spots = np.split(np.searchsorted(self.ids, every), np.cumsum([len(block.series) for block in self.blocks])[:-1])
        shared = np.bincount(np.concatenate(spots), minlength=len(self.ids)) > 1
        for block, columns in zip(self.blocks, spots, strict=True):
            whole = not shared[columns].any() and _even(block.values)
            (even if whole else loose).append((block, columns))
        return even, loose

    def _single(self, even: list[tuple[Block, Ids]]) -> Iterator[Stack]:
        """One step: blocks with equally many rows in the window stand side by side."""
        by_rows: dict[int, list[tuple[Block, Ids]]] = {}
        for block, columns in even:
            low, high = np.searchsorted(block.times, [self.ends[0] - self.range_ms, self.ends[0]], side="right")
            if high > low:
                cut = Block(times=block.times[low:high], values=block.values[low:high], series=block.series)
                by_rows.setdefault(int(high - low), []).append((cut, columns))
        for rows, cuts in by_rows.items():
            yield from self._side_by_side(rows, cuts)

    def _side_by_side(self, rows: int, cuts: list[tuple[Block, Ids]]) -> Iterator[Stack]:
        values = cuts[0][0].values if len(cuts) == 1 else np.concatenate([block.values for block, _ in cuts], axis=1)
        times = np.concatenate(
            [np.repeat(block.times[:, None], len(block.series), axis=1) for block, _ in cuts], axis=1
        )
        columns = np.concatenate([columns for _, columns in cuts])
        if len(cuts) == 1:
            times = cuts[0][0].times[:, None]
        wide = max(1, CELLS // rows)
        for start in range(0, len(columns), wide):
            part = slice(start, start + wide)
            yield self._stack(
                values=values[:, None, part],
                times=times[:, None, :] if len(cuts) == 1 else times[:, None, part],
                counts=np.full((1, 1), rows),
                steps=slice(0, 1),
                series=columns[part],
            )

    def _many(self, block: Block, columns: Ids) -> Iterator[Stack]:
        low = np.searchsorted(block.times, self.ends - self.range_ms, side="right")
        counts = np.searchsorted(block.times, self.ends, side="right") - low
        longest = int(counts.max())
        if not longest:
            return
        wide = max(1, min(len(columns), CELLS // longest))
        tall = max(1, CELLS // (longest * wide))
        for steps in _parts(len(low), tall):
            depth = int(counts[steps].max())
            if not depth:
                continue
            rows = np.minimum(low[steps] + np.arange(depth)[:, None], len(block.times) - 1)
            for part in _parts(len(columns), wide):
                yield self._stack(
                    values=block.values[rows, part],
                    times=block.times[rows][:, :, None],
                    counts=counts[steps][:, None],
                    steps=steps,
                    series=columns[part],
                )

    def _loose(self, loose: list[tuple[Block, Ids]]) -> Iterator[Stack]:
        """Series with holes, or in several blocks: their samples in a row, one series after the other."""
        touched = np.unique(np.concatenate([columns for _, columns in loose]))
        rows = sum(len(block.times) for block, _ in loose)
        for part in _parts(len(touched), max(1, CELLS // rows)):
            self.budget.check()
            series, times, values = _in_a_row(_narrowed(loose, int(touched[part][0]), int(touched[part][-1])))
            if len(times):
                yield from self._searched(touched[part], series, (times, values))

    def _searched(self, touched: Ids, series: Ids, samples: tuple[Millis, Floats]) -> Iterator[Stack]:
        """The windows of series whose samples stand in a row."""
        base = int(samples[0].min())
        span = int(samples[0].max()) - base + 2
        keys = series * span + (samples[0] - base)
        after = np.clip(self.ends - base + 1, 0, span - 1)
        before = np.clip(self.ends - self.range_ms - base + 1, 0, span - 1)
        for part in _parts(len(touched), max(1, CELLS // len(self.ends))):
            chosen = touched[part]
            low = np.searchsorted(keys, chosen * span + before[:, None])
            counts = np.searchsorted(keys, chosen * span + after[:, None]) - low
            yield from self._gathered(chosen, low, counts, samples)

    def _gathered(self, chosen: Ids, low: Ids, counts: Ids, samples: tuple[Millis, Floats]) -> Iterator[Stack]:
        times, values = samples
        longest = int(counts.max(initial=0))
        if not longest:
            return
        wide = max(1, min(len(chosen), CELLS // longest))
        tall = max(1, CELLS // (longest * wide))
        for part in _parts(len(chosen), wide):
            for steps in _parts(len(low), tall):
                depth = int(counts[steps, part].max())
                if not depth:
                    continue
                spots = np.minimum(low[steps, part] + np.arange(depth)[:, None, None], len(times) - 1)
                yield self._stack(
                    values=values[spots],
                    times=times[spots],
                    counts=counts[steps, part],
                    steps=steps,
                    series=chosen[part],
                )

    def _stack(self, *, values: Floats, times: Millis, counts: Ids, steps: slice, series: Ids) -> Stack:
        self.budget.check()
        return Stack(
            values=values,
            times=times,
            counts=counts,
            ends=self.ends[steps],
            range_ms=self.range_ms,
            steps=steps,
            series=series,
            budget=self.budget,
        )


def windows(blocks: Sequence[Block], ends: Millis, range_ms: int, budget: Budget) -> Windows:
    """The windows `(end - range, end]` over blocks whose ids are those of the evaluation."""
    blocks = _one_below_the_other([block for block in blocks if len(block.times) and len(block.series)])
    ids = np.unique(np.concatenate([block.series for block in blocks])) if blocks else np.empty(0, dtype=np.int64)
    named = np.zeros(len(ids), dtype=bool)
    return Windows(ids=ids, nameless=named, ends=ends, range_ms=range_ms, blocks=blocks, budget=budget)


def _one_below_the_other(blocks: Sequence[Block]) -> list[Block]:
    """Blocks of exactly the same series as one block."""
    alike: dict[bytes, list[Block]] = {}
    for block in blocks:
        alike.setdefault(block.series.tobytes(), []).append(block)
    return [same[0] if len(same) == 1 else _below(same) for same in alike.values()]


def _below(blocks: list[Block]) -> Block:
    blocks = sorted(blocks, key=lambda block: int(block.times[0]))
    times = np.concatenate([block.times for block in blocks])
    values = np.concatenate([block.values for block in blocks])
    if (np.diff(times) <= 0).any():
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
    return _united(Block(times=times, values=values, series=blocks[0].series))


def _united(block: Block) -> Block:
    """Rows of the same moment as one: every series has a sample in one of them at most."""
    fresh = np.concatenate([[True], np.diff(block.times) > 0])
    if fresh.all():
        return block
    values = block.values[fresh]
    row = np.cumsum(fresh) - 1
    for again in np.flatnonzero(~fresh):
        there = ~holes(block.values[again])
        values[row[again], there] = block.values[again, there]
    return Block(times=block.times[fresh], values=values, series=block.series)


def _even(values: Floats) -> bool:
    """Whether there is a number in every place."""
    bare = np.isnan(values)
    return not bare.any() or not (holes(values) | stale(values)).any()


def _parts(length: int, size: int) -> Iterator[slice]:
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))


def _narrowed(loose: list[tuple[Block, Ids]], first: int, last: int) -> list[tuple[Block, Ids]]:
    """Some of the series only."""
    kept = []
    for block, columns in loose:
        inside = (columns >= first) & (columns <= last)
        if inside.all():
            kept.append((block, columns))
        elif inside.any():
            cut = Block(times=block.times, values=block.values[:, inside], series=block.series[inside])
            kept.append((cut, columns[inside]))
    return kept


def _in_a_row(loose: list[tuple[Block, Ids]]) -> tuple[Ids, Millis, Floats]:
    """Series, time and value of every sample that counts, by series, then time."""
    series, times, values = [], [], []
    for block, columns in sorted(loose, key=lambda one: int(one[0].times[0])):
        there = ~(holes(block.values) | stale(block.values)).T
        of_column, of_row = np.nonzero(there)
        series.append(columns[of_column])
        times.append(block.times[of_row])
        values.append(block.values[of_row, of_column])
    all_series, all_times, all_values = np.concatenate(series), np.concatenate(times), np.concatenate(values)
    order = np.argsort(all_series, kind="stable")
    backwards = (np.diff(all_times[order]) <= 0) & (np.diff(all_series[order]) == 0)
    if backwards.any():
        order = np.lexsort((all_times, all_series))
    return all_series[order], all_times[order], all_values[order]
