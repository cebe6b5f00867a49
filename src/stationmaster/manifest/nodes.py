"""Parsed YAML as a tree of values that know their line and column."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class ScalarKind(Enum):
    """What a scalar means under the core schema of YAML 1.2 (section 10.3), in words."""

    NOTHING = "nothing"
    BOOLEAN = "true or false"
    NUMBER = "a whole number"
    FRACTION = "a number with a fraction"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Scalar:
    text: str
    kind: ScalarKind
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Sequence:
    items: "list[Node]"
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys are unique; `keys` holds where each one stands."""

    entries: "dict[str, Node]"
    keys: dict[str, Scalar]
    line: int
    column: int


Node: TypeAlias = Scalar | Sequence | Mapping


def describe(node: Node) -> str:
    """What stands there, for the end of "expected …, found …"."""
    match node:
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
        case Scalar(kind=ScalarKind.NOTHING):
            return "nothing"
        case Scalar(kind=ScalarKind.TEXT):
            return f"the text {quoted(node.text)}"
        case Scalar(kind=ScalarKind.BOOLEAN):
            return quoted(node.text)
        case Scalar():
            return f"the number {quoted(node.text)}"


def quoted(text: str, limit: int = 60) -> str:
    """The text between quotes, on one line and at most `limit` characters long."""
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text[:limit])
    return f"'{shown}…'" if len(text) > limit else f"'{shown}'"


def node_of(value: object, line: int, column: int) -> Node:
    """Builtins (what JSON holds) as nodes that all stand in one place."""
    match value:
        case dict():
            keys = {str(key): Scalar(str(key), ScalarKind.TEXT, line, column) for key in value}
            return Mapping({str(key): node_of(each, line, column) for key, each in value.items()}, keys, line, column)
        case list() | tuple():
            return Sequence([node_of(each, line, column) for each in value], line, column)
        case None:
            return Scalar("", ScalarKind.NOTHING, line, column)
        case bool():
            return Scalar(str(value).lower(), ScalarKind.BOOLEAN, line, column)
        case int():
            return Scalar(str(value), ScalarKind.NUMBER, line, column)
        case float():
            return Scalar(str(value), ScalarKind.FRACTION, line, column)
        case _:
            return Scalar(str(value), ScalarKind.TEXT, line, column)
