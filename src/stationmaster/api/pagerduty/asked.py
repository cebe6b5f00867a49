"""Reads what a client of PagerDuty asks for: parameters of lists, pages of them, bodies in their wrappers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from litestar.datastructures import MultiDict

from stationmaster.api.pagerduty.refusals import bad
from stationmaster.api.request import ApiRequest
from stationmaster.incidents.finding import Window

T = TypeVar("T")
V = TypeVar("V")

DEFAULT_LIMIT = 25
LARGEST_LIMIT = 100
LAST_POSITION = 10_000
"""Where pages by number end there."""
_YEARS = range(1971, 2971)
"""So that what is reckoned from a moment can be a moment as well."""
_TRUE = {"true": True, "1": True, "false": False, "0": False, "": False}


@dataclass(frozen=True, slots=True)
class Asked:
    """The query of a request."""

    given: MultiDict[str]

    def text(self, name: str) -> str:
        return str(self.given.get(name, "")).strip()

    def many(self, name: str) -> tuple[str, ...] | None:
        """`name[]=a&name[]=b`; None where it is not given at all."""
        found = [*self.given.getall(f"{name}[]", []), *self.given.getall(name, [])]
        return tuple(dict.fromkeys(map(str, found))) if found else None

    def chosen(self, name: str, known: Mapping[str, V]) -> tuple[V, ...] | None:
        """Of the values that there are, by their words."""
        asked = self.many(name)
        if asked is None:
            return None
        for each in asked:
            if each not in known:
                raise bad(f"{name}[] cannot be {each[:80]!r}", f"known are {', '.join(known)}")
        return tuple(known[each] for each in asked)

    def included(self) -> frozenset[str]:
        return frozenset(self.many("include") or ())

    def flag(self, name: str) -> bool:
        text = self.text(name).lower()
        if text not in _TRUE:
            raise bad(f"{name} cannot be {text[:80]!r}", "write true or false")
        return _TRUE[text]

    def moment(self, name: str) -> datetime | None:
        return moment(name, self.text(name)) if self.text(name) else None

    def window(self) -> Window:
        """Limits above the largest one count as it. Raises PlatformError where the pages end."""
        limit = min(self._number("limit", DEFAULT_LIMIT, 1), LARGEST_LIMIT)
        offset = self._number("offset", 0, 0)
        if offset + limit > LAST_POSITION:
            raise bad(f"offset and limit together are more than {LAST_POSITION}", "narrow the search: since, until")
        return Window(limit=limit, offset=offset, counted=self.flag("total"))

    def _number(self, name: str, default: int, least: int) -> int:
        text = self.text(name)
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < least:
            raise bad(f"{name} cannot be {text[:80]!r}", f"write a whole number from {least} on")
        return int(text)


def asked(request: ApiRequest) -> Asked:
    return Asked(request.query_params)


def moment(name: str, text: str) -> datetime:
    """ISO 8601; what names no offset is in UTC."""
    try:
        # In a query, `+` of an offset that was not encoded is a blank.
        found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise bad(f"{name} is no moment: {text[:80]!r}", "write it as 2026-11-21T03:00:00Z") from None
    if found.year not in _YEARS:
        raise bad(f"{name} is too far away: {text[:80]!r}", f"write a year from {_YEARS[0]} to {_YEARS[-1]}")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a list answers beside its items."""

    window: Window
    more: bool
    total: int | None

    def body(self, name: str, items: Sequence[object]) -> dict[str, object]:
        window = self.window
        return {name: items, "limit": window.limit, "offset": window.offset, "more": self.more, "total": self.total}


def part_of(found: Sequence[T], window: Window) -> tuple[Sequence[T], Part]:
    """Of a list that is there as a whole."""
    shown = found[window.offset : window.offset + window.limit]
    more = len(found) > window.offset + window.limit
    return shown, Part(window=window, more=more, total=len(found) if window.counted else None)


async def body(request: ApiRequest, kind: type[T]) -> T:
    """Raises PlatformError for what is no JSON, or says something else than it may."""
    media = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media not in ("application/json", "application/vnd.pagerduty+json"):
        raise bad(f"the body is {media[:80]}", "send application/json")
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.ValidationError as error:
        raise bad(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad(f"the body is no JSON: {error}") from error
