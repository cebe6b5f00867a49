"""Where the parts of a filled document stand in its YAML."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from msgspec import Struct, structs

from stationmaster.core.problem import Origin
from stationmaster.manifest.nodes import Mapping, Node, Scalar, ScalarKind, Sequence

S = TypeVar("S", bound=Struct)


@dataclass(frozen=True, slots=True)
class Places:
    """Finds the line of every struct and of its fields.

    Structs are known by identity, because equal ones stand in several places; the table keeps them alive. Of a struct
    that is not in it, `fallback` is the place.
    """

    file: str
    fallback: Origin | None = None
    _of: dict[int, tuple[Struct, Mapping, str]] = field(default_factory=dict)

    def put(self, struct: Struct, node: Mapping, path: str) -> None:
        self._of[id(struct)] = (struct, node, path)

    def move(self, old: Struct, new: Struct) -> None:
        """Puts a changed copy in the place of a struct."""
        known = self._of.get(id(old))
        if known is not None:
            self.put(new, known[1], known[2])

    def origin(self, struct: Struct, *steps: str | int) -> Origin:
        """The place of the struct, or of what `steps` (field names and list positions) lead to; the nearest
        enclosing place when that is not written down."""
        known = self._of.get(id(struct))
        if known is None:
            return self.fallback or Origin(file=self.file, line=1)
        node: Node = known[1]
        path = known[2]
        for step in steps:
            below = _below(node, step)
            if below is None:
                break
            node, path = below, step_into(path, step)
        return Origin(file=self.file, line=node.line, column=node.column, path=path)

    def written(self, struct: Struct, name: str) -> int:
        """How many items of a list field are written down, broken ones with them."""
        known = self._of.get(id(struct))
        below = _below(known[1], name) if known else None
        return len(below.items) if isinstance(below, Sequence) else 0

    def names_field(self, struct: Struct, *names: str) -> bool:
        """Whether one of the fields is written down with a value, be it a broken one."""
        known = self._of.get(id(struct))
        written = [known[1].entries.get(name) for name in names] if known else []
        return any(node is not None and not _is_nothing(node) for node in written)


def _is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind is ScalarKind.NOTHING


def step_into(path: str, step: str | int) -> str:
    if isinstance(step, int):
        return f"{path}[{step}]"
    return f"{path}.{step}" if path else step


def _below(node: Node, step: str | int) -> Node | None:
    match node, step:
        case Mapping(), str():
            return node.entries.get(step)
        case Sequence(), int() if step < len(node.items):
            return node.items[step]
        case _:
            return None


def moved(struct: S, places: Places, **changed: Any) -> S:
    """The struct with changed fields, in the same place."""
    made = structs.replace(struct, **changed)
    places.move(struct, made)
    return made
