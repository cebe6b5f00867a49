"""The order of a vector: sort, sort_desc, sort_by_label, sort_by_label_desc."""

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from stationmaster.monitor.promql.context import Context
from stationmaster.monitor.promql.frames import Frame, columns
from stationmaster.monitor.promql.label_sets import value_of
from stationmaster.monitor.promql.nodes import Call
from stationmaster.monitor.promql.samples import Labels

SORTS: Final = frozenset({"sort", "sort_desc", "sort_by_label", "sort_by_label_desc"})

_CHUNK: Final = re.compile(r"[0-9]+|[^0-9]+")


def sorted_frame(context: Context, node: Call, frame: Frame, words: Sequence[str]) -> Frame:
    """The columns in another order; of several steps nothing, since series are ordered by their labels then."""
    if frame.steps != 1 or context.outer_first_ms != context.outer_last_ms:
        text = "sort is ineffective for range queries since results are always ordered by labels"
        context.notes.warn(text, node.place)
        return frame
    if node.function in {"sort", "sort_desc"}:
        keys = frame.values[0] if node.function == "sort" else -frame.values[0]
        return columns(frame, np.argsort(keys, kind="stable"))
    labels = [context.book.labels(int(number)) for number in frame.ids]
    order = sorted(range(len(labels)), key=lambda column: _key(labels[column], words))
    if node.function == "sort_by_label_desc":
        order.reverse()
    return columns(frame, np.array(order, dtype=np.int64))


def _key(labels: Labels, words: Sequence[str]) -> Any:
    return [*(natural(value_of(labels, word)) for word in words), labels]


def natural(text: str) -> list[tuple[int, int, str]]:
    """Numbers within the text count as numbers."""
    return [
        (0, int(part), part) if part.isdecimal() and len(part) < 4000 else (1, 0, part) for part in _CHUNK.findall(text)
    ]
