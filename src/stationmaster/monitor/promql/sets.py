"""The set operators: and, or, unless."""

import numpy as np

from stationmaster.monitor.promql.context import Context
from stationmaster.monitor.promql.frames import Bools, Frame, altered, compact, joined, relabelled
from stationmaster.monitor.promql.matching import shared_labels
from stationmaster.monitor.promql.nodes import Binary
from stationmaster.monitor.promql.samples import Ids


def combined(context: Context, node: Binary, left: Frame, right: Frame) -> Frame:
    """Series of the left side that have, or lack, a match on the right; `or` adds what the left side lacks."""
    left_keys, right_keys = (
        shared_labels(context, node, "left", left.ids),
        shared_labels(context, node, "right", right.ids),
    )
    if node.operator == "or":
        added = right.present & ~_met(left, left_keys, right_keys)
        return _either(left, compact(altered(right, right.values, added, nameless=False)))
    met = _met(right, right_keys, left_keys)
    wanted = met if node.operator == "and" else ~met
    return compact(altered(left, left.values, left.present & wanted, nameless=False))


def _met(frame: Frame, keys: Ids, asked: Ids) -> Bools:
    """For every step and every asked key: whether the frame has a sample with that key."""
    if not len(keys) or not len(asked):
        return np.zeros((frame.steps, len(asked)), dtype=bool)
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], keys[order][1:] != keys[order][:-1]]))
    there = np.logical_or.reduceat(frame.present[:, order], starts, axis=1)
    distinct = keys[order][starts]
    spots = np.minimum(np.searchsorted(distinct, asked), len(distinct) - 1)
    return np.asarray(there[:, spots] & (distinct[spots] == asked))


def _either(left: Frame, right: Frame) -> Frame:
    both = joined([frame for frame in (left, right) if len(frame.ids)] or [left], left.steps)
    return relabelled(both, both.ids, both.nameless)
