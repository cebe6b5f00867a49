"""Arithmetic and comparison between vectors: which series of the two sides meet, and what the result is called."""

from dataclasses import dataclass

import numpy as np

from stationmaster.monitor.promql.arithmetic import COMPARISONS, compared, computed
from stationmaster.monitor.promql.context import Context
from stationmaster.monitor.promql.frames import Bools, Frame, compact, empty, relabelled
from stationmaster.monitor.promql.label_sets import NAME, dropped, kept, text_of, value_of, with_label
from stationmaster.monitor.promql.nodes import Binary, Cardinality
from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import Floats, Ids, Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Columns of the many side and of the one side that meet, and the label set that they share."""

    many: Ids
    one: Ids
    shared: Ids


def matched(context: Context, node: Binary, left: Frame, right: Frame) -> Frame:
    """`left operator right` where labels match; with `group_right` the many stand on the right."""
    if not len(left.ids) or not len(right.ids):
        return empty(left.steps)
    swapped = node.matching.cardinality is Cardinality.ONE_TO_MANY
    many, one = (right, left) if swapped else (left, right)
    many_keys, one_keys = shared_labels(context, node, "many", many.ids), shared_labels(context, node, "one", one.ids)
    _refuse_doubles(context, node, one, one_keys)
    pairs: Pairs = context.memory.answer((node, "pairs"), (many_keys, one_keys), lambda: _paired(many_keys, one_keys))
    context.budget.room(2 * left.steps * len(pairs.many))
    present = many.present[:, pairs.many] & one.present[:, pairs.one]
    pairs, present = _meeting(pairs, present)
    many_values, one_values = many.values[:, pairs.many], one.values[:, pairs.one]
    left_values, right_values = (one_values, many_values) if swapped else (many_values, one_values)
    values, present = _result(node, left_values, right_values, present)
    if node.matching.cardinality is Cardinality.ONE_TO_ONE:
        _refuse_repeats(pairs.shared, present)
    ids = _named(context, node, many.ids[pairs.many], one.ids[pairs.one])
    nameless = many.nameless[pairs.many] | node.gives_bool
    return _told_apart(compact(Frame(ids=ids, values=values, present=present, nameless=nameless)), node)


def _meeting(pairs: Pairs, present: Bools) -> tuple[Pairs, Bools]:
    """Without pairs of which one is never there when the other is."""
    used = np.asarray(present.any(axis=0))
    if used.all():
        return pairs, present
    return Pairs(many=pairs.many[used], one=pairs.one[used], shared=pairs.shared[used]), present[:, used]


def shared_labels(context: Context, node: Binary, side: str, ids: Ids) -> Ids:
    """The labels that have to be equal on both sides, as one number a series."""
    book, matching = context.book, node.matching

    def key(number: int) -> int:
        labels = book.labels(number)
        if matching.on:
            return book.number(kept(labels, matching.labels))
        return book.number(dropped(labels, (*matching.labels, NAME)))

    return context.memory.mapped((node, side), ids, key)


def _refuse_doubles(context: Context, node: Binary, one: Frame, keys: Ids) -> None:
    """Two series of the one side must not have the same labels at the same step."""
    order = np.argsort(keys, kind="stable")
    again = np.flatnonzero(keys[order][1:] == keys[order][:-1])
    if not len(again):
        return
    starts = np.flatnonzero(np.concatenate([[True], keys[order][1:] != keys[order][:-1]]))
    counts = np.add.reduceat(one.present[:, order], starts, axis=1, dtype=np.int64)
    if not (counts > 1).any():
        return
    step, group = (int(index[0]) for index in np.nonzero(counts > 1))
    first, second = [c for c in np.flatnonzero(keys == keys[order][starts[group]]) if one.present[step, c]][:2]
    side = "left" if node.matching.cardinality is Cardinality.ONE_TO_MANY else "right"
    book = context.book
    raise QueryError(
        Fault.EXECUTION,
        f"found duplicate series for the match group {text_of(book.labels(int(keys[first])))} on the {side} hand-side "
        f"of the operation: [{text_of(book.labels(int(one.ids[second])))}, {text_of(book.labels(int(one.ids[first])))}]"
        ";many-to-many matching not allowed: matching labels must be unique on one side",
        hint="Match on more labels, or aggregate that side first.",
    )


def _paired(many_keys: Ids, one_keys: Ids) -> Pairs:
    """Every column of the many side with every column of the one side that has the same key."""
    order = np.argsort(one_keys, kind="stable")
    first = np.searchsorted(one_keys[order], many_keys, side="left")
    number = np.searchsorted(one_keys[order], many_keys, side="right") - first
    many = np.repeat(np.arange(len(many_keys)), number)
    within = np.arange(len(many)) - np.repeat(np.cumsum(number) - number, number)
    one = order[np.repeat(first, number) + within]
    return Pairs(many=many, one=one, shared=many_keys[many])


def _result(node: Binary, left: Floats, right: Floats, present: Bools) -> tuple[Floats, Bools]:
    if node.operator not in COMPARISONS:
        return computed(node.operator, left, right), present
    holds = compared(node.operator, left, right)
    if node.gives_bool:
        return holds.astype(np.float64), present
    return left, present & holds


def _refuse_repeats(shared: Ids, present: Bools) -> None:
    """In one-to-one matching a match group gives at most one sample a step."""
    order = np.argsort(shared, kind="stable")
    fresh = np.concatenate([[True], shared[order][1:] != shared[order][:-1]]) if len(shared) else order
    if len(shared) and not fresh.all():
        counts = np.add.reduceat(present[:, order], np.flatnonzero(fresh), axis=1, dtype=np.int64)
        if (counts > 1).any():
            raise QueryError(
                Fault.EXECUTION,
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                hint="Say `group_left()` or `group_right()` on the side that has several series.",
            )


def _named(context: Context, node: Binary, many: Ids, one: Ids) -> Ids:
    book = context.book

    def work() -> Ids:
        known: dict[tuple[int, int], int] = {}
        for pair in zip(many.tolist(), one.tolist(), strict=True):
            if pair not in known:
                known[pair] = book.number(_labels(node, book.labels(pair[0]), book.labels(pair[1])))
        ids = [known[pair] for pair in zip(many.tolist(), one.tolist(), strict=True)]
        return np.array(ids, dtype=np.int64)

    named: Ids = context.memory.answer((node, "named"), (many, one), work)
    return named


def _labels(node: Binary, many: Labels, one: Labels) -> Labels:
    """The result's labels: those of the many side, the name only for filters, the included ones from the one side."""
    matching = node.matching
    labels = many if node.operator in COMPARISONS else dropped(many, (NAME,))
    if matching.cardinality is Cardinality.ONE_TO_ONE:
        labels = kept(labels, matching.labels) if matching.on else dropped(labels, matching.labels)
    for name in matching.include:
        labels = with_label(labels, name, value_of(one, name))
    return labels


def _told_apart(frame: Frame, node: Binary) -> Frame:
    try:
        return relabelled(frame, frame.ids, frame.nameless)
    except QueryError as error:
        if node.matching.cardinality is Cardinality.ONE_TO_ONE:
            raise
        raise QueryError(
            Fault.EXECUTION,
            "multiple matches for labels: grouping labels must ensure unique matches",
            hint="Series of the many side became equal: include fewer labels.",
        ) from error
