"""Instant selectors: the newest sample of every series at every step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from stationmaster.monitor.promql.context import Context
from stationmaster.monitor.promql.frames import Bools, Frame, compact
from stationmaster.monitor.promql.nodes import Selector
from stationmaster.monitor.promql.samples import Block, Floats, Ids, Millis, holes, stale

CELLS: Final = 1 << 20
"""Samples that are looked up at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """For every step and series: the sample, when it was taken, and whether there is one."""

    ids: Ids
    values: Floats
    stamps: Millis | None
    found: Bools


def selected(context: Context, selector: Selector) -> Frame:
    """The series of a selector, names kept."""
    newest = newest_samples(context, selector)
    named = np.zeros(len(newest.ids), dtype=bool)
    return compact(Frame(ids=newest.ids, values=newest.values, present=newest.found, nameless=named))


def newest_samples(context: Context, selector: Selector, *, stamped: bool = False) -> Newest:
    """The newest samples that are not older than the lookback; a stale marker ends its series."""
    at = context.moments(selector.anchor, selector.offset_ms)
    first, last = int(at.min()) - context.lookback_ms + 1, int(at.max())
    blocks = [
        Block(times=block.times, values=block.values, series=context.book.adopted(block.series))
        for block in context.source.select(selector.matchers, first, last)
        if len(block.times) and len(block.series)
    ]
    ids, spots = distinct_series(blocks)
    context.budget.series(len(ids))
    context.budget.room(len(at) * len(ids))
    shape = (len(at), len(ids))
    shared = sum(len(block.series) for block in blocks) > len(ids)
    newest = Newest(
        ids=ids,
        values=np.zeros(shape),
        stamps=np.zeros(shape, dtype=np.int64) if shared or stamped else None,
        found=np.zeros(shape, dtype=bool),
    )
    for block, columns in zip(blocks, spots, strict=True):
        _lay(context, newest, (block, columns), at, shared=shared)
    newest.found[stale(newest.values)] = False
    return newest


def distinct_series(blocks: Sequence[Block]) -> tuple[Ids, list[Ids]]:
    """The series of all blocks in the order of their ids, and for every block which of them its columns are."""
    if not blocks:
        return np.empty(0, dtype=np.int64), []
    every = np.concatenate([block.series for block in blocks])
    ends = np.cumsum([len(block.series) for block in blocks])[:-1]
    ids, where = np.unique(every, return_inverse=True)
    return ids, np.split(where, ends)


def _lay(context: Context, newest: Newest, part: tuple[Block, Ids], at: Millis, *, shared: bool) -> None:
    """Puts what a block knows where it is newer than what is known, some steps at a time."""
    block, columns = part
    steps = np.flatnonzero((at >= block.times[0]) & (at < block.times[-1] + context.lookback_ms))
    if not len(steps):
        return
    tall = max(1, CELLS // len(columns))
    for start in range(int(steps[0]), int(steps[-1]) + 1, tall):
        context.budget.check()
        some = slice(start, min(start + tall, int(steps[-1]) + 1))
        rows = block.times.searchsorted(at[some], side="right") - 1
        oldest = block.times.searchsorted(at[some] - context.lookback_ms, side="right")
        values, stamps, found = _picked(block, rows, oldest)
        _overlay(newest, (some, columns), (values, stamps, found), shared=shared)


def _overlay(newest: Newest, where: tuple[slice, Ids], picked: tuple[Floats, Millis, Bools], *, shared: bool) -> None:
    values, stamps, found = picked
    if shared and newest.stamps is not None:
        known = newest.found[where]
        newer = found & (~known | (stamps > newest.stamps[where]))
        values = np.where(newer, values, newest.values[where])
        stamps = np.where(newer, stamps, newest.stamps[where])
        found = newer | known
    newest.values[where] = values
    newest.found[where] = found
    if newest.stamps is not None:
        newest.stamps[where] = stamps


def _picked(block: Block, rows: Ids, oldest: Ids) -> tuple[Floats, Millis, Bools]:
    """The newest sample for every step and column, looking back from a row as far as the oldest."""
    values = block.values[rows]
    if not holes(values).any():
        shape = values.shape
        stamps = np.broadcast_to(block.times[rows][:, None], shape)
        return values, stamps, np.broadcast_to((rows >= oldest)[:, None], shape)
    if len(rows) == 1:
        picked = _single_row(block.values, int(rows[0]), int(oldest[0]))[None, :]
    else:
        filled = np.where(holes(block.values), -1, np.arange(len(block.times))[:, None])
        np.maximum.accumulate(filled, axis=0, out=filled)
        picked = np.where((rows >= 0)[:, None], filled[np.maximum(rows, 0)], -1)
    spots = np.maximum(picked, 0)
    values = block.values[spots, np.arange(values.shape[1])]
    return values, block.times[spots], picked >= oldest[:, None]


def _single_row(values: Floats, row: int, oldest: int) -> Ids:
    """The newest row with a sample for every column; -1: none."""
    picked = np.full(values.shape[1], row, dtype=np.int64)
    if row < oldest:
        return np.full_like(picked, -1)
    missing = np.flatnonzero(holes(values[row]))
    picked[missing] = -1
    while len(missing) and row > oldest:
        row -= 1
        there = ~holes(values[row, missing])
        picked[missing[there]] = row
        missing = missing[~there]
    return picked
