"""Operators between scalars and vectors; which of the operands' samples, names and labels come out."""

import numpy as np

from stationmaster.monitor.promql.arithmetic import COMPARISONS, SETS, compared, computed
from stationmaster.monitor.promql.context import Context
from stationmaster.monitor.promql.frames import Computed, Frame, Line, altered, compact
from stationmaster.monitor.promql.matching import matched
from stationmaster.monitor.promql.nodes import Binary
from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import Floats
from stationmaster.monitor.promql.sets import combined


def operated(context: Context, node: Binary, left: Computed, right: Computed) -> Computed:
    match left, right:
        case Line(), Line():
            return Line(values=_plain(node.operator, left.values, right.values))
        case Frame(), Line():
            return _with_scalar(node, left, left.values, right.values[:, None])
        case Line(), Frame():
            return _with_scalar(node, right, left.values[:, None], right.values)
        case Frame(), Frame():
            work = combined if node.operator in SETS else matched
            return work(context, node, left, right)
    raise QueryError(Fault.BAD_DATA, "binary expression must contain only scalar and instant vector types")


def _plain(operator: str, left: Floats, right: Floats) -> Floats:
    if operator in COMPARISONS:
        return compared(operator, left, right).astype(np.float64)
    return computed(operator, left, right)


def _with_scalar(node: Binary, frame: Frame, left: Floats, right: Floats) -> Frame:
    """A filter keeps the vector's values and names, whichever side it stands on."""
    if node.operator in COMPARISONS and not node.gives_bool:
        holds = compared(node.operator, left, right)
        return compact(altered(frame, frame.values, frame.present & holds, nameless=False))
    return altered(frame, _plain(node.operator, left, right))
