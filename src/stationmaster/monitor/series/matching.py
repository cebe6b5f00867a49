"""Decides whether the value of a label satisfies a matcher."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import re2

from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import Matcher, MatchKind

Predicate: TypeAlias = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """A matcher that was read: `satisfied` says of a value (empty where the label is absent) whether it satisfies it,
    `only` is the one value that does, where that is so and the label has to be there."""

    name: str
    satisfied: Predicate
    only: str | None = None
    cost: int = 0


def conditions_of(matchers: Sequence[Matcher]) -> tuple[Condition, ...]:
    """What narrows most for the least work comes first. Raises QueryError."""
    return tuple(sorted(map(_condition, matchers), key=lambda each: each.cost))


def _condition(matcher: Matcher) -> Condition:
    if matcher.kind is MatchKind.EQUAL and matcher.value:
        return Condition(matcher.name, predicate(matcher), matcher.value)
    cost = 2 if matcher.kind in (MatchKind.REGEX, MatchKind.NOT_REGEX) else 1
    return Condition(matcher.name, predicate(matcher), cost=cost)


_MOST_PROGRAM_BYTES = 8 << 20


def predicate(matcher: Matcher) -> Predicate:
    """What says of a value (empty where the label is absent) whether it satisfies the matcher.

    Raises QueryError for what is no regular expression of RE2.
    """
    wanted = matcher.value
    match matcher.kind:
        case MatchKind.EQUAL:
            return lambda value: value == wanted
        case MatchKind.NOT_EQUAL:
            return lambda value: value != wanted
        case MatchKind.REGEX:
            return _whole(wanted)
        case MatchKind.NOT_REGEX:
            found = _whole(wanted)
            return lambda value: not found(value)


def _whole(pattern: str) -> Predicate:
    options = re2.Options()
    options.dot_nl = True
    options.never_capture = True
    options.log_errors = False
    options.max_mem = _MOST_PROGRAM_BYTES
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        why = str(error.args[0].decode() if isinstance(error.args[0], bytes) else error)
        raise QueryError(
            Fault.BAD_DATA, f"error parsing regexp: {why}", hint="regular expressions are those of RE2"
        ) from error
    return lambda value: compiled.fullmatch(value) is not None
