"""Parameters of Prometheus' HTTP API: read from query strings and forms, refused in its words."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn
from urllib.parse import parse_qs

from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.query.queries import EARLIEST_MS, LATEST_MS

_MOST_FIELDS = 10_000
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_SPAN = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)
_UNITS_MS = (365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1_000, 1)
_LONGEST_MS = (2**63 - 1) // 1_000_000
_FAR_ENDS: Final = {
    "-292273086-05-16T16:47:06Z": EARLIEST_MS,
    "292277025-08-18T07:12:54.999999999Z": LATEST_MS,
}
"""How clients of Prometheus write its first and its last moment."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks with; a parameter that is given several times counts with its first value."""

    values: Mapping[str, Sequence[str]]

    def text(self, name: str) -> str:
        return self.values.get(name, ("",))[0]

    def every(self, name: str) -> Sequence[str]:
        return self.values.get(name, ())

    def moment(self, name: str) -> int:
        """Milliseconds since 1970."""
        text = self.text(name)
        found = moment_ms(text)
        return _refuse(name, f"cannot parse {quoted(text)} to a valid timestamp") if found is None else found

    def moment_or(self, name: str, default: int) -> int:
        """The default where the parameter is not given."""
        text = self.text(name)
        found = moment_ms(text) if text else default
        if found is None:
            _refuse(name, f"Invalid time value for '{name}': cannot parse {quoted(text)} to a valid timestamp")
        return found

    def duration(self, name: str) -> int:
        """Milliseconds."""
        text = self.text(name)
        found = duration_ms(text)
        if found is None:
            too_long = ". It overflows int64" if _NUMBER.fullmatch(text) else ""
            _refuse(name, f"cannot parse {quoted(text)} to a valid duration{too_long}")
        return found

    def limit(self) -> int:
        """0: no limit."""
        text = self.text("limit")
        if not text:
            return 0
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
            _refuse("limit", f"cannot parse {quoted(text)} to a valid limit")
        return int(text) if int(text) >= 0 else _refuse("limit", "limit must be non-negative")


def read(query: bytes, form: bytes = b"") -> Asked:
    """From a query string and the body of a form, which goes first."""
    values: dict[str, list[str]] = {}
    for part in (form, query):
        try:
            found = parse_qs(part.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
        except ValueError as error:
            raise QueryError(Fault.BAD_DATA, f"error parsing form values: {error}") from error
        for name, given in found.items():
            values.setdefault(name, []).extend(given)
    return Asked(values)


def moment_ms(text: str) -> int | None:
    """Of seconds since 1970 or RFC 3339; None for what is neither, or too far away."""
    if text in _FAR_ENDS:
        return _FAR_ENDS[text]
    found = _of_seconds(float(text)) if _NUMBER.fullmatch(text) else _of_rfc3339(text)
    return found if found is not None and EARLIEST_MS <= found <= LATEST_MS else None


def duration_ms(text: str) -> int | None:
    """Of seconds, or of a span as `1h30m`."""
    if _NUMBER.fullmatch(text):
        value = float(text) * 1000
        return math.trunc(value) if abs(value) <= _LONGEST_MS else None
    found = _SPAN.fullmatch(text)
    if found is None or not text:
        return None
    total = sum(int(count or 0) * unit for count, unit in zip(found.groups(), _UNITS_MS, strict=True))
    return total if total <= _LONGEST_MS else None


def invalid(name: str, why: str) -> QueryError:
    return QueryError(Fault.BAD_DATA, f'invalid parameter "{name}": {why}')


def quoted(text: str) -> str:
    """As a string of Go, for texts that a person may have typed."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _refuse(name: str, why: str) -> NoReturn:
    raise invalid(name, why)


def _of_seconds(value: float) -> int | None:
    """Rounds to milliseconds and cuts by way of nanoseconds, as Prometheus does."""
    if not math.isfinite(value):
        return None
    fraction, whole = math.modf(value)
    rounded = math.copysign(math.floor(abs(fraction) * 1000 + 0.5), fraction) / 1000
    return (int(whole) * 1_000_000_000 + int(rounded * 1e9)) // 1_000_000


def _of_rfc3339(text: str) -> int | None:
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(found[1] + found[3])
    except ValueError:
        return None
    whole = (moment - _EPOCH) // timedelta(milliseconds=1)
    return whole + int((found[2] or "").ljust(9, "0")) // 1_000_000
