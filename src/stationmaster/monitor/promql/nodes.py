"""The tree of a checked query."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from stationmaster.monitor.promql.samples import Matcher


class Bound(Enum):
    """`@ start()` and `@ end()`: of the outermost query."""

    START = "start()"
    END = "end()"


Anchor: TypeAlias = int | Bound | None
"""What `@` says: a moment in milliseconds, an end of the query, or nothing."""


class Kind(Enum):
    SCALAR = "scalar"
    STRING = "string"
    VECTOR = "instant vector"
    MATRIX = "range vector"


class Grouping(Enum):
    ALL = ""
    BY = "by"
    WITHOUT = "without"


class Cardinality(Enum):
    ONE_TO_ONE = "one-to-one"
    MANY_TO_ONE = "group_left"
    ONE_TO_MANY = "group_right"
    MANY_TO_MANY = "many-to-many"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Number:
    value: float
    place: int = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Word:
    value: str
    place: int = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selector:
    """`matchers` hold the metric's name as one of `__name__`; `name` is what stands before the braces."""

    name: str
    matchers: tuple[Matcher, ...]
    offset_ms: int = 0
    anchor: Anchor = None
    place: int = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """A range selector: `selector[range]`."""

    selector: Selector
    range_ms: int

    @property
    def place(self) -> int:
        return self.selector.place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subquery:
    inner: "Node"
    range_ms: int
    step_ms: int | None
    offset_ms: int = 0
    anchor: Anchor = None

    @property
    def place(self) -> int:
        return self.inner.place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Negation:
    inner: "Node"
    place: int = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matching:
    """How the series of two sides meet; `on` False means `ignoring`; `include` are the labels of `group_x`."""

    cardinality: Cardinality = Cardinality.ONE_TO_ONE
    on: bool = False
    labels: tuple[str, ...] = ()
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Binary:
    operator: str
    left: "Node"
    right: "Node"
    matching: Matching = field(default_factory=Matching)
    gives_bool: bool = False

    @property
    def place(self) -> int:
        return leftmost(self).place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    function: str
    arguments: tuple["Node", ...]
    place: int = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Aggregate:
    operator: str
    inner: "Node"
    parameter: "Node | None" = None
    grouping: Grouping = Grouping.ALL
    labels: tuple[str, ...] = ()
    place: int = -1


Node: TypeAlias = Number | Word | Selector | Window | Subquery | Negation | Binary | Call | Aggregate


def leftmost(node: Node) -> Node:
    """The operand that a chain of operators starts with."""
    while isinstance(node, Binary):
        node = node.left
    return node


def children(node: Node) -> tuple[Node, ...]:
    """What a node is made of, in the order of the text."""
    match node:
        case Number() | Word() | Selector():
            return ()
        case Window():
            return (node.selector,)
        case Subquery() | Negation():
            return (node.inner,)
        case Binary():
            return (node.left, node.right)
        case Call():
            return node.arguments
        case Aggregate():
            return (node.inner,) if node.parameter is None else (node.parameter, node.inner)


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(children(current)))
