"""What kind of value every part of a query gives, and whether it is the same at every step."""

from collections.abc import Mapping
from typing import Final

from stationmaster.monitor.promql.nodes import (
    Aggregate,
    Binary,
    Call,
    Kind,
    Negation,
    Node,
    Number,
    Selector,
    Subquery,
    Window,
    Word,
    leftmost,
    walk,
)

SCALARS: Final = frozenset({"scalar", "time", "pi"})
_CLOCKED: Final = frozenset(
    {
        "time",
        "timestamp",
        "predict_linear",
        "minute",
        "hour",
        "day_of_week",
        "day_of_month",
        "day_of_year",
        "days_in_month",
        "month",
        "year",
    }
)
"""Functions whose value depends on the step, whatever their arguments are."""


def kind_of(node: Node) -> Kind:
    match node:
        case Number():
            return Kind.SCALAR
        case Word():
            return Kind.STRING
        case Window() | Subquery():
            return Kind.MATRIX
        case Selector() | Aggregate():
            return Kind.VECTOR
        case Call():
            return Kind.SCALAR if node.function in SCALARS else Kind.VECTOR
        case Negation():
            return kind_of(node.inner)
        case Binary():
            return _kind_of_chain(node)


def _kind_of_chain(node: Binary) -> Kind:
    current: Node = node
    while isinstance(current, Binary):
        if kind_of(current.right) is Kind.VECTOR:
            return Kind.VECTOR
        current = current.left
    return kind_of(leftmost(node))


def constants(root: Node) -> Mapping[Node, bool]:
    """For every node: whether it gives the same at every step, so that one evaluation is enough."""
    known: dict[Node, bool] = {}
    for node in reversed(list(walk(root))):
        known[node] = _constant(node, known)
    return known


def _constant(node: Node, known: Mapping[Node, bool]) -> bool:
    match node:
        case Number() | Word():
            return True
        case Selector():
            return node.anchor is not None
        case Window():
            return node.selector.anchor is not None
        case Subquery():
            return node.anchor is not None
        case Negation():
            return known[node.inner]
        case Binary():
            return known[node.left] and known[node.right]
        case Call():
            return node.function not in _CLOCKED and all(known[argument] for argument in node.arguments)
        case Aggregate():
            return known[node.inner] and (node.parameter is None or known[node.parameter])
