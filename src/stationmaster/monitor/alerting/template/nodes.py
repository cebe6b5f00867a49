"""A parsed template: its nodes, each of which can say how it is written and where it stands."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Number:
    """As written: whether it is a whole number decides what it may be compared with."""

    text: str
    value: int | float
    at: int

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class String:
    text: str
    value: str
    at: int

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Constant:
    """true, false or nil."""

    value: bool | None
    at: int

    def __str__(self) -> str:
        return {True: "true", False: "false", None: "nil"}[self.value]


@dataclass(frozen=True, slots=True)
class Dot:
    at: int

    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True)
class Fields:
    """`.A.B` of the dot."""

    names: tuple[str, ...]
    at: int

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True)
class Variable:
    """`$x.A.B`."""

    name: str
    fields: tuple[str, ...]
    at: int

    def __str__(self) -> str:
        return ".".join((self.name, *self.fields))


@dataclass(frozen=True, slots=True)
class Chain:
    """`(pipeline).A.B`."""

    of: "Operand"
    fields: tuple[str, ...]
    at: int

    def __str__(self) -> str:
        inner = f"({self.of})" if isinstance(self.of, Pipeline) else str(self.of)
        return inner + "".join(f".{name}" for name in self.fields)


@dataclass(frozen=True, slots=True)
class Word:
    """The name of a function."""

    name: str
    at: int

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Command:
    operands: tuple["Operand", ...]
    at: int

    def __str__(self) -> str:
        return " ".join(f"({each})" if isinstance(each, Pipeline) else str(each) for each in self.operands)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """`$a, $b := command | command`; `assigns` where the variables are there already."""

    commands: tuple[Command, ...]
    at: int
    variables: tuple[str, ...] = ()
    assigns: bool = False

    def __str__(self) -> str:
        sign = "=" if self.assigns else ":="
        head = f"{', '.join(self.variables)} {sign} " if self.variables else ""
        return head + " | ".join(map(str, self.commands))


Operand: TypeAlias = Number | String | Constant | Dot | Fields | Variable | Chain | Word | Pipeline


@dataclass(frozen=True, slots=True)
class Action:
    pipeline: Pipeline
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """`word` is if, range or with."""

    word: str
    pipeline: Pipeline
    body: "tuple[Node, ...]"
    otherwise: "tuple[Node, ...]" = ()
    at: int


@dataclass(frozen=True, slots=True)
class Leave:
    """break or continue."""

    word: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """`{{ template "name" pipeline }}`."""

    name: str
    pipeline: Pipeline | None
    at: int


Node: TypeAlias = Text | Action | Branch | Leave | Call


@dataclass(slots=True)
class Tree:
    """The template itself is the one with the empty name; others are defined in it."""

    text: str
    bodies: dict[str, tuple[Node, ...]] = field(default_factory=dict)
