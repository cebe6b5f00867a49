"""Cuts a template into text, and what stands between its braces into tokens."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from stationmaster.monitor.alerting.template.errors import TemplateError

LONGEST = 100_000


class Kind(Enum):
    TEXT = "text"
    OPEN = "{{"
    CLOSE = "}}"
    SPACE = "space"
    WORD = "identifier"
    FIELD = "field"
    VARIABLE = "variable"
    NUMBER = "number"
    CHARACTER = "character constant"
    STRING = "string"
    RAW = "raw string"
    DOT = "dot"
    DECLARE = ":="
    ASSIGN = "="
    PIPE = "|"
    COMMA = ","
    LEFT = "("
    RIGHT = ")"
    END = "EOF"


@dataclass(frozen=True, slots=True)
class Token:
    """`at` counts the characters before it."""

    kind: Kind
    text: str
    at: int


_SPACES = " \t\r\n"
_INSIDE = re.compile(
    r"""(?P<SPACE>[ \t\r\n]+)
    |(?P<DECLARE>:=)|(?P<ASSIGN>=)|(?P<PIPE>\|)|(?P<COMMA>,)|(?P<LEFT>\()|(?P<RIGHT>\))
    |(?P<STRING>"(?:[^"\\\n]|\\[^\n])*")
    |(?P<RAW>`[^`]*`)
    |(?P<CHARACTER>'(?:[^'\\\n]|\\[^\n])+')
    |(?P<NUMBER>[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?))
    |(?P<FIELD>\.[^\W\d]\w*)
    |(?P<DOT>\.)
    |(?P<VARIABLE>\$(?:[^\W\d]\w*)?)
    |(?P<WORD>[^\W\d]\w*)""",
    re.VERBOSE,
)
_NEEDS_AN_END = frozenset({"FIELD", "VARIABLE", "WORD", "NUMBER"})
_ENDS = frozenset(" \t\r\n.,|:)(=")
_COMMENT = re.compile(r"\{\{(?:-[ \t\r\n]+)?/\*")


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a whole template; white space that trim markers take away is gone already."""
    if len(text) > LONGEST:
        raise TemplateError(f"a template of {len(text)} characters is too long, {LONGEST} are taken")
    at, trimmed = 0, False
    while at < len(text):
        opened = text.find("{{", at)
        piece = text[at:] if opened < 0 else text[at:opened]
        start = at + len(piece) - len(piece.lstrip(_SPACES)) if trimmed else at
        end = len(text) if opened < 0 else opened
        if opened >= 0 and _trims_left(text, opened):
            end = start + len(text[start:end].rstrip(_SPACES)) if start < end else start
        if start < end:
            yield Token(Kind.TEXT, text[start:end], start)
        if opened < 0:
            break
        if _COMMENT.match(text, opened):
            at, trimmed = _after_comment(text, opened)
            continue
        closing: Token | None = None
        for closing in _inside(text, opened):
            yield closing
        at, trimmed = _after(text, closing)
    yield Token(Kind.END, "", len(text))


def line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _after(text: str, closing: Token | None) -> tuple[int, bool]:
    if closing is None:
        return len(text), False
    return closing.at + len(closing.text), closing.text.lstrip(_SPACES).startswith("-")


def _trims_left(text: str, opened: int) -> bool:
    return text[opened + 2 : opened + 3] == "-" and text[opened + 3 : opened + 4] in tuple(_SPACES)


def _after_comment(text: str, opened: int) -> tuple[int, bool]:
    closed = text.find("*/", opened)
    if closed < 0:
        raise TemplateError(f"{line_of(text, opened)}: unclosed comment")
    trimming = re.compile(r"[ \t\r\n]+-\}\}").match(text, closed + 2)
    if trimming:
        return trimming.end(), True
    if not text.startswith("}}", closed + 2):
        raise TemplateError(f"{line_of(text, opened)}: comment ends before closing delimiter")
    return closed + 4, False


_CLOSING = re.compile(r"[ \t\r\n]+-\}\}|\}\}")


def _inside(text: str, opened: int) -> Iterator[Token]:
    """From the opening braces to the closing ones, both included."""
    at = opened + (3 if _trims_left(text, opened) else 2)
    yield Token(Kind.OPEN, text[opened:at], opened)
    depth = 0
    while True:
        closing = _CLOSING.match(text, at)
        if closing:
            if depth:
                raise TemplateError(f"{line_of(text, at)}: unclosed left paren")
            yield Token(Kind.CLOSE, closing[0], at)
            return
        token = _token(text, at, opened)
        depth += (token.kind is Kind.LEFT) - (token.kind is Kind.RIGHT)
        if depth < 0:
            raise TemplateError(f"{line_of(text, at)}: unexpected right paren")
        yield token
        at += len(token.text)


def _token(text: str, at: int, opened: int) -> Token:
    found = _INSIDE.match(text, at)
    if found is None or found.lastgroup is None:
        raise TemplateError(f"{line_of(text, at)}: {_unlexable(text, at, opened)}")
    name = found.lastgroup
    following = text[found.end() : found.end() + 1]
    if name in _NEEDS_AN_END and following and following not in _ENDS and not text.startswith("}}", found.end()):
        if name == "NUMBER":
            raise TemplateError(f"{line_of(text, at)}: bad number syntax: {_quote(found[0] + following)}")
        raise TemplateError(f"{line_of(text, at)}: bad character {_character(following)}")
    return Token(Kind[name], found[0], at)


def _unlexable(text: str, at: int, opened: int) -> str:
    character = text[at : at + 1]
    match character:
        case "":
            return f"unclosed action started at line {line_of(text, opened)}"
        case '"':
            return "unterminated quoted string"
        case "`":
            return "unterminated raw quoted string"
        case "'":
            return "unterminated character constant"
        case ":":
            return "expected :="
        case "+" | "-":
            return f"bad number syntax: {_quote(text[at : at + 2])}"
        case _:
            return (
                f"unexpected {_quote(character)} in command"
                if character in "{}"
                else f"unrecognized character in action: {_character(character)}"
            )


def _character(character: str) -> str:
    return f"U+{ord(character):04X} {character!r}"


def _quote(text: str) -> str:
    return f'"{text}"'
