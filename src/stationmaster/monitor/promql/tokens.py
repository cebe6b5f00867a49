"""Reads the words of a query ahead of the parser: bounds its size, mends what the parser misreads, notes positions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from stationmaster.monitor.promql.quoting import quoted, unquoted
from stationmaster.monitor.promql.results import Fault, QueryError, QueryLimits

MAX_OPERATORS: Final = 1_000
"""Binary operators in one query; the parser's time grows with their square."""

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    |(?P<torn>["'`].*)
    |(?P<number>0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?[a-zA-Z0-9]*)
    |(?P<name>[A-Za-z_][A-Za-z0-9_:]*|:[A-Za-z_:][A-Za-z0-9_:]*)
    |(?P<symbol>=~|!~|==|!=|<=|>=|[-+*/%^<>=(){}\[\],:@])
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_UNDERSCORE: Final = re.compile(r"(?<=[0-9a-fA-FxX])_(?=[0-9a-fA-F])")
_WORD_OPERATORS: Final = frozenset({"and", "or", "unless", "atan2"})
_OPERATORS: Final = frozenset({"+", "-", "*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">="})
_CLAUSES: Final = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_RENAMED: Final = {"holt_winters": "double_exponential_smoothing"}
"""Functions under the names that they had before Prometheus 3."""

_OPEN: Final = frozenset("([{")
_CLOSED: Final = frozenset(")]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(slots=True, kw_only=True)
class Reading:
    """`text` for the parser; where operands and calls start in the text as it was written; what each `@` says."""

    text: str
    places: list[int] = field(default_factory=list)
    moments: list[float | None] = field(default_factory=list)


def read_ahead(query: str, limits: QueryLimits) -> Reading:
    """The query in a form that the parser reads rightly; QueryError where it is too long or too deep."""
    if len(query) > limits.length:
        raise _refused(
            f"query of {len(query)} characters; {limits.length} are allowed", "Split it into recording rules."
        )
    written = list(_tokens(query))
    tokens = [token for token in written if token.kind != "space"]
    _bound(tokens, limits)
    reading = Reading(text="".join(_mended(token, query[token.end :]) for token in written))
    _Operands(tokens, reading).read()
    return reading


def _refused(message: str, hint: str) -> QueryError:
    return QueryError(Fault.BAD_DATA, message, hint=hint)


def words(query: str) -> list[Token]:
    """The query's words without spaces and remarks."""
    return [token for token in _tokens(query) if token.kind != "space"]


def _tokens(query: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(query):
        yield Token(kind=str(match.lastgroup), text=match.group(), start=match.start())


def _mended(token: Token, following: str) -> str:
    match token.kind:
        case "string":
            return quoted(unquoted(token.text))
        case "number":
            return _UNDERSCORE.sub("", token.text)
        case "name" if following.lstrip().startswith("("):
            return _RENAMED.get(token.text, token.text)
        case _:
            return token.text


def _bound(tokens: list[Token], limits: QueryLimits) -> None:
    """Refuses what would take the parser's stack or time."""
    depth, signs, powers, operators = 0, 0, 0, 0
    deepest = 0
    for token in tokens:
        symbol = token.text if token.kind == "symbol" else ""
        depth += (symbol in _OPEN) - (symbol in _CLOSED) if symbol else 0
        signs = signs + 1 if symbol in {"+", "-"} else 0
        powers += symbol == "^"
        operators += symbol in _OPERATORS or token.text.lower() in _WORD_OPERATORS
        deepest = max(deepest, depth, signs)
    if max(deepest, powers) > limits.depth:
        raise _refused(f"query is nested more than {limits.depth} levels deep", "Split it into recording rules.")
    if operators > MAX_OPERATORS:
        raise _refused(f"query has {operators} operators; {MAX_OPERATORS} are allowed", "Use a regular expression.")


class _Operands:
    """Finds where operands and calls start, in the order of the text: the parser tells no positions."""

    def __init__(self, tokens: list[Token], reading: Reading) -> None:
        self._tokens = tokens
        self._reading = reading
        self._next = 0

    def read(self) -> None:
        while (token := self._take()) is not None:
            if token.kind == "string":
                self._reading.places.append(token.start)
            elif token.kind == "number":
                self._reading.places.append(self._signed(self._next - 1).start)
            elif token.kind == "name":
                self._name(token)
            else:
                self._symbol(token)

    def _peek(self) -> str:
        return self._tokens[self._next].text if self._next < len(self._tokens) else ""

    def _take(self) -> Token | None:
        if self._next == len(self._tokens):
            return None
        self._next += 1
        return self._tokens[self._next - 1]

    def _signed(self, place: int) -> Token:
        """The number, or the first of the signs that belong to it."""
        start = place
        while start and self._tokens[start - 1].text in {"+", "-"}:
            start -= 1
        before = self._tokens[start - 1] if start else None
        operand = before is not None and (before.kind in {"string", "number"} or before.text in _CLOSED)
        operand = operand or (
            before is not None and before.kind == "name" and before.text.lower() not in {*_WORD_OPERATORS, "bool"}
        )
        return self._tokens[min(start + operand, place)]

    def _name(self, token: Token) -> None:
        word, following = token.text.lower(), self._peek()
        if word in _CLAUSES and (following == "(" or word.startswith("group_")):
            self._skip("(", ")")
        elif word == "offset" and following and following not in "{)],":
            self._sign_and_number()
        elif word == "bool" or (word in _WORD_OPERATORS and following and following not in "{)],["):
            return
        elif word in {"inf", "nan"}:
            self._reading.places.append(token.start)
        else:
            self._reading.places.append(token.start)
            self._skip("{", "}")

    def _symbol(self, token: Token) -> None:
        match token.text:
            case "{":
                self._reading.places.append(token.start)
                self._next -= 1
                self._skip("{", "}")
            case "[":
                self._next -= 1
                self._skip("[", "]")
            case "@":
                self._reading.moments.append(self._moment())

    def _skip(self, opening: str, closing: str) -> None:
        if self._peek() != opening:
            return
        while (token := self._take()) is not None and token.text != closing:
            pass

    def _sign_and_number(self) -> tuple[int, str]:
        sign = 1
        while self._peek() in {"+", "-"}:
            sign *= -1 if self._peek() == "-" else 1
            self._next += 1
        token = self._take()
        return sign, token.text if token is not None else ""

    def _moment(self) -> float | None:
        """What follows `@` in seconds; None for `start()` and `end()`, or where the parser knows better."""
        sign, text = self._sign_and_number()
        self._skip("(", ")")
        try:
            return sign * float(_UNDERSCORE.sub("", text))
        except ValueError:
            return None
