"""Finds the places of a text that have to be filled in, whatever notation their author used."""

import re

from stationmaster.runbooks.read.document import Parameter

_NOTATIONS = re.compile(
    r"\{\{\s*(?P<liquid>.{1,300}?)\s*\}\}"
    r"|<%=?\s*(?P<erb>[^%>\n]{1,80}?)\s*-?%>"
    r"|<(?P<angle>[A-Za-z][\w .:-]{0,120}\w)>"
    r"|\$\{(?P<brace>[A-Za-z_]\w*)\}"
    r"|\$(?P<dollar>[A-Za-z_]\w*)"
    r"|(?P<address>X(?<=\bX)\.X\.X\.X)\b"
    r"|(?P<your>YOUR_(?<=\bYOUR_)[A-Z_]+)\b"
    r"|\[(?P<capitals>(?!(?:ERROR|ERR|INFO|WARN|WARNING|DEBUG|FATAL|TRACE|NOTE|TIP|TODO|IMPORTANT|OPTIONAL|CAUTION"
    r"|DEPRECATED|RETIRED|OBSOLETE|OK|FAIL|FAILED|PASS|PASSED|CRITICAL|UNKNOWN|RESOLVED|FIRING|TOC|LINK|WIP|EOF)\])"
    r"[A-Z](?<=\[[A-Z])[A-Z\d]+(?:[ _-][A-Z\d]+)*)\](?![(\[:])"
    r"|%(?P<percent>[A-Z](?<=%[A-Z])[A-Z\d_]{2,40})%"
)
_MARKS = re.compile(r"[<$\[%{]|X\.X|YOUR_")
_NAMES = {"x.x.x.x": "ip"}


def parameters_of(text: str) -> tuple[Parameter, ...]:
    """Every place once, in the order of its first appearance."""
    if not _MARKS.search(text):
        return ()
    found: dict[str, Parameter] = {}
    for match in _NOTATIONS.finditer(text):
        raw = next(value for value in match.groups() if value is not None)
        found.setdefault(match[0], Parameter(text=match[0], name=plain_name(raw)))
    return tuple(found.values())


def plain_name(raw: str) -> str:
    """`<pod-name>`, `$POD_NAME` and `Pod name` are all `pod_name`."""
    lowered = raw.strip().lower()
    return _NAMES.get(lowered, re.sub(r"[^a-z0-9.:\[\]]+", "_", lowered).strip("_"))
