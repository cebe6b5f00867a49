"""How counters and gauges change within a window: rate, increase, delta, irate, idelta, resets, changes."""

import numpy as np

from stationmaster.monitor.promql.frames import Bools
from stationmaster.monitor.promql.samples import Floats, Ids
from stationmaster.monitor.promql.windows import Stack

THRESHOLD = 1.1
"""A gap at an end of the window that is longer than so many average gaps is not bridged."""


def last_values(stack: Stack, back: int = 0) -> Floats:
    """The last sample of every window, or one so many before it; rubbish where the window is shorter."""
    if stack.full:
        return np.asarray(stack.values[max(-1 - back, -len(stack.values))])
    return _taken(stack.values, stack.counts - 1 - back)


def last_seconds(stack: Stack, back: int = 0) -> Floats:
    """When it was, in seconds from the window's end."""
    return _taken(stack.seconds, stack.counts - 1 - back)


def _taken(values: Floats, index: Ids) -> Floats:
    return np.asarray(np.take_along_axis(values, np.maximum(index, 0)[None], axis=0)[0])


def _pairs(stack: Stack) -> Bools:
    """Which neighbours in a window both count."""
    return np.asarray(np.arange(1, len(stack.values))[:, None, None] < stack.counts)


def _drops(stack: Stack) -> Bools:
    return np.asarray((stack.values[1:] < stack.values[:-1]) & _pairs(stack))


def increase(stack: Stack) -> tuple[Floats, Bools]:
    return _extrapolated(stack, counter=True)


def rate(stack: Stack) -> tuple[Floats, Bools]:
    values, present = _extrapolated(stack, counter=True)
    return values / (stack.range_ms / 1000), present


def delta(stack: Stack) -> tuple[Floats, Bools]:
    return _extrapolated(stack, counter=False)


def _extrapolated(stack: Stack, *, counter: bool) -> tuple[Floats, Bools]:
    """The change from first to last sample, carried on to the ends of the window (Prometheus' `extrapolatedRate`)."""
    enough = stack.counts >= 2
    first, gained = stack.values[0], last_values(stack) - stack.values[0]
    if counter and len(stack.values) > 1:
        lost = np.where(_drops(stack), stack.values[:-1], 0.0)
        gained = gained + lost.sum(axis=0)
    begin, end = stack.seconds[0], last_seconds(stack)
    sampled = end - begin
    gap = sampled / np.maximum(stack.counts - 1, 1)
    to_start = begin + stack.range_ms / 1000
    to_start = np.where(to_start >= gap * THRESHOLD, gap / 2, to_start)
    if counter:
        to_zero = np.where((gained > 0) & (first >= 0), sampled * (first / gained), np.inf)
        to_start = np.minimum(to_start, to_zero)
    to_end = np.where(-end >= gap * THRESHOLD, gap / 2, -end)
    factor = (sampled + to_start + to_end) / sampled
    return gained * factor, np.broadcast_to(enough, gained.shape)


def irate(stack: Stack) -> tuple[Floats, Bools]:
    """The change of the last two samples per second; after a reset the counter started at 0."""
    newest, older = last_values(stack), last_values(stack, 1)
    gained = np.where(newest < older, newest, newest - older)
    apart = last_seconds(stack) - last_seconds(stack, 1)
    return gained / apart, np.broadcast_to((stack.counts >= 2) & (apart > 0), gained.shape)


def idelta(stack: Stack) -> tuple[Floats, Bools]:
    gained = last_values(stack) - last_values(stack, 1)
    return gained, np.broadcast_to(stack.counts >= 2, gained.shape)


def resets(stack: Stack) -> tuple[Floats, Bools]:
    return _counted(stack, _drops(stack))


def changes(stack: Stack) -> tuple[Floats, Bools]:
    newer, older = stack.values[1:], stack.values[:-1]
    same = (newer == older) | (np.isnan(newer) & np.isnan(older))
    return _counted(stack, ~same & _pairs(stack))


def _counted(stack: Stack, marks: Bools) -> tuple[Floats, Bools]:
    numbers = marks.sum(axis=0).astype(np.float64)
    return numbers, np.broadcast_to(stack.counts >= 1, numbers.shape)
