"""Writes a query's tree down as a query again."""

from typing import Final

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
from stationmaster.monitor.promql.quoting import number_text, quoted

_LEVELS: Final = (
    ("or",),
    ("and", "unless"),
    ("==", "!=", "<", ">", "<=", ">="),
    ("+", "-"),
    ("*", "/", "%", "atan2"),
    ("^",),
)
_BINDING: Final = {operator: level for level, operators in enumerate(_LEVELS) for operator in operators}
_UNITS: Final = ((604_800_000, "w"), (86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms"))


def pretty(node: Node) -> str:
    """One line that parses to the same tree."""
    match node:
        case Number():
            return number_text(node.value)
        case Word():
            return quoted(node.value)
        case Selector():
            return _selector(node) + _shift(node.anchor, node.offset_ms)
        case Window():
            inner = node.selector
            return f"{_selector(inner)}[{duration(node.range_ms)}]{_shift(inner.anchor, inner.offset_ms)}"
        case Subquery():
            step = "" if node.step_ms is None else duration(node.step_ms)
            window = f"[{duration(node.range_ms)}:{step}]"
            return f"{_tight(node.inner)}{window}{_shift(node.anchor, node.offset_ms)}"
        case Negation():
            bare = not isinstance(node.inner, Binary) or node.inner.operator == "^"
            return f"-{pretty(node.inner)}" if bare else f"-({pretty(node.inner)})"
        case Binary():
            return _chain(node)
        case Call():
            return f"{node.function}({', '.join(map(pretty, node.arguments))})"
        case Aggregate():
            return _aggregate(node)


def duration(milliseconds: int) -> str:
    """In the largest units that fit: `1h30m`."""
    parts = []
    rest = abs(milliseconds)
    for size, unit in _UNITS:
        if rest >= size:
            parts.append(f"{rest // size}{unit}")
            rest %= size
    return ("-" if milliseconds < 0 else "") + ("".join(parts) or "0s")


def _selector(node: Selector) -> str:
    matchers = node.matchers[1:] if node.name else node.matchers
    written = ",".join(f"{_label(matcher.name)}{matcher.kind.value}{quoted(matcher.value)}" for matcher in matchers)
    return node.name + (f"{{{written}}}" if written or not node.name else "")


def _label(name: str) -> str:
    plain = name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit()
    return name if plain else quoted(name)


def _shift(anchor: Anchor, offset_ms: int) -> str:
    text = ""
    if isinstance(anchor, Bound):
        text += f" @ {anchor.value}"
    elif anchor is not None:
        text += f" @ {anchor / 1000:.3f}"
    return text + (f" offset {duration(offset_ms)}" if offset_ms else "")


def _tight(node: Node) -> str:
    return f"({pretty(node)})" if isinstance(node, Binary | Negation | Subquery) else pretty(node)


def _chain(node: Binary) -> str:
    """Operands left to right, in parentheses where the operators would bind otherwise."""
    parts: list[str] = []
    current: Node = node
    level = _BINDING[node.operator]
    while isinstance(current, Binary) and _BINDING[current.operator] == level and (current is node or level < 5):
        right = current.right
        loose = isinstance(right, Binary) and _BINDING[right.operator] <= level - (level == 5)
        written = f"({pretty(right)})" if loose else pretty(right)
        parts.append(f" {current.operator}{_matching(current)} {written}")
        current = current.left
    closed = isinstance(current, Binary) and _BINDING[current.operator] <= level
    closed = closed or (level == 5 and (isinstance(current, Negation) or _negative(current)))
    head = f"({pretty(current)})" if closed else pretty(current)
    return head + "".join(reversed(parts))


def _negative(node: Node) -> bool:
    return isinstance(node, Number) and str(node.value).startswith("-")


def _matching(node: Binary) -> str:
    text = " bool" if node.gives_bool else ""
    matching: Matching = node.matching
    grouped = matching.cardinality in {Cardinality.MANY_TO_ONE, Cardinality.ONE_TO_MANY}
    if matching.on or matching.labels or grouped:
        text += f" {'on' if matching.on else 'ignoring'} ({_names(matching.labels)})"
    if grouped:
        text += f" {matching.cardinality.value} ({_names(matching.include)})"
    return text


def _names(labels: tuple[str, ...]) -> str:
    return ", ".join(map(_label, labels))


def _aggregate(node: Aggregate) -> str:
    grouping = "" if node.grouping is Grouping.ALL else f" {node.grouping.value} ({_names(node.labels)}) "
    parameter = "" if node.parameter is None else f"{pretty(node.parameter)}, "
    return f"{node.operator}{grouping}({parameter}{pretty(node.inner)})"
