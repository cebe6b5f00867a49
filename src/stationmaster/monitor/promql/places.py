"""Finds where a refused query goes wrong, and says it as Prometheus does: the parser tells neither line nor column."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Final, TypeAlias

from stationmaster.monitor.promql.tokens import Token, words

Sound: TypeAlias = Callable[[str], bool]
"""Whether the grammar takes a text; types and names may be wrong."""

VAGUE: Final = "invalid promql query"
"""What the parser says where it knows no more."""

_CLOSES: Final = {"(": ")", "[": "]", "{": "}"}
_MOST_TOKENS: Final = 400
"""Of longer queries no place is looked for: each look parses a part of it."""

_FILLERS: Final = ("", " x", ' "x"', ' ="x"', " 5m", " 1", " (x)", " (x) (x)", " (x) x")
_TAILS: Final = ("", " (x)", " x")
"""With one of each, every beginning of a query can be ended."""

_UNCLOSED: Final = {"parenthesis": "(", "parentheses": "(", "brackets": "[", "braces": "{"}
_NAMED: Final = re.compile(r"""identifier '(.+?)'|function '(.+?)'|call to '(.+?)'|name '(.+?)'|syntax: (\S+)""")


def placed(query: str, message: str, sound: Sound) -> str:
    """What the parser says of the query, with line and column before it where they can be found."""
    tokens = words(query)
    if message.startswith(VAGUE) and len(tokens) <= _MOST_TOKENS:
        return _unexpected(query, tokens, sound) or f"parse error: {message}"
    at = _mentioned(query, tokens, message)
    return f"parse error: {message}" if at is None else f"{_place(query, at)}: parse error: {message}"


def _place(query: str, at: int) -> str:
    """Line and column, both counted from 1."""
    before = query[:at]
    return f"{before.count(chr(10)) + 1}:{at - before.rfind(chr(10))}"


def _mentioned(query: str, tokens: Sequence[Token], message: str) -> int | None:
    """Where that stands which the message names."""
    if "unexpected right" in message:
        return next(_unopened(tokens), None)
    if message.startswith(("unclosed", "unexpected end of input inside", "unexpected end of input in ")):
        opening = next((symbol for word, symbol in _UNCLOSED.items() if word in message), "")
        return next((token.start for token in reversed(_left_open(tokens)) if token.text == opening), len(query))
    if "unterminated" in message:
        return next((token.start for token in tokens if token.kind == "torn"), None)
    named = _NAMED.search(message)
    text = next(filter(None, named.groups()), "") if named else ""
    return next((token.start for token in tokens if text and token.text == text), None)


def _left_open(tokens: Sequence[Token]) -> list[Token]:
    """Brackets that nothing closes, outermost first."""
    standing: list[Token] = []
    for token in tokens:
        if token.kind == "symbol" and token.text in _CLOSES:
            standing.append(token)
        elif token.kind == "symbol" and standing and token.text == _CLOSES[standing[-1].text]:
            standing.pop()
    return standing


def _unopened(tokens: Sequence[Token]) -> Iterator[int]:
    depth = 0
    for token in tokens:
        if token.kind == "symbol" and token.text in "()":
            depth += 1 if token.text == "(" else -1
            if depth < 0:
                yield token.start


def _unexpected(query: str, tokens: Sequence[Token], sound: Sound) -> str:
    """The first word after which no query can go on; found by halves, since what cannot go on never can again."""
    if not _can_go_on(query, tokens, 0, sound):
        return ""
    good, bad = 0, len(tokens) + 1
    while bad - good > 1:
        middle = (good + bad) // 2
        if middle <= len(tokens) and _can_go_on(query, tokens, middle, sound):
            good = middle
        else:
            bad = middle
    if good == len(tokens):
        return f"{_place(query, len(query))}: parse error: unexpected end of input"
    culprit = tokens[good]
    return f"{_place(query, culprit.start)}: parse error: unexpected {culprit.text!r}"


def _can_go_on(query: str, tokens: Sequence[Token], count: int, sound: Sound) -> bool:
    begun = query[: tokens[count - 1].end] if count else ""
    closing = "".join(_CLOSES[each.text] for each in reversed(_left_open(tokens[:count])))
    return any(sound(f"{begun}{filler}{closing}{tail}") for filler, tail in product(_FILLERS, _TAILS))
