"""What somebody may have meant by a name that the platform does not know."""

import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import unquote

from stationmaster.core.problem import PlatformError

_BASE = "/api/v1/"
_MEANT = "did you mean"
_NAMED_BY = ("name", "id", "instance", "address")
_LONGEST, _MOST = 200, 20_000

Ask = Callable[[str], Any]
"""What stands at a path, decoded; None where nothing does, or PlatformError where the platform says why."""


def meant(name: str, known: Iterable[str]) -> str:
    """A hint that names the most similar one; empty where none is similar, or too many would have to be compared."""
    names = {each.casefold(): each for each in known}
    if len(names) > _MOST or len(name) > _LONGEST:
        return ""
    near = difflib.get_close_matches(name.casefold(), names, n=1)
    return f"{_MEANT} {names[near[0]]!r}?" if near else ""


def with_suggestion(error: PlatformError, path: str, ask: Ask) -> PlatformError:
    """The refusal of a request to `path`, with a better hint where a name in the path is unknown and one that the
    platform lists is similar. Asks at most twice for each name, and for nothing where the platform has said it."""
    if not error.code.startswith("unknown-") or _MEANT in error.hint:
        return error
    for collection, name in _names_in(path):
        found = ask(f"{collection}/{name}")
        if isinstance(found, PlatformError) and _MEANT in found.hint:
            error.hint = found.hint
            return error
        hint = "" if _is_there(found) else meant(unquote(name), names_of(ask(collection)))
        if hint:
            error.hint = f"{hint} {error.hint}".strip()
            return error
    return error


def _names_in(path: str) -> Iterator[tuple[str, str]]:
    """Collections in a path, each with the name of one of its members."""
    parts = path.removeprefix(_BASE).split("?")[0].split("/") if path.startswith(_BASE) else []
    for at in range(1, len(parts), 2):
        yield f"{_BASE}{'/'.join(parts[:at])}", parts[at]


def _is_there(found: Any) -> bool:
    return found is not None and not isinstance(found, PlatformError)


def names_of(listed: Any) -> Iterator[str]:
    """Of the rows of a list, whatever its field is called."""
    if isinstance(listed, list):
        for row in listed:
            if isinstance(row, dict):
                yield from (row[each] for each in _NAMED_BY if isinstance(row.get(each), str))
    elif isinstance(listed, dict):
        for rows in listed.values():
            if isinstance(rows, list):
                yield from names_of(rows)
