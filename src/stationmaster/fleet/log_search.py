"""Finds lines in the logs of processes: by a pattern, and by when they were written where they say so."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import re2

from stationmaster.core.problem import PlatformError

LONGEST_LINE = 4000
_LOOKED_AT = 400
"""Characters of a line in which its moment is looked for."""
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9}))?\s?(Z|[+-]\d{2}:?\d{2})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """`at` is None where neither the line nor one before it says when it was written."""

    instance: str
    at: datetime | None
    text: str


class LinePattern:
    """A regular expression of RE2, whose search takes time in proportion to the text alone. Raises PlatformError
    `bad-pattern`."""

    def __init__(self, pattern: str, *, ignore_case: bool = False) -> None:
        options = re2.Options()
        options.case_sensitive, options.log_errors = not ignore_case, False
        try:
            self._compiled = re2.compile(pattern, options=options)
        except re2.error as error:
            hint = "RE2 syntax, without look-around and backreferences; --fixed takes it as plain text"
            why = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
            raise PlatformError("bad-pattern", f"{pattern[:80]!r} is no pattern: {why}", hint=hint) from error

    def found_in(self, line: str) -> bool:
        return self._compiled.search(line) is not None


def found(instance: str, text: str, pattern: LinePattern, *, since: datetime | None) -> Iterator[LogLine]:
    """Lines of one log in their order. A line without a moment is as old as the one before it; `since` leaves out what
    is older, never what says nothing."""
    at: datetime | None = None
    for line in text.splitlines():
        at = moment_of(line) or at
        if (since is None or at is None or at >= since) and pattern.found_in(line):
            yield LogLine(instance=instance, at=at, text=line[:LONGEST_LINE])


def moment_of(line: str) -> datetime | None:
    """The first one in it; without an offset it is meant in the zone of this machine."""
    said = _MOMENT.search(line, 0, _LOOKED_AT)
    if said is None:
        return None
    day, time, fraction, offset = said.groups()
    micros = f".{(fraction or '0')[:6].ljust(6, '0')}"
    try:
        read = datetime.fromisoformat(f"{day}T{time}{micros}{'+00:00' if offset == 'Z' else offset or ''}")
    except ValueError:
        return None
    return read.astimezone(UTC)


def newest(lines: Sequence[LogLine], most: int) -> list[LogLine]:
    """The newest `most` of all logs together, the oldest first; those without a moment go before."""
    first = datetime.min.replace(tzinfo=UTC)
    return sorted(lines, key=lambda each: each.at or first)[-most:]
