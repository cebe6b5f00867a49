"""The functions that have their own ways with arguments: absent, clamp, scalar, timestamp, labels, histograms."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol, TypeAlias

import numpy as np

from stationmaster.monitor.promql.context import Context
from stationmaster.monitor.promql.elementwise import clamped, rounded
from stationmaster.monitor.promql.frames import Bools, Computed, Frame, Line, altered, compact
from stationmaster.monitor.promql.histogram import fractions, quantiles
from stationmaster.monitor.promql.labels import joined_labels, replaced
from stationmaster.monitor.promql.nodes import Call, Node, Selector, Window
from stationmaster.monitor.promql.over_time import KERNELS, applied
from stationmaster.monitor.promql.samples import Floats, Labels, MatchKind
from stationmaster.monitor.promql.selecting import newest_samples
from stationmaster.monitor.promql.windows import Windows

NATIVE: Final = frozenset({"histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar"})
"""Functions of native histograms; of floats they give nothing."""


class Values(Protocol):
    """How a function gets at its arguments."""

    def vector(self, context: Context, node: Node) -> Frame: ...

    def scalar(self, context: Context, node: Node) -> Floats: ...

    def word(self, context: Context, node: Node) -> str: ...

    def windows(self, context: Context, node: Node) -> Windows: ...


Special: TypeAlias = Callable[[Values, Context, Call], Computed]


def now(context: Context) -> Frame:
    """The time of the step as a vector without labels."""
    return _single(context, context.times / 1000, np.ones(context.steps, dtype=bool), ())


def _single(context: Context, values: Floats, present: Bools, labels: Labels) -> Frame:
    return Frame(
        ids=np.array([context.book.number(labels)], dtype=np.int64),
        values=values[:, None],
        present=present[:, None],
        nameless=np.zeros(1, dtype=bool),
    )


def _time(values: Values, context: Context, node: Call) -> Line:
    return Line(values=context.times / 1000)


def _pi(values: Values, context: Context, node: Call) -> Line:
    return Line(values=np.full(context.steps, np.pi))


def _scalar(values: Values, context: Context, node: Call) -> Line:
    """The value of the only sample; NaN where there is none or several."""
    frame = values.vector(context, node.arguments[0])
    alone = frame.present.sum(axis=1) == 1
    return Line(values=np.where(alone, np.where(frame.present, frame.values, 0.0).sum(axis=1), np.nan))


def _vector(values: Values, context: Context, node: Call) -> Frame:
    return _single(context, values.scalar(context, node.arguments[0]), np.ones(context.steps, dtype=bool), ())


def _timestamp(values: Values, context: Context, node: Call) -> Frame:
    """When the samples of a selector were taken; what is computed has the time of the step."""
    argument = node.arguments[0]
    if not isinstance(argument, Selector):
        frame = values.vector(context, argument)
        moments = np.broadcast_to(context.times[:, None] / 1000, frame.values.shape)
        return altered(frame, moments)
    newest = newest_samples(context, argument, stamped=True)
    stamps = np.zeros(newest.found.shape) if newest.stamps is None else newest.stamps
    nameless = np.ones(len(newest.ids), dtype=bool)
    return compact(Frame(ids=newest.ids, values=stamps / 1000, present=newest.found, nameless=nameless))


def _absent(values: Values, context: Context, node: Call) -> Frame:
    frame = values.vector(context, node.arguments[0])
    return _absence(context, node, frame.present)


def _absent_over_time(values: Values, context: Context, node: Call) -> Frame:
    frame = applied(values.windows(context, node.arguments[0]), KERNELS["present_over_time"])
    return _absence(context, node, frame.present)


def _absence(context: Context, node: Call, present: Bools) -> Frame:
    missing = np.asarray(~present.any(axis=1))
    return compact(_single(context, np.ones(context.steps), missing, labels_of_absence(node.arguments[0])))


def labels_of_absence(node: Node) -> Labels:
    """Labels that a selector asks for by equality; any other matcher of the same label after it takes it away."""
    if isinstance(node, Window):
        node = node.selector
    labels: dict[str, str] = {}
    asked: set[str] = set()
    for matcher in node.matchers if isinstance(node, Selector) else ():
        if matcher.kind is MatchKind.EQUAL and matcher.name not in asked:
            asked.add(matcher.name)
            labels[matcher.name] = matcher.value
        else:
            labels.pop(matcher.name, None)
    return tuple(sorted((name, value) for name, value in labels.items() if value and name != "__name__"))


def _clamp(values: Values, context: Context, node: Call) -> Frame:
    frame = values.vector(context, node.arguments[0])
    bounds = [values.scalar(context, argument) for argument in node.arguments[1:]]
    match node.function:
        case "clamp_min":
            return clamped(frame, bounds[0], None)
        case "clamp_max":
            return clamped(frame, None, bounds[0])
        case _:
            return clamped(frame, bounds[0], bounds[1])


def _round(values: Values, context: Context, node: Call) -> Frame:
    frame = values.vector(context, node.arguments[0])
    nearest = values.scalar(context, node.arguments[1]) if len(node.arguments) > 1 else np.ones(context.steps)
    return rounded(frame, nearest)


def _label_replace(values: Values, context: Context, node: Call) -> Frame:
    words = [values.word(context, argument) for argument in node.arguments[1:]]
    return replaced(context, node, values.vector(context, node.arguments[0]), words)


def _label_join(values: Values, context: Context, node: Call) -> Frame:
    words = [values.word(context, argument) for argument in node.arguments[1:]]
    return joined_labels(context, node, values.vector(context, node.arguments[0]), words)


def _histogram_quantile(values: Values, context: Context, node: Call) -> Frame:
    ranks = values.scalar(context, node.arguments[0])
    return compact(quantiles(context, node, ranks, values.vector(context, node.arguments[1])))


def _histogram_fraction(values: Values, context: Context, node: Call) -> Frame:
    lower, upper = (values.scalar(context, argument) for argument in node.arguments[:2])
    return compact(fractions(context, node, (lower, upper), values.vector(context, node.arguments[2])))


SPECIAL: Final[Mapping[str, Special]] = {
    "time": _time,
    "pi": _pi,
    "scalar": _scalar,
    "vector": _vector,
    "timestamp": _timestamp,
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "clamp": _clamp,
    "clamp_min": _clamp,
    "clamp_max": _clamp,
    "round": _round,
    "label_replace": _label_replace,
    "label_join": _label_join,
    "histogram_quantile": _histogram_quantile,
    "histogram_fraction": _histogram_fraction,
}
