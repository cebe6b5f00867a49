"""Takes Liquid tags out of a document without moving a line; includes of contacts become named references."""

import re
from dataclasses import dataclass

from stationmaster.core.problem import Diagnostic, Origin, Severity

_CAPTURE = re.compile(r"\{%-?\s*capture\s+([\w-]+)\s*-?%\}(.*?)\{%-?\s*endcapture\s*-?%\}", re.DOTALL)
_INCLUDE = re.compile(r"\{%-?\s*include\s+((?:\{\{.*?\}\}|[^%}])+?)\s*-?%\}")
_RAW = re.compile(r"\{%-?\s*(?:end)?raw\s*-?%\}")
_TAG = re.compile(r"\{%.*?%\}", re.DOTALL)
_FIELDS = ("slack", "name", "userid", "notesid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """The text without tags, on the same lines; `captures` are the named texts, `contacts` the people referred to."""

    text: str
    captures: dict[str, str]
    contacts: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]


def without_liquid(text: str, *, file: str) -> Plain:
    captures: dict[str, str] = {}
    contacts: list[str] = []
    diagnostics: list[Diagnostic] = []

    def capture(match: re.Match[str]) -> str:
        captures[match[1]] = match[2].strip()
        return "\n" * match[0].count("\n")

    def include(match: re.Match[str]) -> str:
        words = match[1].split()
        if words[0].endswith("contact.html"):
            name = contact_name(words[1:])
            contacts.append(name)
            return f"contact:{name}"
        line = text.count("\n", 0, text.find(match[0])) + 1
        diagnostics.append(_unrendered(match[0], file=file, line=line))
        return f"include:{words[0]}"

    plain = _CAPTURE.sub(capture, text)
    plain = _INCLUDE.sub(include, plain)
    plain = _RAW.sub("", plain)
    plain = _TAG.sub(lambda match: "\n" * match[0].count("\n"), plain)
    unique = tuple(dict.fromkeys(contacts))
    return Plain(text=plain, captures=captures, contacts=unique, diagnostics=tuple(diagnostics))


def contact_name(arguments: list[str]) -> str:
    """`slack=team-1-slack name=team-1-name …` is the contact `team-1`."""
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key in _FIELDS and value:
            return value.strip("\"'").removesuffix(f"-{key}")
    return "unnamed"


def _unrendered(tag: str, *, file: str, line: int) -> Diagnostic:
    return Diagnostic(
        code="include-missing",
        message=f"`{tag}` includes a file that is not here",
        origin=Origin(file=file, line=line),
        hint="its text is not part of what was read",
        severity=Severity.WARNING,
    )
