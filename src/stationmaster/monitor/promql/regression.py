"""Trends within a window: the line of least squares, and double exponential smoothing."""

import numpy as np

from stationmaster.monitor.promql.frames import Bools
from stationmaster.monitor.promql.reduction import count, total
from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import Floats, Millis
from stationmaster.monitor.promql.windows import Stack


def deriv(stack: Stack) -> tuple[Floats, Bools]:
    """The slope per second."""
    start = stack.seconds[0]
    slope, _ = _line(stack, stack.seconds - start)
    return slope, _enough(stack, slope)


def predict(stack: Stack, now: Millis, ahead: Floats) -> tuple[Floats, Bools]:
    """What the line gives so many seconds after the step."""
    since_now = stack.seconds + ((stack.ends - now) / 1000)[:, None]
    slope, at_now = _line(stack, since_now)
    value = slope * ahead[:, None] + at_now
    return value, _enough(stack, value)


def _enough(stack: Stack, values: Floats) -> Bools:
    return np.broadcast_to(stack.counts >= 2, values.shape)


def _line(stack: Stack, x: Floats) -> tuple[Floats, Floats]:
    """Slope, and value at x = 0. Samples that are all equal give exactly their value."""
    mask = None if stack.full else stack.valid
    x = np.broadcast_to(x, stack.values.shape)
    values, number = stack.values, count(stack.values, mask)
    sum_x, sum_y = total(x, mask), total(values, mask)
    sum_xy, sum_xx = total(x * values, mask), total(x * x, mask)
    covariance = sum_xy - sum_x * sum_y / number
    slope = covariance / (sum_xx - sum_x * sum_x / number)
    crossing = sum_y / number - slope * sum_x / number
    first = values[0]
    flat = (values == first).all(axis=0) if mask is None else ((values == first) | ~mask).all(axis=0)
    constant = np.where(np.isinf(first), np.nan, first)
    return np.where(flat, constant * 0, slope), np.where(flat, constant, crossing)


def smoothed(stack: Stack, smoothing: Floats, trend: Floats) -> tuple[Floats, Bools]:
    """Double exponential smoothing; both factors lie between 0 and 1, each step has its own."""
    _between(smoothing, "smoothing")
    _between(trend, "trend")
    level, before = stack.values[0], np.zeros_like(stack.values[0])
    enough = np.broadcast_to(stack.counts >= 2, level.shape)
    if len(stack.values) < 2:
        return level, enough
    slope = stack.values[1] - stack.values[0]
    factor, bend = smoothing[:, None], trend[:, None]
    for place in range(1, len(stack.values)):
        if place % 4096 == 0:
            stack.budget.check()
        steeper = slope if place == 1 else bend * (level - before) + (1 - bend) * slope
        reached = factor * stack.values[place] + (1 - factor) * (level + steeper)
        counts = place < stack.counts
        before, level = np.where(counts, level, before), np.where(counts, reached, level)
        slope = np.where(counts, steeper, slope)
    return level, enough


def _between(factors: Floats, name: str) -> None:
    for factor in factors:
        if not 0 < factor < 1:
            message = f"invalid {name} factor. Expected: 0 < {name[0]}f < 1, got: {factor:f}"
            raise QueryError(Fault.EXECUTION, message, hint="Both factors lie between 0 and 1.")
