"""The fields of one mapping of a rule file, each read as what it has to be; what is wrong is named with its line."""

import re
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from stationmaster.core.problem import Origin
from stationmaster.manifest.nodes import Mapping, Node, Scalar, ScalarKind, describe, quoted
from stationmaster.manifest.nodes import Sequence as List
from stationmaster.manifest.problems import Problems
from stationmaster.monitor.alerting.durations import duration_ms

LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_MERGE = "<<"
_WHOLE = re.compile(r"[0-9]{1,9}")


def merged(node: Mapping) -> Mapping:
    """With the entries of the mappings that `<<` names (YAML's merge key), where it has none of that name."""
    named = node.entries.get(_MERGE)
    others = named.items if isinstance(named, List) else [named]
    mappings = [each for each in others if isinstance(each, Mapping)]
    if named is None or len(mappings) < len(others):
        return node
    entries = {name: value for name, value in node.entries.items() if name != _MERGE}
    keys = {name: key for name, key in node.keys.items() if name != _MERGE}
    for mapping in map(merged, mappings):
        entries = {**mapping.entries, **entries}
        keys = {**mapping.keys, **keys}
    return Mapping(entries, keys, node.line, node.column)


@dataclass(slots=True)
class Fields:
    """`wrong` says whether something here was refused."""

    node: Mapping
    problems: Problems
    wrong: bool = field(default=False)

    @classmethod
    def of(cls, node: Node, problems: Problems, what: str, known: Sequence[str]) -> Self | None:
        """None for what is no mapping; unknown fields are named and make it wrong."""
        if not isinstance(node, Mapping):
            origin = Origin(file=problems.file, line=node.line, column=node.column)
            problems.add(
                "bad-shape",
                f"{what} is a mapping, found {describe(node)}",
                origin,
                f"its fields are {', '.join(known)}",
            )
            return None
        made = cls(merged(node), problems)
        for name, key in made.node.keys.items():
            if name not in known:
                hint = problems.closest(name, known) or f"its fields are {', '.join(known)}"
                origin = Origin(file=problems.file, line=key.line, column=key.column)
                problems.add("unknown-field", f"{what} has no field {quoted(name)}", origin, hint)
                made.wrong = True
        return made

    def has(self, name: str) -> bool:
        found = self.node.entries.get(name)
        return found is not None and not (isinstance(found, Scalar) and found.kind is ScalarKind.NOTHING)

    def origin(self, name: str = "") -> Origin:
        """Where the field's value stands; the mapping's place where there is none."""
        at = self.node.entries.get(name, self.node)
        return Origin(file=self.problems.file, line=at.line, column=at.column)

    def refuse(self, code: str, message: str, hint: str, name: str = "") -> None:
        self.wrong = True
        self.problems.add(code, message, self.origin(name), hint)

    def text(self, name: str) -> str:
        found = self.node.entries.get(name)
        if found is None:
            return ""
        if not isinstance(found, Scalar):
            self.refuse("bad-shape", f"{name} is text, found {describe(found)}", "put it between quotes", name)
            return ""
        return "" if found.kind is ScalarKind.NOTHING else found.text

    def duration(self, name: str) -> int:
        text = self.text(name)
        found = duration_ms(text) if text else 0
        if found is None:
            message = f"{name} is a duration, found {quoted(text)}"
            self.refuse("bad-duration", message, "write a whole number with a unit, as 30s, 5m or 1h30m", name)
            return 0
        return found

    def whole(self, name: str) -> int:
        text = self.text(name)
        if text and not _WHOLE.fullmatch(text):
            self.refuse(
                "bad-number", f"{name} is a whole number from 0 on, found {quoted(text)}", "0 means no bound", name
            )
            return 0
        return int(text or "0")

    def items(self, name: str) -> Sequence[Node]:
        if not self.has(name):
            return ()
        found = self.node.entries[name]
        if not isinstance(found, List):
            self.refuse("bad-shape", f"{name} is a list, found {describe(found)}", "begin every item with `- `", name)
            return ()
        return found.items

    def labels(self, name: str, noun: str) -> MappingOf[str, str]:
        """Names and texts; names that no label may have are refused."""
        if not self.has(name):
            return {}
        written = self.node.entries[name]
        if not isinstance(written, Mapping):
            self.refuse("bad-shape", f"{name} is a mapping, found {describe(written)}", "write `name: value`", name)
            return {}
        found = merged(written)
        return {key: self._value(found, name, key, noun) for key in found.entries if self._named(found, key, noun)}

    def _named(self, labels: Mapping, key: str, noun: str) -> bool:
        if LABEL_NAME.fullmatch(key) and not (noun == "label" and key == "__name__"):
            return True
        self.wrong = True
        at = labels.keys[key]
        origin = Origin(file=self.problems.file, line=at.line, column=at.column)
        hint = "names are letters, digits and _, and do not begin with a digit"
        self.problems.add(
            f"bad-{noun}-name", f"{quoted(key)} is no name of {'an' if noun[0] == 'a' else 'a'} {noun}", origin, hint
        )
        return False

    def _value(self, labels: Mapping, name: str, key: str, noun: str) -> str:
        found = labels.entries[key]
        if isinstance(found, Scalar):
            return "" if found.kind is ScalarKind.NOTHING else found.text
        self.wrong = True
        origin = Origin(file=self.problems.file, line=found.line, column=found.column)
        self.problems.add(
            "bad-shape", f"the {noun} {quoted(key)} is text, found {describe(found)}", origin, "put it between quotes"
        )
        return ""

    def value_origin(self, name: str, key: str) -> Origin:
        """Where the value of one label or annotation stands."""
        found = self.node.entries[name]
        at = merged(found).entries[key] if isinstance(found, Mapping) else found
        return Origin(file=self.problems.file, line=at.line, column=at.column)
