"""What a query is told about itself: counters that may be none, ranks outside of 0 to 1."""

import numpy as np

from stationmaster.monitor.promql.context import Context
from stationmaster.monitor.promql.frames import Frame
from stationmaster.monitor.promql.label_sets import NAME, value_of
from stationmaster.monitor.promql.nodes import Call
from stationmaster.monitor.promql.samples import Floats

_SUFFIXES = ("_total", "_sum", "_count", "_bucket")


def not_a_counter(context: Context, node: Call, frame: Frame) -> None:
    """Names that do not end like those of counters."""
    book = context.book

    def suspects() -> list[str]:
        names = {value_of(book.labels(int(number)), NAME) for number in frame.ids}
        return sorted(name for name in names if name and not name.endswith(_SUFFIXES))

    for name in context.memory.answer((node, "suspects"), (frame.ids,), suspects):
        text = f'metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "{name}"'
        context.notes.inform(text, node.arguments[0].place)


def rank_outside(context: Context, ranks: Floats, place: int) -> None:
    """Ranks of quantiles that are no share."""
    for rank in np.unique(ranks[~((ranks >= 0) & (ranks <= 1))]).tolist():
        text = f"quantile value should be between 0 and 1, got {number(rank)}"
        context.notes.warn(text, place)


def number(value: float) -> str:
    """In few digits, as Go writes it."""
    if value != value:
        return "NaN"
    if np.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(float(value)).removesuffix(".0")
