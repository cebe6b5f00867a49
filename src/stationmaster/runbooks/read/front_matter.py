"""Reads the YAML in front of a document; broken YAML is a diagnostic and the document is read on without it."""

import re
from dataclasses import dataclass

import yaml

from stationmaster.core.problem import Diagnostic, Origin, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMatter:
    """The top-level values as texts; lists keep their items."""

    values: dict[str, tuple[str, ...]]

    def one(self, *names: str) -> str:
        return next((", ".join(self.values[name]) for name in names if name in self.values), "")

    def many(self, name: str) -> tuple[str, ...]:
        """The items of a list, or of a text that separates them by commas."""
        return tuple(part.strip() for value in self.values.get(name, ()) for part in value.split(",") if part.strip())


def read_front_matter(text: str, *, file: str) -> tuple[FrontMatter, tuple[Diagnostic, ...]]:
    """`text` is what stands between the two `---` lines."""
    try:
        loaded = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = (mark.line + 2) if mark is not None else 1
        return FrontMatter(values=_rescue(text)), (
            Diagnostic(
                code="front-matter",
                message=f"the front matter is not YAML: {getattr(error, 'problem', None) or error}",
                origin=Origin(file=file, line=line),
                hint="quote values that hold a colon or a brace",
                severity=Severity.WARNING,
            ),
        )
    if not isinstance(loaded, dict):
        return FrontMatter(values={}), ()
    return FrontMatter(values={str(key): _texts(value) for key, value in loaded.items()}), ()


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(str(each) for each in value)
    return () if value is None else (str(value),)


def _rescue(text: str) -> dict[str, tuple[str, ...]]:
    """Plain `key: value` lines of front matter that is no YAML."""
    found = re.findall(r"^([A-Za-z][\w-]*):[ \t]*(.+?)[ \t]*$", text, re.MULTILINE)
    return {key: (value.strip("\"'"),) for key, value in found}
