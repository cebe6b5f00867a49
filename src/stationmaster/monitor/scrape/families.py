"""Reads the comments of an exposition that tell of metrics: HELP, TYPE and UNIT."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from stationmaster.monitor.scrape.sample_line import BrokenLineError, unescaped

KINDS: Final = frozenset(
    {"counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset", "unknown", "untyped"}
)
_MOST_FAMILIES, _MOST_CHARACTERS = 20_000, 1_000
"""Of one target, and of one text: what is beyond is not remembered."""
_COMMENT = re.compile(r'#[ \t]+(HELP|TYPE|UNIT)[ \t]+("(?:[^"\\]|\\.)*"|[^ \t]+)(?:[ \t]+(.*))?', re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What is told of one metric; `kind` as in its TYPE line, `unknown` for untyped ones."""

    kind: str = "unknown"
    help: str = ""
    unit: str = ""


def read_comments(lines: Iterable[bytes]) -> Mapping[str, Family]:
    """Metrics by name. Raises BrokenLineError with the line; comments of another form are passed over."""
    told: dict[str, Family] = {}
    for line in lines:
        found = _COMMENT.fullmatch(line.decode(errors="replace"))
        if found is None:
            continue
        keyword, name, text = found[1], found[2], found[3] or ""
        if name[0] == '"':
            name = unescaped(name[1:-1])
        if name not in told and len(told) >= _MOST_FAMILIES:
            continue
        told[name] = _with(told.get(name, Family()), keyword, text, line)
    return told


def _with(family: Family, keyword: str, text: str, line: bytes) -> Family:
    match keyword:
        case "HELP":
            return replace(family, help=unescaped(text)[:_MOST_CHARACTERS])
        case "UNIT":
            return replace(family, unit=text.strip()[:_MOST_CHARACTERS])
        case _:
            kind = text.strip()
            if kind not in KINDS:
                raise BrokenLineError(f"invalid metric type {kind[:40]!r}", line)
            return replace(family, kind="unknown" if kind == "untyped" else kind)
