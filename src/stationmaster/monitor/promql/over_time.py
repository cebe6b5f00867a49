"""The functions of range vectors: which one is computed how, and what becomes of its samples."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import numpy as np

from stationmaster.monitor.promql import rates, reduction, regression
from stationmaster.monitor.promql.frames import Bools, Frame
from stationmaster.monitor.promql.samples import Floats, Millis
from stationmaster.monitor.promql.windows import Stack, Windows

Kernel: TypeAlias = Callable[[Stack], tuple[Floats, Bools]]
Asking: TypeAlias = Callable[[Stack, tuple[Floats, ...], Millis], tuple[Floats, Bools]]


def _reduced(work: reduction.Reduction) -> Kernel:
    def kernel(stack: Stack) -> tuple[Floats, Bools]:
        values = work(stack.values, None if stack.full else stack.valid)
        return values, np.broadcast_to(stack.counts >= 1, values.shape)

    return kernel


def _present(stack: Stack) -> tuple[Floats, Bools]:
    shape = stack.values.shape[1:]
    return np.ones(shape), np.broadcast_to(stack.counts >= 1, shape)


def _first(stack: Stack) -> tuple[Floats, Bools]:
    return stack.values[0], np.broadcast_to(stack.counts >= 1, stack.values.shape[1:])


def _last(stack: Stack) -> tuple[Floats, Bools]:
    return rates.last_values(stack), np.broadcast_to(stack.counts >= 1, stack.values.shape[1:])


def _median_deviation(stack: Stack) -> tuple[Floats, Bools]:
    mask = None if stack.full else stack.valid
    half = np.asarray(0.5)
    middle = reduction.quantile(stack.values, mask, half)
    values = reduction.quantile(np.abs(stack.values - middle), mask, half)
    return values, np.broadcast_to(stack.counts >= 1, values.shape)


def _moment(pick: Callable[[Stack], Floats]) -> Kernel:
    """When the sample was that `pick` gives the index of, in seconds since 1970."""

    def kernel(stack: Stack) -> tuple[Floats, Bools]:
        index = pick(stack).astype(np.int64)[None]
        times = np.broadcast_to(stack.times, stack.values.shape)
        values = np.take_along_axis(times, index, axis=0)[0] / 1000
        return values, np.broadcast_to(stack.counts >= 1, values.shape)

    return kernel


def _index_of(extreme: reduction.Reduction) -> Callable[[Stack], Floats]:
    """The last index of the extreme; the last of all where all are NaN."""

    def pick(stack: Stack) -> Floats:
        wanted = extreme(stack.values, stack.valid)
        hits = stack.valid & ((stack.values == wanted) | np.isnan(wanted))
        return np.asarray(len(stack.values) - 1 - hits[::-1].argmax(axis=0))

    return pick


def _quantile(stack: Stack, given: tuple[Floats, ...], now: Millis) -> tuple[Floats, Bools]:
    values = reduction.quantile(stack.values, None if stack.full else stack.valid, given[0][:, None])
    return values, np.broadcast_to(stack.counts >= 1, values.shape)


def _predict(stack: Stack, given: tuple[Floats, ...], now: Millis) -> tuple[Floats, Bools]:
    return regression.predict(stack, now, given[0])


def _smooth(stack: Stack, given: tuple[Floats, ...], now: Millis) -> tuple[Floats, Bools]:
    return regression.smoothed(stack, given[0], given[1])


KERNELS: Final[Mapping[str, Kernel]] = {
    "rate": rates.rate,
    "increase": rates.increase,
    "delta": rates.delta,
    "irate": rates.irate,
    "idelta": rates.idelta,
    "resets": rates.resets,
    "changes": rates.changes,
    "deriv": regression.deriv,
    "avg_over_time": _reduced(reduction.mean),
    "sum_over_time": _reduced(reduction.total),
    "min_over_time": _reduced(reduction.least),
    "max_over_time": _reduced(reduction.greatest),
    "count_over_time": _reduced(reduction.count),
    "stddev_over_time": _reduced(reduction.deviation),
    "stdvar_over_time": _reduced(reduction.variance),
    "mad_over_time": _median_deviation,
    "present_over_time": _present,
    "first_over_time": _first,
    "last_over_time": _last,
    "ts_of_first_over_time": _moment(lambda stack: np.zeros(stack.values.shape[1:])),
    "ts_of_last_over_time": _moment(lambda stack: np.broadcast_to(stack.counts - 1, stack.values.shape[1:]).clip(0)),
    "ts_of_min_over_time": _moment(_index_of(reduction.least)),
    "ts_of_max_over_time": _moment(_index_of(reduction.greatest)),
}
ASKING: Final[Mapping[str, Asking]] = {
    "quantile_over_time": _quantile,
    "predict_linear": _predict,
    "double_exponential_smoothing": _smooth,
}
KEEP_NAMES: Final = frozenset({"first_over_time", "last_over_time"})


def applied(windows: Windows, kernel: Kernel) -> Frame:
    """A function over every window; names as they are."""
    shape = (len(windows.ends), len(windows.ids))
    values, present = np.zeros(shape), np.zeros(shape, dtype=bool)
    for stack in windows.stacks():
        part_values, part_present = kernel(stack)
        values[stack.steps, stack.series] = part_values
        present[stack.steps, stack.series] = part_present
    return Frame(ids=windows.ids, values=values, present=present, nameless=windows.nameless)


def asked(function: str, given: tuple[Floats, ...], now: Millis) -> Kernel:
    """A function with parameters as one without."""
    work = ASKING[function]

    def kernel(stack: Stack) -> tuple[Floats, Bools]:
        return work(stack, tuple(values[stack.steps] for values in given), now[stack.steps])

    return kernel
