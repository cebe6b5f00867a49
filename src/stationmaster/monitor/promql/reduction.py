"""Sums, means, extremes and quantiles along the first axis of stacked samples, some of which do not count."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from stationmaster.monitor.promql.frames import Bools
from stationmaster.monitor.promql.samples import Floats

Mask: TypeAlias = Bools | None
"""Which samples count; None: all."""

Reduction: TypeAlias = Callable[[Floats, Mask], Floats]

_SCALE = 2.0**-64


def _with(values: Floats, mask: Mask, filler: float) -> Floats:
    return values if mask is None else np.where(mask, values, filler)


def count(values: Floats, mask: Mask) -> Floats:
    if mask is None:
        return np.full(values.shape[1:], float(len(values)))
    return np.asarray(np.broadcast_to(mask, values.shape).sum(axis=0), dtype=np.float64)


def total(values: Floats, mask: Mask) -> Floats:
    """The sum with the rounding errors of all additions added at its end."""
    sums, errors = compensated(_with(values, mask, 0.0))
    return np.where(np.isinf(sums), sums, sums + errors)


def compensated(values: Floats) -> tuple[Floats, Floats]:
    """A sum by halves, and what its additions lost by rounding (Knuth's TwoSum)."""
    sums: Floats = values
    errors: Floats | None = None
    while len(sums) > 1:
        half = len(sums) // 2
        left, right = sums[:half], sums[half : 2 * half]
        added = left + right
        shadow = added - left
        lost = (left - (added - shadow)) + (right - shadow)
        lost[~np.isfinite(added)] = 0.0
        if errors is not None:
            lost += errors[:half] + errors[half : 2 * half]
        odd = len(sums) % 2
        if odd:
            tail = np.zeros_like(sums[-1:]) if errors is None else errors[-1:]
            added, lost = np.concatenate([added, sums[-1:]]), np.concatenate([lost, tail])
        sums, errors = added, lost
    return sums[0], np.zeros_like(sums[0]) if errors is None else errors[0]


def mean(values: Floats, mask: Mask) -> Floats:
    """The mean; of finite samples it is finite, though their sum may not be."""
    number = count(values, mask)
    counted = _with(values, mask, 0.0)
    sums, errors = compensated(counted)
    plain = np.where(np.isinf(sums), sums, sums / number + errors / number)
    burst = ~np.isfinite(sums)
    if burst.any():
        burst &= np.isfinite(counted).all(axis=0)
    if not burst.any():
        exact = np.isfinite(sums)
        return np.where(exact, (sums + np.where(exact, errors, 0.0)) / number, plain)
    scaled = total(counted * _SCALE, None) / number / _SCALE
    return np.where(burst, scaled, plain)


def variance(values: Floats, mask: Mask) -> Floats:
    """The population's variance; 0 for equal samples, NaN where one is not finite."""
    shifted = _with(values - _first(values, mask), mask, 0.0)
    number = count(values, mask)
    centre = total(shifted, None) / number
    return total(_with((shifted - centre) ** 2, mask, 0.0), None) / number


def deviation(values: Floats, mask: Mask) -> Floats:
    return np.sqrt(variance(values, mask))


def _first(values: Floats, mask: Mask) -> Floats:
    if mask is None:
        return values[:1]
    first = np.broadcast_to(mask, values.shape).argmax(axis=0)[None]
    return np.take_along_axis(values, first, axis=0)


def least(values: Floats, mask: Mask) -> Floats:
    """The smallest number; NaN only where there is nothing else."""
    return np.asarray(np.fmin.reduce(_with(values, mask, np.nan), axis=0))


def greatest(values: Floats, mask: Mask) -> Floats:
    return np.asarray(np.fmax.reduce(_with(values, mask, np.nan), axis=0))


def quantile(values: Floats, mask: Mask, rank: Floats) -> Floats:
    """The quantile by linear interpolation; NaN counts as the smallest sample. `rank` fits the result's shape."""
    number = count(values, mask)
    bare = np.isnan(values) if mask is None else np.isnan(values) & mask
    nans = bare.sum(axis=0)
    ordered = np.sort(_with(values, mask, np.nan), axis=0)
    inside = np.where((rank >= 0) & (rank <= 1), rank, 0.0) * np.maximum(number - 1, 0)
    lower = np.floor(inside)
    upper = np.minimum(number - 1, lower + 1)
    weight = inside - lower
    low, high = _ordered_at(ordered, lower, nans), _ordered_at(ordered, upper, nans)
    between = low * (1 - weight) + high * weight
    outside = np.where(rank < 0, -np.inf, np.inf)
    return np.where(np.isnan(rank), np.nan, np.where((rank >= 0) & (rank <= 1), between, outside))


def _ordered_at(ordered: Floats, index: Floats, nans: Floats) -> Floats:
    """The sample of an index when NaNs stand first; `ordered` has them last."""
    spot = index.astype(np.int64) - nans
    clipped = np.clip(spot, 0, len(ordered) - 1)[None]
    found = np.take_along_axis(ordered, clipped.astype(np.int64), axis=0)[0]
    return np.where(spot < 0, np.nan, found)
