"""Range vectors: the windows of a range selector or of a subquery."""

from dataclasses import replace
from typing import Final

import numpy as np

from stationmaster.monitor.promql.context import Context
from stationmaster.monitor.promql.frames import Frame
from stationmaster.monitor.promql.nodes import Subquery, Window
from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import MISSING, Block, Millis
from stationmaster.monitor.promql.windows import Windows, windows

DEFAULT_STEP_MS: Final = 60_000
"""The step of a subquery that names none."""


def selected_windows(context: Context, node: Window) -> Windows:
    """The windows of a range selector over the samples of the source."""
    selector = node.selector
    ends = context.moments(selector.anchor, selector.offset_ms)
    found = [
        Block(times=block.times, values=block.values, series=context.book.adopted(block.series))
        for block in context.source.select(selector.matchers, int(ends.min()) - node.range_ms + 1, int(ends.max()))
        if len(block.times) and len(block.series)
    ]
    made = windows(found, ends, node.range_ms, context.budget)
    context.budget.series(len(made.ids))
    context.budget.room(sum(block.values.size for block in found) + len(ends) * len(made.ids))
    return made


def grid(context: Context, node: Subquery) -> Millis:
    """The steps of a subquery: multiples of its step since 1970 that fall into a window, oldest first."""
    ends = context.moments(node.anchor, node.offset_ms)
    step_ms = DEFAULT_STEP_MS if node.step_ms is None else node.step_ms
    first = ((int(ends.min()) - node.range_ms) // step_ms + 1) * step_ms
    last = int(ends.max())
    count = max(0, (last - first) // step_ms + 1)
    if count * 8 > context.budget.limits.samples:
        raise QueryError(
            Fault.EXECUTION,
            f"subquery of {count} steps",
            hint="Give it a wider step or a shorter range.",
        )
    return np.arange(first, last + 1, step_ms, dtype=np.int64)


def subquery_windows(context: Context, node: Subquery, times: Millis, inner: Frame) -> Windows:
    """The windows of a subquery over the values that its inner expression has at the steps of its grid."""
    ends = context.moments(node.anchor, node.offset_ms)
    context.budget.room(inner.values.size + len(ends) * len(inner.ids))
    values = inner.values
    if not inner.present.all():
        values = values.copy()
        values[~inner.present] = MISSING
    block = Block(times=times, values=values, series=inner.ids)
    found = windows([block], ends, node.range_ms, context.budget)
    return replace(found, nameless=inner.nameless[np.argsort(inner.ids)]) if len(found.ids) else found
