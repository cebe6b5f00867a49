"""Finds which alerts a document says that it answers, which others it names, and the alert texts that it quotes."""

import re
from collections.abc import Iterator

from stationmaster.runbooks.read.document import MatchRules
from stationmaster.runbooks.read.front_matter import FrontMatter
from stationmaster.runbooks.read.passages import TOLD, Chapter, Passage, Shape, plain

_ALERT = r"[A-Z][A-Za-z0-9]*(?:_[A-Z][A-Za-z0-9]*)*"
_NAME = re.compile(
    r"^[ \t]*(?:[-*][ \t]+)?\*{0,2}Alert(?: ?Name)?\*{0,2}[ \t]*:\*{0,2}[ \t]*`?([A-Za-z][\w.-]+)`?[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_SERVICE = re.compile(r"^[ \t]*(?:[-*][ \t]+)?\*{0,2}Service\*{0,2}\s*:\*{0,2}\s*(.+?)\s*$", re.MULTILINE)
_TITLE = re.compile(
    r"^(?:alert:?\s+|runbook:?\s+|\[?(?:retired"
    r"|deprecated)\]?:?\s+)?`?(?P<name>[A-Za-z][A-Za-z0-9_]*)`?(?:\s+alert)?(?:\s*\[\w+\])?$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"^(?=\S*[a-z])(?:[A-Z][A-Za-z0-9]*|[a-z]+(?=[A-Z])[A-Za-z0-9]*)(?:_[A-Z][A-Za-z0-9]*)*$")
_HUMPS = re.compile(r"[a-z0-9][A-Z]|[A-Z]{2}[a-z]{2}")
_TRIGGERING = re.compile(
    rf"\((?:triggering|firing|raising)\s+(?:the\s+|alerts? (?:like|such as)\s+|alarms? (?:like"
    rf"|such as)\s+)?`?(?P<names>{_ALERT}`?"
    rf"(?:(?:,\s*|\s+or\s+|,?\s+and\s+)`?{_ALERT}`?)*)(?:\s+(?:alerts?|alarms?))?\s*\)"
)
_CODE = re.compile(r"`([^`\n]+)`")
_ALERT_TEXT = re.compile(r"\bis down\b|\balert\b|\bfailed\b|\burl is\b", re.IGNORECASE)
_SYMPTOMS = re.compile(r"^(?:\d+\.\s*)?(?:symptoms?|indicators?|trigger(?:s|ed by)?)\b", re.IGNORECASE)
_CALLED = re.compile(
    rf"`?\b(?P<name>{_ALERT})`? (?:alerts?|alarms?)\b|\b(?:alerts?|alarms?)\s?:? `?(?P<after>{_ALERT})\b"
)
_ALERTS = re.compile(
    r"^(?:\d+\.\s*)?(?:(?:related|other|associated|relevant|see also)\s+)?(?:alerts?|alarms?)$", re.IGNORECASE
)
_NAMED = re.compile(rf"^`?(?P<name>{_ALERT})`?(?P<rest>.*)$", re.DOTALL)
_OWN = re.compile(r"\bthis alert\b|\bthis (?:runbook|one)\b", re.IGNORECASE)
_FENCES = re.compile(r"^[ \t]*```.*?^[ \t]*```", re.MULTILINE | re.DOTALL)


def match_rules(front: FrontMatter, text: str, *, title: str, root: Chapter) -> MatchRules:
    named = [*front.many("alert"), *front.many("alerts"), *front.many("alertname")]
    if "lert" in text:
        named += _NAME.findall(text)
    named += [name for name, _, own in _listed(root) if own]
    if "ing " in text and "(" in text:
        named += [
            name
            for match in _TRIGGERING.finditer(text)
            for name in re.findall(_ALERT, match["names"])
            if _is_alert(name)
        ]
    named += _titled(title, root)
    named += _in_symptoms(root)
    said = _SERVICE.search(text) if "Service" in text else None
    return MatchRules(
        alerts=tuple(dict.fromkeys(named)),
        service=front.one("service") or (plain(said[1]) if said else ""),
        quoted=_quoted(text),
        tags=front.many("tags"),
    )


def other_alerts(root: Chapter, own: tuple[str, ...]) -> dict[str, int]:
    """The alerts of a list of alerts that this document does not answer, each with its line."""
    return {name: line for name, line, _ in _listed(root) if name not in own}


def _titled(title: str, root: Chapter) -> list[str]:
    """The title, where it is the name of an alert and no sentence."""
    heading = next((each.title for each in root.chapters if each.level == 1), "")
    matches = [_TITLE.match(plain(each)) for each in (heading, title)]
    return [match["name"] for match in matches if match and _is_alert(match["name"])]


def _in_symptoms(root: Chapter) -> Iterator[str]:
    """The alerts that the section on symptoms speaks of: "The TargetDown alert may have fired."."""
    for chapter in root.walk():
        if chapter.level and _SYMPTOMS.match(chapter.title):
            for each in chapter.passages:
                if "lert" in each.text and each.shape in TOLD:
                    names = (match["name"] or match["after"] for match in _CALLED.finditer(plain(each.text)))
                    yield from filter(_is_alert, names)


def _is_alert(name: str) -> bool:
    return bool(_CAMEL.match(name)) and bool(_HUMPS.search(name))


def _listed(root: Chapter) -> Iterator[tuple[str, int, bool]]:
    """The names of a list of alerts, each with its line and whether it is said to be this document's own."""
    for chapter in root.walk():
        if chapter.level and _ALERTS.match(chapter.title):
            for each in chapter.passages:
                if (found := _alert(each)) is not None:
                    yield found


def _alert(passage: Passage) -> tuple[str, int, bool] | None:
    match = _NAMED.match(plain(passage.text)) if passage.shape is Shape.ITEM or passage.cells else None
    if match is None or not _is_alert(match["name"]):
        return None
    return match["name"], passage.line, bool(_OWN.search(match["rest"]))


def _quoted(text: str) -> tuple[str, ...]:
    """Code spans of prose that read like an alert."""
    spans = [quote for quote in _CODE.findall(text) if quote.count(" ") >= 3 and _ALERT_TEXT.search(quote)]
    prose = _FENCES.sub("", text) if spans else ""
    return tuple(dict.fromkeys(quote for quote in spans if f"`{quote}`" in prose))
