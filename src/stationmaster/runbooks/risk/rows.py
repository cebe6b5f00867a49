"""What a row of the tables is: a program's verb or option, its class, the reason for it, and lines that show it."""

import re
from dataclasses import dataclass, field

from stationmaster.runbooks.risk.classes import Risk, cells

Verb = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`verbs` are the words after the program that select the row (`*` stands for any, `list-*` for a beginning);
    the empty verb means the program as such. With an `option` (a pattern that a whole word must match) the row
    counts only where such a word follows, and takes the place of milder rows; with `instead` it softens what the verb
    says, and the options that are `weak`: those that name no danger worth guessing at."""

    programs: frozenset[str]
    verbs: frozenset[Verb]
    risk: Risk
    reason: str
    examples: tuple[str, ...]
    option: re.Pattern[str] | None = None
    instead: bool = False
    weak: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """Where the verb of a program stands: `valued` options take the next word, `flags` stand alone, `groups` are
    words that only lead to a verb; `alone` is the class of the program without a verb; `folded` verbs may be
    written in capitals."""

    programs: frozenset[str]
    valued: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    alone: Risk = Risk.READ
    folded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One file of the tables."""

    rows: tuple[Row, ...]
    grammars: tuple[Grammar, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes the rows of one set of programs, so that a table reads as one."""

    programs: str

    def row(self, risk: Risk, verbs: str, reason: str, examples: str, **more: str | bool) -> Row:
        """`verbs` are separated by blanks, the words of a longer verb joined by `/`; `examples` by newlines."""
        option = str(more.get("option", ""))
        return Row(
            programs=cells(self.programs),
            verbs=frozenset(tuple(verb.split("/")) for verb in verbs.split()) or frozenset({()}),
            risk=risk,
            reason=reason,
            examples=tuple(line.strip() for line in examples.strip().split("\n") if line.strip()),
            option=re.compile(option, re.DOTALL) if option else None,
            instead=bool(more.get("instead", False)),
            weak=bool(more.get("weak", False)),
        )

    def read(self, verbs: str, reason: str, examples: str, **more: str | bool) -> Row:
        return self.row(Risk.READ, verbs, reason, examples, **more)

    def change(self, verbs: str, reason: str, examples: str, **more: str | bool) -> Row:
        return self.row(Risk.CHANGE, verbs, reason, examples, **more)

    def destroy(self, verbs: str, reason: str, examples: str, **more: str | bool) -> Row:
        return self.row(Risk.DESTROY, verbs, reason, examples, **more)

    def asks(self, verbs: str, reason: str, examples: str, **more: str | bool) -> Row:
        return self.row(Risk.INTERACTIVE, verbs, reason, examples, **more)

    def unknown(self, verbs: str, reason: str, examples: str, **more: str | bool) -> Row:
        return self.row(Risk.UNKNOWN, verbs, reason, examples, **more)


def grammar(programs: str, **more: str | bool | Risk) -> Grammar:
    """A grammar whose cells are written as blank-separated words."""
    return Grammar(
        programs=cells(programs),
        valued=cells(str(more.get("valued", ""))),
        flags=cells(str(more.get("flags", ""))),
        groups=cells(str(more.get("groups", ""))),
        alone=Risk(more.get("alone", Risk.READ)),
        folded=bool(more.get("folded", False)),
    )


def long(name: str) -> str:
    """A pattern for a long option, its abbreviations down to one letter, with or without `=value`."""
    body = name.removeprefix("--")
    shortest = re.escape(body[:1])
    rest = "".join(f"(?:{re.escape(letter)}" for letter in body[1:]) + ")?" * len(body[1:])
    return f"--{shortest}{rest}(?:=.*)?"
