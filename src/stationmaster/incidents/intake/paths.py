"""Takes values out of JSON by a path: `$.alert.labels["a b"][0]`, with `[*]` for every member of a list."""

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from stationmaster.core.problem import PlatformError

Step: TypeAlias = str | int | None
"""A field, a place in a list (negative: from its end), or every member."""

_STEP = re.compile(r"""\.([A-Za-z_][\w-]*)|\[(-?\d{1,9})\]|\[(\*)\]|\["([^"\\]*)"\]|\['([^'\\]*)'\]""")
_LONGEST = 512


@dataclass(frozen=True, slots=True)
class JsonPath:
    steps: tuple[Step, ...]

    def all(self, document: Any) -> list[Any]:
        """What stands there; what is absent is left out."""
        found = [document]
        for step in self.steps:
            found = [value for each in found for value in _below(each, step)]
        return found

    def first(self, document: Any) -> Any:
        return next(iter(self.all(document)), None)


def parse(text: str) -> JsonPath:
    """Raises PlatformError `bad-path`."""
    steps: list[Step] = []
    at = 1
    while text.startswith("$") and at < len(text) <= _LONGEST:
        found = _STEP.match(text, at)
        if found is None:
            break
        field, place, every, double, single = found.groups()
        named = next((each for each in (field, double, single) if each is not None), None)
        steps.append(None if every else int(place) if place is not None else named)
        at = found.end()
    if not text.startswith("$") or at < len(text):
        hint = 'write $.alert.name, $.alerts[0], $.alerts[*] or $["a b"]'
        raise PlatformError("bad-path", f"{text[:80]!r} is no path (at {at})", hint=hint)
    return JsonPath(tuple(steps))


def _below(value: Any, step: Step) -> list[Any]:
    if isinstance(step, str):
        return [value[step]] if isinstance(value, dict) and step in value else []
    if not isinstance(value, list):
        return []
    if step is None:
        return value
    return [value[step]] if -len(value) <= step < len(value) else []
