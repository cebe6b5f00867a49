"""Checked queries: parsed once, evaluated often."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import promql_parser as bought

from stationmaster.monitor.promql.book import Memory
from stationmaster.monitor.promql.conversion import Conversion
from stationmaster.monitor.promql.kinds import constants, kind_of
from stationmaster.monitor.promql.nodes import Call, Kind, Node, Selector, walk
from stationmaster.monitor.promql.patterns import condition
from stationmaster.monitor.promql.places import VAGUE, placed
from stationmaster.monitor.promql.printing import pretty
from stationmaster.monitor.promql.results import Fault, QueryError, QueryLimits
from stationmaster.monitor.promql.samples import LabelTable, Matcher, MatchKind
from stationmaster.monitor.promql.tokens import Reading, read_ahead

REFUSED: Final[Mapping[str, str]] = {
    "info": "join with `* on(instance, job) group_left(version) build_info` instead",
    "histogram_quantiles": "ask for `histogram_quantile` several times",
    "start": "write the moment",
    "end": "write the moment",
    "step": "write the step",
    "range": "write the range",
}
"""Functions that the parser knows and this engine does not have, with what to write instead."""


class Parsed:
    """A query that is known to be sound. It remembers label work from one evaluation to the next."""

    __slots__ = ("_busy", "_memory", "constants", "kind", "root", "text")

    def __init__(self, text: str, root: Node) -> None:
        self.text = text
        self.root = root
        self.kind: Kind = kind_of(root)
        self.constants = constants(root)
        self._busy = threading.Lock()
        self._memory: Memory | None = None

    @property
    def pretty(self) -> str:
        """The query as one line in one way of writing."""
        return pretty(self.root)

    @property
    def selectors(self) -> tuple[tuple[Matcher, ...], ...]:
        """The conditions on labels of every selector, the name among them."""
        return tuple(node.matchers for node in walk(self.root) if isinstance(node, Selector))

    @property
    def metric_names(self) -> frozenset[str]:
        """The names that selectors ask for by equality."""
        return frozenset(
            matcher.value
            for matchers in self.selectors
            for matcher in matchers
            if matcher.name == "__name__" and matcher.kind is MatchKind.EQUAL
        )

    @property
    def functions(self) -> frozenset[str]:
        return frozenset(node.function for node in walk(self.root) if isinstance(node, Call))

    @contextmanager
    def memory(self, table: LabelTable) -> Iterator[Memory]:
        """What is remembered about the table; nothing where another evaluation has it at the moment."""
        if not self._busy.acquire(blocking=False):
            yield Memory(table)
            return
        try:
            if self._memory is None or self._memory.book.table is not table or self._memory.book.worn:
                self._memory = Memory(table)
            yield self._memory
        finally:
            self._busy.release()


def parse(query: str, limits: QueryLimits | None = None) -> Parsed:
    """The query, checked; QueryError says what is wrong with it."""
    limits = QueryLimits() if limits is None else limits
    reading = read_ahead(query, limits)
    try:
        tree = bought.parse(reading.text)
    except ValueError as error:
        message = placed(query, str(error), _is_sound)
        raise QueryError(Fault.BAD_DATA, message, hint="The query language is PromQL.") from error
    try:
        root = _converted(tree, reading, limits)
    except RecursionError as error:
        raise too_deep() from error
    for node in walk(root):
        _check(node)
    return Parsed(query, root)


def _is_sound(text: str) -> bool:
    try:
        bought.parse(text)
    except ValueError as error:
        return not str(error).startswith(VAGUE)
    return True


def too_deep() -> QueryError:
    """What says that a query would need more stack than there is."""
    hint = "Split it into recording rules."
    return QueryError(Fault.BAD_DATA, "query is nested too deeply", hint=hint)


def _converted(tree: Any, reading: Reading, limits: QueryLimits) -> Node:
    """The tree, with positions where operands and positions are as many."""
    conversion = Conversion(reading, limits)
    root = conversion.node(tree)
    if conversion.places_fit():
        return root
    return Conversion(replace(reading, places=[]), limits).node(tree)


def _check(node: Node) -> None:
    """Refuses what the parser lets pass and nobody could answer."""
    if isinstance(node, Call) and node.function in REFUSED:
        message = f"function {node.function}() is not supported"
        raise QueryError(Fault.BAD_DATA, message, hint=REFUSED[node.function])
    if isinstance(node, Selector):
        for matcher in node.matchers:
            condition(matcher)
