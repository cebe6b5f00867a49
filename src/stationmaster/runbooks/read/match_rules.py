"""Finds which alerts a document says that it answers: names in its details, texts that it quotes."""

import re

from stationmaster.runbooks.read.document import MatchRules
from stationmaster.runbooks.read.front_matter import FrontMatter

_NAME = re.compile(r"\*{0,2}Alert(?: Name)?\*{0,2}\s*:\*{0,2}\s*`?([A-Za-z][\w.-]+)`?\s*$", re.MULTILINE)
_SERVICE = re.compile(r"^\s*[-*]?\s*\*{0,2}Service\*{0,2}\s*:\*{0,2}\s*(.+?)\s*$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_ALERT_TEXT = re.compile(r"\bis down\b|\balert\b|\bfailed\b|\burl is\b", re.IGNORECASE)


def match_rules(front: FrontMatter, text: str) -> MatchRules:
    named = [*front.many("alert"), *front.many("alerts"), *_NAME.findall(text)]
    said = _SERVICE.search(text)
    return MatchRules(
        alerts=tuple(dict.fromkeys(named)),
        service=front.one("service") or (said[1] if said else ""),
        quoted=_quoted(text),
        tags=front.many("tags"),
    )


def _quoted(text: str) -> tuple[str, ...]:
    """Code spans of prose that read like an alert."""
    prose = re.sub(r"^[ \t]*```.*?^[ \t]*```", "", text, flags=re.MULTILINE | re.DOTALL)
    spans = [quote for quote in _CODE.findall(prose) if len(quote.split()) >= 4 and _ALERT_TEXT.search(quote)]
    return tuple(dict.fromkeys(spans))
