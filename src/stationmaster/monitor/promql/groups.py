"""Which series belong together, laid out so that all groups are computed in a few strokes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from stationmaster.monitor.promql.frames import Bools, Frame
from stationmaster.monitor.promql.samples import Floats, Ids

CELLS: Final = 1 << 21
"""Samples that are stacked at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeClass:
    """Groups of about one size: `members[place, group]` are columns, padded where `counts` says so."""

    groups: Ids
    members: Ids
    counts: Ids

    @property
    def valid(self) -> Bools:
        return np.asarray(np.arange(len(self.members))[:, None] < self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """`ids` are the label sets of the groups by their first members; `of` says the group of each column."""

    ids: Ids
    of: Ids
    classes: tuple[SizeClass, ...]


def grouped(keys: Ids) -> Groups:
    """Columns with equal keys belong together."""
    ids, first, of = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    of = rank[of]
    return Groups(ids=ids[order], of=of, classes=tuple(_classes(of, len(ids))))


def _classes(of: Ids, number: int) -> Iterator[SizeClass]:
    by_group = np.argsort(of, kind="stable")
    sizes = np.bincount(of, minlength=number)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]) if number else sizes
    widths = np.ceil(np.log2(np.maximum(sizes, 1))).astype(np.int64)
    for width in np.unique(widths):
        chosen = np.flatnonzero(widths == width)
        counts = sizes[chosen]
        spots = starts[chosen] + np.minimum(np.arange(counts.max())[:, None], counts - 1)
        yield SizeClass(groups=chosen, members=by_group[spots], counts=counts)


Work = Callable[[Floats, Bools, slice], Floats]
"""From stacked samples `[member, step, group]`, which of them count, and which steps they are, to `[step, group]`."""


def folded(frame: Frame, groups: Groups, work: Work) -> Frame:
    """One column a group; there is a sample where a member has one."""
    shape = (frame.steps, len(groups.ids))
    values, present = np.zeros(shape), np.zeros(shape, dtype=bool)
    for size in groups.classes:
        tall = max(1, CELLS // max(1, size.members.size))
        valid = size.valid[:, None, :]
        for start in range(0, frame.steps, tall):
            steps = slice(start, start + tall)
            samples = np.moveaxis(frame.values[steps][:, size.members], 1, 0)
            there = np.moveaxis(frame.present[steps][:, size.members], 1, 0) & valid
            values[steps, size.groups] = work(samples, there, steps)
            present[steps, size.groups] = there.any(axis=0)
    nameless = np.bincount(groups.of, weights=frame.nameless, minlength=shape[1]) > 0
    return Frame(ids=groups.ids, values=values, present=present, nameless=nameless)
