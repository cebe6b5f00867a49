"""Aggregations that choose series instead of combining them: topk, bottomk, limitk, limit_ratio."""

import hashlib
import math
from typing import Final

import numpy as np

from stationmaster.monitor.promql.aggregate import groups_of
from stationmaster.monitor.promql.context import Context
from stationmaster.monitor.promql.frames import Bools, Frame, altered, columns, compact
from stationmaster.monitor.promql.nodes import Aggregate
from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import Floats, Ids

_SHARES: Final = float(2**64)


def chosen(context: Context, node: Aggregate, frame: Frame, parameter: Floats) -> Frame:
    """The series of every group that the aggregation keeps, with their own labels."""
    if node.operator == "limit_ratio":
        return _by_ratio(context, node, frame, parameter)
    if np.isnan(parameter).any():
        raise QueryError(Fault.EXECUTION, "Parameter value is NaN", hint="How many series is a number.")
    if (np.abs(parameter) >= 2.0**63).any():
        worst = parameter[np.abs(parameter) >= 2.0**63][0]
        raise QueryError(Fault.EXECUTION, f"Scalar value {worst:g} overflows int64")
    limits = np.trunc(parameter)
    if not len(frame.ids):
        return frame
    groups = groups_of(context, node, frame)
    ranks = _ranks(context, frame, groups.of, node.operator)
    present = frame.present & (ranks < limits[:, None])
    kept = Frame(ids=frame.ids, values=frame.values, present=present, nameless=frame.nameless)
    if frame.steps == 1 and node.operator != "limitk":
        kept = columns(kept, np.lexsort((ranks[0], groups.of)))
    return compact(kept)


def _ranks(context: Context, frame: Frame, of: Ids, operator: str) -> Ids:
    """The place of every sample among those of its group at its step, 0 being the first to be kept."""
    keys = frame.values
    if operator == "topk":
        keys = -keys
    ranks = np.empty(frame.values.shape, dtype=np.int64)
    starts = np.zeros(int(of.max()) + 1, dtype=np.int64)
    starts[1:] = np.cumsum(np.bincount(of))[:-1]
    places = np.arange(len(of))
    for step in range(frame.steps):
        context.budget.check()
        absent = ~frame.present[step]
        order = np.lexsort((absent, of)) if operator == "limitk" else np.lexsort((keys[step], absent, of))
        ranks[step, order] = places - starts[of[order]]
    return ranks


def _by_ratio(context: Context, node: Aggregate, frame: Frame, parameter: Floats) -> Frame:
    if np.isnan(parameter).any():
        raise QueryError(Fault.EXECUTION, "Ratio value is NaN", hint="The ratio lies between -1 and 1.")
    for ratio in parameter[np.abs(parameter) > 1]:
        capped = math.copysign(1.0, ratio)
        place = -1 if node.parameter is None else node.parameter.place
        context.notes.warn(f"ratio value should be between -1 and 1, got {ratio:g}, capping to {capped:g}", place)
    ratios = np.clip(parameter, -1.0, 1.0)[:, None]
    shares = np.array([_share(context, int(number)) for number in frame.ids])[None, :]
    taken: Bools = np.where(ratios >= 0, shares < ratios, shares >= 1.0 + ratios)
    return compact(altered(frame, frame.values, frame.present & taken, nameless=False))


def _share(context: Context, number: int) -> float:
    """Where the series stands between 0 and 1, the same in every query."""
    text = "\xff".join(part for pair in context.book.labels(number) for part in pair)
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _SHARES
