"""Evaluates a query's tree: the one place that says which part of the language is computed where."""

from collections.abc import Mapping

import numpy as np

from stationmaster.monitor.promql import aggregate, ranking
from stationmaster.monitor.promql.binary import operated
from stationmaster.monitor.promql.calls import NATIVE, SPECIAL, now
from stationmaster.monitor.promql.context import Context
from stationmaster.monitor.promql.dates import PARTS, part_of_date
from stationmaster.monitor.promql.elementwise import PLAIN, plain
from stationmaster.monitor.promql.frames import Computed, Frame, Line, Spoken, altered, compact, empty
from stationmaster.monitor.promql.nodes import (
    Aggregate,
    Binary,
    Call,
    Negation,
    Node,
    Number,
    Selector,
    Subquery,
    Window,
    Word,
)
from stationmaster.monitor.promql.over_time import ASKING, KEEP_NAMES, KERNELS, applied, asked
from stationmaster.monitor.promql.ranges import grid, selected_windows, subquery_windows
from stationmaster.monitor.promql.remarks import not_a_counter, rank_outside
from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import Floats
from stationmaster.monitor.promql.selecting import selected
from stationmaster.monitor.promql.sorting import SORTS, sorted_frame
from stationmaster.monitor.promql.windows import Windows


class Evaluator:
    """One evaluation; `constants` says which nodes give the same at every step."""

    def __init__(self, constants: Mapping[Node, bool]) -> None:
        self._constants = constants

    def value(self, context: Context, node: Node) -> Computed:
        """What a node gives at every step of the context."""
        budget = context.budget
        before = budget.held
        budget.check()
        if context.steps > 1 and self._constants[node] and not isinstance(node, Number | Word):
            found = _repeated(self._computed(context.at(context.times[:1]), node), context.steps)
        else:
            found = self._computed(context, node)
        budget.held = before
        budget.room(found.cells)
        budget.held = before + found.cells
        return found

    def vector(self, context: Context, node: Node) -> Frame:
        found = self.value(context, node)
        if isinstance(found, Frame):
            return found
        raise QueryError(Fault.BAD_DATA, "expected an instant vector")

    def scalar(self, context: Context, node: Node) -> Floats:
        found = self.value(context, node)
        if isinstance(found, Line):
            return found.values
        raise QueryError(Fault.BAD_DATA, "expected a scalar")

    def word(self, context: Context, node: Node) -> str:
        found = self.value(context, node)
        if isinstance(found, Spoken):
            return found.value
        raise QueryError(Fault.BAD_DATA, "expected a string")

    def windows(self, context: Context, node: Node) -> Windows:
        """A range vector, as the argument of a function or as the whole query."""
        match node:
            case Window():
                return selected_windows(context, node)
            case Subquery():
                times = grid(context, node)
                inner = self.vector(context.at(times), node.inner) if len(times) else empty(0)
                return subquery_windows(context, node, times, inner)
        raise QueryError(Fault.BAD_DATA, "expected a range vector")

    def _computed(self, context: Context, node: Node) -> Computed:
        match node:
            case Number():
                return Line(values=np.full(context.steps, node.value))
            case Word():
                return Spoken(value=node.value)
            case Selector():
                return selected(context, node)
            case Negation():
                return _negated(self.value(context, node.inner))
            case Binary():
                return self._chain(context, node)
            case Call():
                return self._call(context, node)
            case Aggregate():
                return self._aggregate(context, node)
            case Window() | Subquery():
                raise QueryError(Fault.BAD_DATA, "a range vector is no operand", hint="Put a function around it.")

    def _chain(self, context: Context, node: Binary) -> Computed:
        """Operators that bind equally, left to right, without a call for each of them."""
        links = [node]
        while isinstance(links[-1].left, Binary) and (context.steps == 1 or not self._constants[links[-1].left]):
            links.append(links[-1].left)
        found = self.value(context, links[-1].left)
        held = context.budget.held
        for link in reversed(links):
            right = self.value(context, link.right)
            found = operated(context, link, found, right)
            context.budget.held = held + found.cells
        return found

    def _aggregate(self, context: Context, node: Aggregate) -> Frame:
        if node.operator == "count_values" and node.parameter is not None:
            label = self.word(context, node.parameter)
            return aggregate.counted_values(context, node, self.vector(context, node.inner), label)
        parameter = None if node.parameter is None else self.scalar(context, node.parameter)
        frame = self.vector(context, node.inner)
        if node.operator in {"topk", "bottomk", "limitk", "limit_ratio"} and parameter is not None:
            return ranking.chosen(context, node, frame, parameter)
        if parameter is not None and node.parameter is not None:
            rank_outside(context, parameter, node.parameter.place)
        return aggregate.aggregated(context, node, frame, parameter)

    def _call(self, context: Context, node: Call) -> Computed:
        name, arguments = node.function, node.arguments
        if name in KERNELS or name in ASKING:
            return self._over_time(context, node)
        if name in PLAIN:
            return plain(name, self.vector(context, arguments[0]))
        if name in PARTS:
            return part_of_date(name, self.vector(context, arguments[0]) if arguments else now(context))
        if name in SORTS:
            words = [self.word(context, argument) for argument in arguments[1:]]
            return sorted_frame(context, node, self.vector(context, arguments[0]), words)
        if name in NATIVE:
            return empty(context.steps)
        special = SPECIAL.get(name)
        if special is None:
            raise QueryError(Fault.BAD_DATA, f"function {name}() is not supported")
        return special(self, context, node)

    def _over_time(self, context: Context, node: Call) -> Frame:
        matrix = next(argument for argument in node.arguments if isinstance(argument, Window | Subquery))
        others = [argument for argument in node.arguments if argument is not matrix]
        given = tuple(self.scalar(context, argument) for argument in others)
        if node.function == "quantile_over_time":
            rank_outside(context, given[0], others[0].place)
        kernel = KERNELS.get(node.function) or asked(node.function, given, context.times)
        frame = applied(self.windows(context, matrix), kernel)
        if node.function in {"rate", "increase"}:
            not_a_counter(context, node, frame)
        return compact(altered(frame, frame.values, nameless=node.function not in KEEP_NAMES))


def _repeated(found: Computed, steps: int) -> Computed:
    match found:
        case Line():
            return Line(values=np.broadcast_to(found.values, (steps,)))
        case Frame():
            shape = (steps, len(found.ids))
            values, present = np.broadcast_to(found.values, shape), np.broadcast_to(found.present, shape)
            return Frame(ids=found.ids, values=values, present=present, nameless=found.nameless)
        case Spoken():
            return found


def _negated(found: Computed) -> Computed:
    match found:
        case Line():
            return Line(values=-found.values)
        case Frame():
            return altered(found, -found.values)
        case Spoken():
            raise QueryError(Fault.BAD_DATA, "a string has no sign")
