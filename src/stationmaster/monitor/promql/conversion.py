"""Turns the parser's tree into ours, and refuses what it lets pass."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import promql_parser as bought

from stationmaster.monitor.promql.nodes import (
    Aggregate,
    Anchor,
    Binary,
    Bound,
    Call,
    Cardinality,
    Grouping,
    Matching,
    Negation,
    Node,
    Number,
    Selector,
    Subquery,
    Window,
    Word,
)
from stationmaster.monitor.promql.results import Fault, QueryError, QueryLimits
from stationmaster.monitor.promql.samples import Matcher, MatchKind
from stationmaster.monitor.promql.tokens import Reading

MAX_MS: Final = 2**52
"""Moments and durations beyond this are refused: sums of them have to stay exact."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_CARDINALITIES: Final = (
    Cardinality.ONE_TO_ONE,
    Cardinality.MANY_TO_ONE,
    Cardinality.ONE_TO_MANY,
    Cardinality.MANY_TO_MANY,
)


class Conversion:
    """One walk over the parser's tree, beside the positions and moments that were read ahead."""

    def __init__(self, reading: Reading, limits: QueryLimits) -> None:
        self._places = reading.places
        self._moments = reading.moments
        self._taken = 0
        self._anchored = 0
        self._limits = limits

    def node(self, tree: Any, depth: int = 0) -> Node:
        while isinstance(tree, bought.ParenExpr):
            tree = tree.expr
        if depth > self._limits.depth:
            message = f"query is nested more than {self._limits.depth} levels deep"
            raise QueryError(Fault.BAD_DATA, message, hint="Split it into recording rules.")
        if isinstance(tree, bought.BinaryExpr):
            return self._chain(tree, depth + 1)
        return self._plain(tree, depth + 1)

    def places_fit(self) -> bool:
        """Whether operands and positions are as many: if not, no position is right."""
        return self._taken == len(self._places)

    def _plain(self, tree: Any, depth: int) -> Node:
        match tree:
            case bought.NumberLiteral():
                return Number(value=tree.val, place=self._place())
            case bought.StringLiteral():
                return Word(value=tree.val, place=self._place())
            case bought.VectorSelector():
                return self._selector(tree)
            case bought.MatrixSelector():
                inner = self._selector(tree.vector_selector)
                return Window(selector=inner, range_ms=_positive(tree.range))
            case bought.SubqueryExpr():
                return self._subquery(tree, depth)
            case bought.UnaryExpr():
                return Negation(inner=self.node(tree.expr, depth), place=-1)
            case bought.Call():
                return self._call(tree, depth)
            case bought.AggregateExpr():
                return self._aggregate(tree, depth)
        raise QueryError(Fault.BAD_DATA, f"unknown kind of expression {type(tree).__name__}")

    def _place(self) -> int:
        self._taken += 1
        return self._places[self._taken - 1] if self._taken <= len(self._places) else -1

    def _anchor(self, at: Any) -> Anchor:
        if at is None:
            return None
        moment = self._moments[self._anchored] if self._anchored < len(self._moments) else None
        self._anchored += 1
        if at.type == bought.AtModifierType.Start:
            return Bound.START
        if at.type == bought.AtModifierType.End:
            return Bound.END
        if moment is None:
            return _bounded((at.at - _EPOCH) / _MILLISECOND)
        return _bounded(moment * 1000)

    def _selector(self, tree: Any) -> Selector:
        if tree.matchers.or_matchers:
            hint = 'Write `{a="b"} or {a="c"}`, or a regular expression.'
            raise QueryError(Fault.BAD_DATA, "`or` between label matchers is no PromQL", hint=hint)
        place = self._place()
        name = tree.name or ""
        named = [Matcher(name="__name__", kind=MatchKind.EQUAL, value=name)] if name else []
        matchers = (*named, *(_matcher(matcher) for matcher in tree.matchers.matchers))
        offset_ms = _milliseconds(tree.offset)
        anchor = self._anchor(tree.at)
        return Selector(name=name, matchers=matchers, offset_ms=offset_ms, anchor=anchor, place=place)

    def _subquery(self, tree: Any, depth: int) -> Subquery:
        inner = self.node(tree.expr, depth)
        return Subquery(
            inner=inner,
            range_ms=_positive(tree.range),
            step_ms=None if tree.step is None else _positive(tree.step),
            offset_ms=_milliseconds(tree.offset),
            anchor=self._anchor(tree.at),
        )

    def _call(self, tree: Any, depth: int) -> Call:
        place = self._place()
        arguments = tuple(self.node(argument, depth) for argument in tree.args)
        return Call(function=tree.func.name, arguments=arguments, place=place)

    def _aggregate(self, tree: Any, depth: int) -> Aggregate:
        place = self._place()
        parameter = None if tree.param is None else self.node(tree.param, depth)
        inner = self.node(tree.expr, depth)
        grouping, labels = Grouping.ALL, ()
        if tree.modifier is not None:
            by = tree.modifier.type == bought.AggModifierType.By
            grouping = Grouping.BY if by else Grouping.WITHOUT
            labels = tuple(sorted(set(tree.modifier.labels)))
        return Aggregate(
            operator=str(tree.op), inner=inner, parameter=parameter, grouping=grouping, labels=labels, place=place
        )

    def _chain(self, tree: Any, depth: int) -> Node:
        """`a + b + c` without one call for each of its terms."""
        links: list[Any] = []
        while isinstance(tree, bought.BinaryExpr):
            links.append((str(tree.op), tree.rhs, tree.modifier))
            tree = tree.lhs
        node = self.node(tree, depth)
        for operator, right, modifier in reversed(links):
            node = Binary(
                operator=operator,
                left=node,
                right=self.node(right, depth),
                matching=_matching(modifier),
                gives_bool=modifier is not None and modifier.return_bool,
            )
        return node


def _matching(modifier: Any) -> Matching:
    if modifier is None:
        return Matching()
    fills = modifier.fill_values
    if fills is not None and (fills.lhs is not None or fills.rhs is not None):
        raise QueryError(Fault.BAD_DATA, "`fill` is experimental and not supported", hint="Write `a or b * 0` instead.")
    labels: Sequence[str] = () if modifier.matching is None else modifier.matching.labels
    return Matching(
        cardinality=_CARDINALITIES[int(modifier.card)],
        on=modifier.matching is not None and modifier.matching.type == bought.LabelModifierType.Include,
        labels=tuple(sorted(set(labels))),
        include=tuple(modifier.group_labels or ()),
    )


def _matcher(matcher: Any) -> Matcher:
    kinds = (
        (bought.MatchOp.Equal, MatchKind.EQUAL),
        (bought.MatchOp.NotEqual, MatchKind.NOT_EQUAL),
        (bought.MatchOp.Re, MatchKind.REGEX),
        (bought.MatchOp.NotRe, MatchKind.NOT_REGEX),
    )
    kind = next(ours for theirs, ours in kinds if matcher.op == theirs)
    return Matcher(name=matcher.name, kind=kind, value=matcher.value)


def _milliseconds(duration: timedelta | None) -> int:
    return 0 if duration is None else _bounded(duration / _MILLISECOND)


def _positive(duration: timedelta) -> int:
    milliseconds = _milliseconds(duration)
    if milliseconds <= 0:
        raise QueryError(Fault.BAD_DATA, "duration must be greater than 0", hint="The least is 1ms.")
    return milliseconds


def _bounded(milliseconds: float) -> int:
    if not abs(milliseconds) <= MAX_MS:
        raise QueryError(Fault.BAD_DATA, "moment or duration out of bounds")
    return round(milliseconds)
