"""Reads the YAML in front of a document; broken YAML is a diagnostic and the document is read on without it."""

import re
from dataclasses import dataclass, field

import yaml

from stationmaster.core.problem import Diagnostic, Origin, Severity
from stationmaster.runbooks.read.bounds import stays_small

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KEY = re.compile(r"^(?P<key>[A-Za-z_][\w -]*?)[ \t]*:", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMatter:
    """The top-level values as texts; lists keep their items. `lines` are those of the keys in the document."""

    values: dict[str, tuple[str, ...]]
    lines: dict[str, int] = field(default_factory=dict)
    spelled: dict[str, str] = field(init=False, default_factory=dict)
    """How the document spells a key: `runbook-name`, `runbook_name` and `Runbook Name` are the same."""

    def __post_init__(self) -> None:
        for key in reversed(self.values):
            self.spelled[_folded(key)] = key

    def one(self, *names: str) -> str:
        return next((", ".join(self.values[key]) for name in names if (key := self._key(name)) is not None), "")

    def many(self, name: str) -> tuple[str, ...]:
        """The items of a list, or of a text that separates them by commas."""
        values = self.values.get(self._key(name) or "", ())
        return tuple(part.strip() for value in values for part in value.split(",") if part.strip())

    def line(self, name: str) -> int:
        """The line of a key, 0 where it is not there."""
        return self.lines.get(self._key(name) or "", 0)

    def _key(self, name: str) -> str | None:
        return name if name in self.values else self.spelled.get(_folded(name)) if self.values else None


def read_front_matter(text: str, *, file: str) -> tuple[FrontMatter, tuple[Diagnostic, ...]]:
    """`text` is what stands between the two `---` lines."""
    if not text.strip():
        return FrontMatter(values={}), ()
    lines = {match["key"]: text.count("\n", 0, match.start()) + 2 for match in _KEY.finditer(text)}
    try:
        loaded = yaml.load(text, Loader=_LOADER)  # noqa: S506 - the safe loader, in C where there is one
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = (mark.line + 2) if mark is not None else 1
        return FrontMatter(values=_rescue(text), lines=lines), (
            Diagnostic(
                code="front-matter",
                message=f"the front matter is not YAML: {getattr(error, 'problem', None) or error}",
                origin=Origin(file=file, line=line),
                hint="quote values that hold a colon or a brace",
                severity=Severity.WARNING,
            ),
        )
    if not isinstance(loaded, dict) or not stays_small(loaded):
        return FrontMatter(values={}), ()
    return FrontMatter(values={str(key): _texts(value) for key, value in loaded.items()}, lines=lines), ()


def _folded(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(str(each) for each in value)
    return () if value is None else (str(value),)


def _rescue(text: str) -> dict[str, tuple[str, ...]]:
    """Plain `key: value` lines of front matter that is no YAML."""
    found = re.findall(r"^([A-Za-z][\w-]*):[ \t]*(.+?)[ \t]*$", text, re.MULTILINE)
    return {key: (value.strip("\"'"),) for key, value in found}
