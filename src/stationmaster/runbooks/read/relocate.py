"""Gives everything in a reading its line of the source, where rendering moved the lines."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

from stationmaster.runbooks.read.document import Reading, Step
from stationmaster.runbooks.read.lines import Lines

_Found = TypeVar("_Found")


def relocated(reading: Reading, origins: Sequence[int], source: Sequence[str]) -> Reading:
    """`origins` gives for each rendered line its line in `source`."""
    return _moved(reading, origins, source)


def _moved(found: _Found, origins: Sequence[int], source: Sequence[str]) -> _Found:
    if isinstance(found, Lines):
        first, last = _line(found.first, origins), _line(found.last, origins)
        return replace(found, first=min(first, last), last=max(first, last))
    if isinstance(found, tuple):
        return type(found)(_moved(each, origins, source) for each in found)
    if not is_dataclass(found) or isinstance(found, type):
        return found
    changed: dict[str, object] = {}
    for each in fields(found):
        value = getattr(found, each.name)
        if each.name == "line" and isinstance(value, int):
            changed[each.name] = _line(value, origins)
        elif isinstance(value, tuple) or is_dataclass(value):
            changed[each.name] = _moved(value, origins, source)
    made = replace(found, **changed)
    if isinstance(made, Step):
        return replace(made, original="\n".join(source[made.lines.first - 1 : made.lines.last]).rstrip())
    return made


def _line(line: int, origins: Sequence[int]) -> int:
    return origins[min(line, len(origins)) - 1] if line > 0 and origins else line
