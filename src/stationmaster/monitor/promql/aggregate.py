"""Aggregations: sum, avg, min, max, count, group, stddev, stdvar, quantile, count_values."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from stationmaster.monitor.promql import reduction
from stationmaster.monitor.promql.context import Context
from stationmaster.monitor.promql.frames import Bools, Frame, compact, empty
from stationmaster.monitor.promql.groups import Groups, folded, grouped
from stationmaster.monitor.promql.label_sets import group_of, with_label
from stationmaster.monitor.promql.nodes import Aggregate
from stationmaster.monitor.promql.quoting import number_text
from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import Floats, Ids

_REDUCTIONS: Final[Mapping[str, reduction.Reduction]] = {
    "sum": reduction.total,
    "avg": reduction.mean,
    "min": reduction.least,
    "max": reduction.greatest,
    "count": reduction.count,
    "stddev": reduction.deviation,
    "stdvar": reduction.variance,
    "group": lambda values, mask: np.ones(values.shape[1:]),
}


def groups_of(context: Context, node: Aggregate, frame: Frame) -> Groups:
    """The groups of an aggregation, remembered while the series stay the same."""
    book = context.book

    def group(number: int) -> int:
        return book.number(group_of(book.labels(number), node))

    keys = context.memory.mapped((node, "group"), frame.ids, group)
    found: Groups = context.memory.answer((node, "groups"), (keys,), lambda: grouped(keys))
    return found


def aggregated(context: Context, node: Aggregate, frame: Frame, parameter: Floats | None) -> Frame:
    """One of the aggregations that make one sample of many; `parameter` is that of `quantile`, one value a step."""
    if not len(frame.ids):
        return empty(frame.steps)
    groups = groups_of(context, node, frame)
    if node.operator != "quantile":
        work = _REDUCTIONS[node.operator]

        def reduced(values: Floats, there: Bools, steps: slice) -> Floats:
            context.budget.check()
            return work(values, None if there.all() else there)

        return folded(frame, groups, reduced)
    ranks = np.zeros(frame.steps) if parameter is None else parameter

    def quantile(values: Floats, there: Bools, steps: slice) -> Floats:
        context.budget.check()
        return reduction.quantile(values, there, ranks[steps][:, None])

    return folded(frame, groups, quantile)


def counted_values(context: Context, node: Aggregate, frame: Frame, label: str) -> Frame:
    """How many series of a group have the same value, which goes into a label."""
    if not label:
        raise QueryError(Fault.EXECUTION, f'invalid label name "{label}"', hint="A label's name is not empty.")
    if not len(frame.ids):
        return empty(frame.steps)
    groups = groups_of(context, node, frame)
    steps, columns = np.nonzero(frame.present)
    bits = frame.values[steps, columns].view(np.uint64)  # 0 and -0 are written differently
    distinct, of_value = np.unique(bits, return_inverse=True)
    pairs, of_pair = np.unique(groups.of[columns] * len(distinct) + of_value, return_inverse=True)
    context.budget.series(len(pairs))
    context.budget.room(frame.steps * len(pairs))
    counts = np.zeros((frame.steps, len(pairs)))
    np.add.at(counts, (steps, of_pair), 1.0)
    texts = [number_text(float(value)) for value in distinct.view(np.float64)]
    book = context.book
    ids = np.array(
        [
            book.number(
                with_label(book.labels(int(groups.ids[pair // len(distinct)])), label, texts[pair % len(distinct)])
            )
            for pair in pairs
        ],
        dtype=np.int64,
    )
    return compact(_added(ids, counts))


def _added(ids: Ids, counts: Floats) -> Frame:
    """Columns of equal labels added up: the new label may have overwritten one that told groups apart."""
    distinct, where = np.unique(ids, return_inverse=True)
    sums = np.zeros((len(counts), len(distinct)))
    np.add.at(sums.T, where, counts.T)
    return Frame(ids=distinct, values=sums, present=sums > 0, nameless=np.zeros(len(distinct), dtype=bool))
