"""Regular expressions of queries: RE2, whole values, the dot takes line ends."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeAlias

import re2

from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import Matcher, MatchKind

MAX_MEMORY: Final = 8 << 20
"""Bytes that one compiled expression may take."""

Condition: TypeAlias = Callable[[str], bool]


class Pattern:
    """A compiled expression that remembers what it said about a value."""

    __slots__ = ("_compiled", "_known")

    def __init__(self, text: str) -> None:
        options = re2.Options()
        options.dot_nl = True
        options.log_errors = False
        options.max_mem = MAX_MEMORY
        try:
            self._compiled: Any = re2.compile(text, options)
        except re2.error as error:
            reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
            raise QueryError(
                Fault.BAD_DATA, f'bad regular expression "{text}": {reason}', hint="RE2's syntax."
            ) from error
        self._known: dict[str, bool] = {}

    def matches(self, value: str) -> bool:
        known = self._known.get(value)
        if known is None:
            known = self._compiled.fullmatch(value) is not None
            if len(self._known) >= 100_000:
                self._known.clear()
            self._known[value] = known
        return known

    def groups(self, value: str) -> Any:
        """The match of the whole value, None where there is none."""
        return self._compiled.fullmatch(value)

    @property
    def count(self) -> int:
        """How many groups it has."""
        return int(self._compiled.groups)

    @property
    def names(self) -> dict[str, int]:
        return dict(self._compiled.groupindex)


@lru_cache(maxsize=256)
def pattern(text: str) -> Pattern:
    """The expression, compiled once."""
    return Pattern(text)


def condition(matcher: Matcher) -> Condition:
    """Whether a label's value (empty where the label is absent) satisfies the matcher."""
    match matcher.kind:
        case MatchKind.EQUAL:
            return lambda value: value == matcher.value
        case MatchKind.NOT_EQUAL:
            return lambda value: value != matcher.value
        case MatchKind.REGEX:
            return pattern(matcher.value).matches
        case MatchKind.NOT_REGEX:
            compiled = pattern(matcher.value)
            return lambda value: not compiled.matches(value)
