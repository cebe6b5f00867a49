"""Fills the structs of the schema from located nodes and names every field that does not fit, not the first alone."""

from dataclasses import replace
from enum import Enum
from typing import Any, TypeVar, cast

from msgspec import NODEFAULT, Struct, inspect

from stationmaster.core.problem import Origin
from stationmaster.manifest.forms import FORMS
from stationmaster.manifest.nodes import Mapping, Node, Scalar, ScalarKind, Sequence, describe, quoted
from stationmaster.manifest.places import Places, step_into
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.words import BROKEN_TEXT

S = TypeVar("S", bound=Struct)


class _Broken(Enum):
    BROKEN = "broken"


BROKEN = _Broken.BROKEN
"""Stands for a value that did not fit; why is among the problems."""


def fill(root: Node, document: type[S], problems: Problems, path: str = "") -> tuple[S | None, Places]:
    """The filled document (None when the root is no mapping) and where its parts stand; `path` leads to the root.

    Where a required field is broken, `BROKEN_TEXT`, the least number or an empty list stands in for it, so that the
    rest of its struct is still looked at; `BROKEN`, which is none of its choices, for a choice.
    """
    filler = _Filler(problems)
    value = filler.struct(root, cast(inspect.StructType, inspect.type_info(document)), path)
    return (None if value is BROKEN else value), filler.places


