"""Classic histograms: quantiles and fractions from the buckets of `le`."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stationmaster.monitor.promql.context import Context
from stationmaster.monitor.promql.frames import Bools, Frame, empty
from stationmaster.monitor.promql.groups import folded, grouped
from stationmaster.monitor.promql.label_sets import NAME, dropped, value_of
from stationmaster.monitor.promql.nodes import Call
from stationmaster.monitor.promql.reduction import total
from stationmaster.monitor.promql.remarks import rank_outside
from stationmaster.monitor.promql.samples import Floats, Ids

TOLERANCE = 1e-12
"""Differences between neighbouring buckets that are errors of rounding."""

_SMALLEST = 2.2250738585072014e-308
_MONOTONY = (
    "input to histogram_quantile needed to be fixed for monotonicity "
    "(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Histograms:
    """`counts[bucket, step, histogram]` by ascending bounds `[bucket, histogram]`; `there` says which buckets exist."""

    ids: Ids
    counts: Floats
    there: Bools
    bounds: Floats
    nameless: Bools

    def rows(self) -> Iterator[tuple[Floats, Bools, Floats]]:
        """Count, existence and bound of one bucket of all histograms after the other."""
        for bucket in range(len(self.counts)):
            yield self.counts[bucket], self.there[bucket], np.broadcast_to(self.bounds[bucket], self.counts.shape[1:])


def quantiles(context: Context, node: Call, ranks: Floats, frame: Frame) -> Frame:
    """`histogram_quantile`: the value below which that share of the observations lies."""
    found = _histograms(context, node, frame)
    if found is None:
        return empty(frame.steps)
    fixed, forced = _monotonic(found)
    _remark(context, node, found, forced)
    rank_outside(context, ranks, node.arguments[0].place)
    values = _interpolated(fixed, np.broadcast_to(ranks[:, None], found.counts.shape[1:]))
    outside = np.where(ranks < 0, -np.inf, np.where(ranks > 1, np.inf, np.nan))[:, None]
    values = np.where(((ranks >= 0) & (ranks <= 1))[:, None], values, outside)
    return Frame(ids=found.ids, values=values, present=np.asarray(found.there.any(axis=0)), nameless=found.nameless)


def fractions(context: Context, node: Call, edges: tuple[Floats, Floats], frame: Frame) -> Frame:
    """`histogram_fraction`: the share of observations between two values."""
    found = _histograms(context, node, frame)
    if found is None:
        return empty(frame.steps)
    shape = found.counts.shape[1:]
    lower, upper = (np.broadcast_to(edge[:, None], shape) for edge in edges)
    _, observed = _last_bucket(found)
    below = np.minimum(_rank(found, upper, observed), observed) - np.minimum(_rank(found, lower, observed), observed)
    values = np.where(lower >= upper, 0.0, below / observed)
    values[np.isnan(lower) | np.isnan(upper) | np.isnan(observed) | (observed == 0)] = np.nan
    return Frame(ids=found.ids, values=values, present=np.asarray(found.there.any(axis=0)), nameless=found.nameless)


def _histograms(context: Context, node: Call, frame: Frame) -> Histograms | None:
    """The buckets sorted into histograms; None where no series is a bucket."""
    context.budget.room(3 * frame.cells)
    bounds, keys = _bucket_labels(context, node, frame)
    sound = ~np.isnan(bounds)
    if not sound.any():
        return None
    frame = Frame(
        ids=frame.ids[sound],
        values=frame.values[:, sound],
        present=frame.present[:, sound],
        nameless=np.ones(int(sound.sum()), dtype=bool),
    )
    bounds, keys = bounds[sound], keys[sound]
    distinct, of_bound = np.unique(bounds, return_inverse=True)
    same = grouped(keys * (len(distinct) + 1) + of_bound)
    if len(same.ids) < len(keys):
        first = np.unique(same.of, return_index=True)[1]
        frame = folded(frame, same, lambda values, there, steps: total(values, there))
        bounds, keys = bounds[first], keys[first]
    return _laid_out(frame, bounds, keys)


def _laid_out(frame: Frame, bounds: Floats, keys: Ids) -> Histograms:
    groups = grouped(keys)
    order = np.lexsort((bounds, groups.of))
    sizes = np.bincount(groups.of)
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    shape = (int(sizes.max()), len(groups.ids))
    columns = np.zeros(shape, dtype=np.int64)
    real = np.zeros(shape, dtype=bool)
    columns[place, groups.of[order]] = order
    real[place, groups.of[order]] = True
    return Histograms(
        ids=groups.ids,
        counts=np.moveaxis(frame.values[:, columns], 1, 0),
        there=np.moveaxis(frame.present[:, columns], 1, 0) & real[:, None, :],
        bounds=np.where(real, bounds[columns], np.nan),
        nameless=np.ones(shape[1], dtype=bool),
    )


def _bucket_labels(context: Context, node: Call, frame: Frame) -> tuple[Floats, Ids]:
    """The bound of every series, NaN where it has none, and the label set without `le`."""
    book = context.book

    def key(number: int) -> int:
        return book.number(dropped(book.labels(number), ("le",)))

    def read() -> tuple[Floats, list[int]]:
        texts = [value_of(book.labels(int(number)), "le") for number in frame.ids]
        read_bounds = [_bound(text) for text in texts]
        return np.array(read_bounds), [column for column, bound in enumerate(read_bounds) if bound != bound]

    keys = context.memory.mapped((node, "key"), frame.ids, key)
    bounds, bad = context.memory.answer((node, "bounds"), (frame.ids,), read)
    for column in bad:
        labels = book.labels(int(frame.ids[column]))
        text = f'bucket label "le" is missing or has a malformed value of "{value_of(labels, "le")}"'
        context.notes.warn(f'{text} for metric name "{value_of(labels, NAME)}"', node.arguments[-1].place)
    return bounds, keys


def _bound(text: str) -> float:
    if "_" in text or text != text.strip():
        return float("nan")
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _monotonic(found: Histograms) -> tuple[Histograms, Bools]:
    """Counts that never fall from one bucket to the next, and where they had to be lifted."""
    shape = found.counts.shape[1:]
    highest, started = np.zeros(shape), np.zeros(shape, dtype=bool)
    forced = np.zeros(shape, dtype=bool)
    fixed = []
    for counts, there, _ in found.rows():
        near = _almost_equal(highest, counts)
        lower = counts < highest
        held = started & (near | lower)
        forced |= there & started & lower & ~near
        raised = np.where(held, highest, counts)
        highest = np.where(there, raised, highest)
        started = started | there
        fixed.append(raised)
    new = Histograms(
        ids=found.ids, counts=np.array(fixed), there=found.there, bounds=found.bounds, nameless=found.nameless
    )
    return new, forced


def _almost_equal(one: Floats, other: Floats) -> Bools:
    size, apart = np.abs(one) + np.abs(other), np.abs(one - other)
    tiny = (one == 0) | (other == 0) | (size < _SMALLEST)
    close = np.where(tiny, apart < TOLERANCE * _SMALLEST, apart / size < TOLERANCE)
    return np.asarray((one == other) | close)


def _last_bucket(found: Histograms) -> tuple[Bools, Floats]:
    """Whether the last bucket is +Inf and another stands before it; the number of observations, else NaN."""
    shape = found.counts.shape[1:]
    infinite, observed, number = np.zeros(shape, dtype=bool), np.full(shape, np.nan), np.zeros(shape, dtype=np.int64)
    for counts, there, bounds in found.rows():
        infinite = np.where(there, np.isposinf(bounds), infinite)
        observed = np.where(there, counts, observed)
        number += there
    return infinite & (number >= 2), np.where(infinite, observed, np.nan)


def _interpolated(found: Histograms, ranks: Floats) -> Floats:
    whole, observed = _last_bucket(found)
    wanted = ranks * observed
    shape = wanted.shape
    values, done, started = np.full(shape, np.nan), np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    below, edge = np.zeros(shape), np.zeros(shape)
    for counts, there, bounds in found.rows():
        hit = there & ~done & (counts >= wanted) & ~np.isposinf(bounds)
        inside = edge + (bounds - edge) * ((wanted - below) / (counts - below))
        lowest = ~started & (bounds <= 0)
        values = np.where(hit, np.where(lowest, bounds, inside), values)
        done |= hit
        beyond = there & ~done & np.isposinf(bounds)
        values = np.where(beyond, edge, values)
        done |= beyond
        below, edge = np.where(there, counts, below), np.where(there, bounds, edge)
        started = started | there
    return np.where(whole & (observed != 0), values, np.nan)


def _rank(found: Histograms, value: Floats, observed: Floats) -> Floats:
    """How many observations lie below a value."""
    shape = value.shape
    result, done, started = observed.copy(), np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    below, edge = np.zeros(shape), np.full(shape, -np.inf)
    for counts, there, bounds in found.rows():
        edge = np.where(there & ~started & (bounds > 0), 0.0, edge)
        at_edge = there & ~done & (edge >= value)
        result = np.where(at_edge, below, result)
        done |= at_edge
        within = there & ~done & (edge < value) & (bounds > value)
        share = (value - edge) / (bounds - edge)
        result = np.where(within, below + (counts - below) * share, result)
        done |= within
        below, edge = np.where(there, counts, below), np.where(there, bounds, edge)
        started = started | there
    return result


def _remark(context: Context, node: Call, found: Histograms, forced: Bools) -> None:
    for column in np.flatnonzero(forced.any(axis=0)):
        name = value_of(context.book.labels(int(found.ids[column])), NAME)
        context.notes.inform(f'{_MONOTONY} "{name}"', node.arguments[-1].place)
