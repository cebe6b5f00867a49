"""Pages of a list, as Kong's Admin API gives them: a size and an opaque offset that outlives changes of the list."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from stationmaster.core.problem import PlatformError
from stationmaster.core.registry import RegisteredApi, RegisteredConsumer, RegisteredNode

USUAL, LARGEST = 100, 1000

Entry = RegisteredApi | RegisteredNode | RegisteredConsumer


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`offset` leads to the next page; it is empty on the last one."""

    entries: Sequence[Entry]
    offset: str = ""


def page_of(entries: Sequence[Entry], size: int, offset: str) -> Page:
    """Raises PlatformError `bad-offset`."""
    start = _start(entries, offset) if offset else 0
    end = start + size
    if end >= len(entries):
        return Page(entries=entries[start:])
    return Page(entries=entries[start:end], offset=_offset(end, entries[end - 1]))


def _start(entries: Sequence[Entry], offset: str) -> int:
    """Behind the entry that the page before ended with, wherever it stands now; at its place if it is gone."""
    place, name = _read(offset)
    if place <= len(entries) and name_of(entries[place - 1]) == name:
        return place
    found = next((at for at, each in enumerate(entries) if name_of(each) == name), None)
    return place - 1 if found is None else found + 1


def name_of(entry: Entry) -> str:
    return entry.username if isinstance(entry, RegisteredConsumer) else entry.name


def _offset(place: int, last: Entry) -> str:
    return base64.urlsafe_b64encode(f"{place} {name_of(last)}".encode()).decode().rstrip("=")


def _read(offset: str) -> tuple[int, str]:
    try:
        text = base64.urlsafe_b64decode(offset + "=" * (-len(offset) % 4)).decode()
        place, _, name = text.partition(" ")
        if not 0 < int(place) < 2**31:
            raise ValueError(place)
        return int(place), name
    except (ValueError, binascii.Error) as error:
        raise PlatformError(
            "bad-offset", "the offset is none of this list", hint="use the `next` of a page as it is", status=400
        ) from error
