"""One name of another part that a part holds, and where it stands."""

from dataclasses import dataclass

from msgspec import Struct

from stationmaster.core.problem import Origin
from stationmaster.manifest.parts import Part

Key = tuple[str, str]
"""A word for the kind (an EntityKind's value, "region" or "instance") and a name."""


@dataclass(frozen=True, slots=True)
class Reference:
    """`field` is its path inside of the part, for people; `steps` lead to it from `thing`."""

    key: Key
    field: str
    thing: Struct
    steps: tuple[str | int, ...]

    def origin(self, part: Part) -> Origin:
        return part.origin(self.thing, *self.steps)
