"""Looks into an expression of PromQL that a runbook shows: whether it is one, what it reads, whether it compares."""

import re
from dataclasses import dataclass

import promql_parser

_LONGEST = 16_384
_DEEPEST = 100
"""The parser recurses: it would end the process at some thousand brackets."""
_COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
_SETS = frozenset({"and", "or", "unless"})
_PLACES = re.compile(
    r"<[A-Za-z][\w .-]*>|\$\{?[A-Za-z_]\w*|\{\{|\.\.\.|\bXXX+\b|<(?:value|instance)|\[(?:TIME|INTERVAL)\]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """`compares` tells whether it gives series only while something is wrong: the outermost operator compares."""

    metrics: tuple[str, ...]
    compares: bool


def read_expression(text: str) -> Expression:
    """ValueError says in words why it cannot be evaluated."""
    if len(text) > _LONGEST:
        raise ValueError(f"is longer than {_LONGEST} characters")
    if (place := _PLACES.search(text)) is not None:
        raise ValueError(f"has the place {place[0]} to be filled in")
    if sum(map(text.count, "([{")) > _DEEPEST or text.count("-") + text.count("+") > _DEEPEST:
        raise ValueError("is nested too deeply")
    try:
        parsed = promql_parser.parse(text)
    except ValueError as error:
        first = (str(error).strip().splitlines() or ["it does not parse"])[0]
        raise ValueError(f"is no PromQL: {first}") from error
    metrics: list[str] = []

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            metrics.append(_name(node))
        return True

    promql_parser.walk(parsed, visit)
    return Expression(metrics=tuple(dict.fromkeys(each for each in metrics if each)), compares=_compares(parsed))


def _name(selector: promql_parser.VectorSelector) -> str:
    if selector.name:
        return str(selector.name)
    named = (each for each in selector.matchers.matchers if each.name == "__name__")
    return next((str(each.value) for each in named if each.op == promql_parser.MatchOp.Equal), "")


def _compares(node: promql_parser.Expr) -> bool:
    match node:
        case promql_parser.ParenExpr():
            return _compares(node.expr)
        case promql_parser.Call():
            return str(node.func.name) in {"absent", "absent_over_time"}
        case promql_parser.BinaryExpr():
            operator = str(node.op)
            if operator in _SETS:
                return _compares(node.lhs) and (operator != "or" or _compares(node.rhs))
            return operator in _COMPARISONS and not (node.modifier and node.modifier.return_bool)
        case _:
            return False