class _Filler:
    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.places = Places(problems.file)

    def value(self, node: Node, kind: inspect.Type, path: str) -> Any:
        match kind:
            case inspect.Metadata():
                form = (kind.extra or {}).get("form")
                return self.formed(node, form, path) if form else self.value(node, kind.type, path)
            case inspect.StructType():
                return self.struct(node, kind, path)
            case inspect.ListType():
                return self.items(node, kind, path)
            case inspect.DictType():
                return self.pairs(node, kind, path)
            case inspect.LiteralType():
                return self.literal(node, kind, path)
            case inspect.UnionType():
                return self.optional(node, kind, path)
            case inspect.EnumType():
                return self.choice(node, kind.cls, path)
            case inspect.StrType():
                return self.text(node, kind, path)
            case inspect.BoolType():
                return self.boolean(node, path)
            case inspect.IntType():
                return self.number(node, kind, path)
            case _:
                raise TypeError(f"the schema uses {kind}, which nothing here reads")

    def refuse(self, node: Node, path: str, problem: tuple[str, str], hint: str = "") -> _Broken:
        origin = Origin(file=self.problems.file, line=node.line, column=node.column, path=path)
        self.problems.add(problem[0], problem[1], origin, hint)
        return BROKEN

    def mismatch(self, node: Node, path: str, expected: str, hint: str = "") -> _Broken:
        where = path or "the document"
        return self.refuse(node, path, ("wrong-type", f"{where}: expected {expected}, found {describe(node)}"), hint)

    def struct(self, node: Node, kind: inspect.StructType, path: str) -> Any:
        if not isinstance(node, Mapping):
            names = ", ".join(each.name for each in kind.fields if each.required)
            return self.mismatch(
                node, path, "a mapping", f"write its fields as `name: value` ({names or 'all optional'})"
            )
        self._refuse_unknown(node, [each.name for each in kind.fields], path)
        values = {each.name: self._field(node, each, path) for each in kind.fields}
        made = kind.cls(**{name: value for name, value in values.items() if value is not NODEFAULT})
        self.places.put(made, node, path)
        return made

    def _refuse_unknown(self, node: Mapping, known: list[str], path: str) -> None:
        for name in node.entries.keys() - set(known):
            hint = self.problems.closest(name, known) or f"known fields are {', '.join(known)}"
            if name == "<<":
                hint = "YAML 1.2 has no merge keys: write the fields out, or use an alias for the whole value"
            where = step_into(path, name[:60])
            self.refuse(node.keys[name], where, ("unknown-field", f"unknown field {quoted(name)}"), hint)

    def _field(self, node: Mapping, each: inspect.Field, path: str) -> Any:
        """Its value, or else: NODEFAULT ("take the default") of an optional field, a stand-in of a required one."""
        below = node.entries.get(each.name)
        if below is not None:
            value = self.value(below, each.type, step_into(path, each.name))
            if value is BROKEN:
                return stand_in(each.type) if each.required else NODEFAULT
            is_default = not isinstance(value, Struct) and value == each.default
            return NODEFAULT if is_default else value  # the very object, by which msgspec knows what to leave out
        if each.required:
            message = f"{path or 'the document'}: `{each.name}` is missing"
            self.refuse(node, path, ("missing-field", message), f"add `{each.name}:`")
            return stand_in(each.type)
        return NODEFAULT

    def items(self, node: Node, kind: inspect.ListType, path: str) -> Any:
        if not isinstance(node, Sequence):
            return self.mismatch(node, path, "a list", "write the items as [a, b] or one per line after `- `")
        if kind.min_length and len(node.items) < kind.min_length:
            return self.refuse(node, path, ("too-few-items", f"{path} is empty"), "name at least one")
        if self._too_many(node, len(node.items), kind.max_length, path):
            return BROKEN
        values = [self.value(each, kind.item_type, f"{path}[{at}]") for at, each in enumerate(node.items)]
        return [value for value in values if value is not BROKEN]

    def _too_many(self, node: Node, count: int, most: int | None, path: str) -> bool:
        if most is not None and count > most:
            message = f"{path} has {count:,} items; at most {most} fit"
            self.refuse(node, path, ("too-many-items", message), f"keep at most {most}")
            return True
        return False

    def pairs(self, node: Node, kind: inspect.DictType, path: str) -> Any:
        if not isinstance(node, Mapping):
            return self.mismatch(node, path, "a mapping", "write the pairs as `name: value`")
        if self._too_many(node, len(node.entries), kind.max_length, path):
            return BROKEN
        filled = {}
        for name, below in node.entries.items():
            where = step_into(path, name[:60])
            key = self.value(replace(node.keys[name], kind=ScalarKind.TEXT), kind.key_type, where)
            value = self.value(below, kind.value_type, where)
            if key is not BROKEN and value is not BROKEN:
                filled[key] = value
        return filled

    def literal(self, node: Node, kind: inspect.LiteralType, path: str) -> Any:
        found = next((each for each in kind.values if isinstance(node, Scalar) and node.text == str(each)), None)
        if found is None:
            choices = ", ".join(str(each) for each in kind.values)
            message = f"{path} cannot be {describe(node)}"
            return self.refuse(node, path, ("unknown-choice", message), f"choose one of {choices}")
        return found

    def optional(self, node: Node, kind: inspect.UnionType, path: str) -> Any:
        if isinstance(node, Scalar) and node.kind is ScalarKind.NOTHING:
            return None
        inner = next(each for each in kind.types if not isinstance(each, inspect.NoneType))
        return self.value(node, inner, path)

    def choice(self, node: Node, cls: type[Enum], path: str) -> Any:
        words = [str(each.value) for each in cls]
        if not isinstance(node, Scalar):
            return self.mismatch(node, path, f"one of {', '.join(words)}")
        if node.text not in words:
            hint = self.problems.closest(node.text, words) or f"choose one of {', '.join(words)}"
            return self.refuse(node, path, ("unknown-choice", f"{path} cannot be {quoted(node.text)}"), hint)
        return cls(node.text)

    def formed(self, node: Node, form: str, path: str) -> Any:
        known = FORMS[form]
        if not isinstance(node, Scalar) or (form == "name" and node.kind is not ScalarKind.TEXT):
            hint = "put it between quotes" if isinstance(node, Scalar) else known.hint
            return self.mismatch(node, path, f"{known.what} as text", hint)
        try:
            known.parse(node.text)
        except ValueError as error:
            return self.refuse(node, path, (known.code, f"{path}: {quoted(node.text)} {error}"), known.hint)
        return node.text

    def text(self, node: Node, kind: inspect.StrType, path: str) -> Any:
        if not isinstance(node, Scalar):
            return self.mismatch(node, path, "text")
        if node.kind is not ScalarKind.TEXT:
            return self.mismatch(node, path, "text", "put it between quotes")
        if "\0" in node.text:
            return self.refuse(node, path, ("bad-text", f"{path} holds a NUL character"), "remove it")
        if len(node.text) < (kind.min_length or 0):
            return self.refuse(node, path, ("bad-text", f"{path} is empty"), "write something, or leave the field out")
        if kind.max_length is not None and len(node.text) > kind.max_length:
            message = f"{path} has {len(node.text):,} characters; at most {kind.max_length:,} fit"
            return self.refuse(node, path, ("bad-text", message), "shorten it")
        return node.text

    def boolean(self, node: Node, path: str) -> Any:
        if isinstance(node, Scalar) and node.kind is ScalarKind.BOOLEAN:
            return node.text.lower() == "true"
        return self.mismatch(
            node, path, "true or false", "YAML 1.2 knows true and false alone; yes, no, on and off are text"
        )

    def number(self, node: Node, kind: inspect.IntType, path: str) -> Any:
        if not isinstance(node, Scalar) or node.kind is not ScalarKind.NUMBER:
            return self.mismatch(node, path, "a whole number", "write digits without quotes")
        least, most = kind.ge, kind.le
        value = int(node.text, _base(node.text)) if len(node.text) <= 20 else None
        if value is None or (least is not None and value < least) or (most is not None and value > most):
            message = f"{path} is {node.text[:40]}, which is not between {least} and {most}"
            return self.refuse(node, path, ("out-of-range", message), f"choose a number from {least} to {most}")
        return value


def _base(digits: str) -> int:
    return {"0x": 16, "0o": 8}.get(digits[:2], 10)


def stand_in(kind: inspect.Type) -> object:
    """What a required field of that type holds when it is broken; TypeError where the schema has a new sort."""
    match kind:
        case inspect.Metadata():
            return stand_in(kind.type)
        case inspect.StrType():
            return BROKEN_TEXT
        case inspect.IntType():
            return kind.ge
        case inspect.ListType():
            return []
        case inspect.EnumType():
            return BROKEN
        case _:
            raise TypeError(f"nothing stands in for a required {kind}")
