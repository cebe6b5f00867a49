"""Finds who keeps a document, when it was looked over, what is at stake, from its front matter and its footers."""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta

from stationmaster.runbooks.read.front_matter import FrontMatter
from stationmaster.runbooks.read.knowledge import About
from stationmaster.runbooks.read.passages import TOLD, Chapter, Passage, Shape, labelled, plain

_KEYS: dict[str, tuple[str, ...]] = {
    "owner": ("owner", "owner_slack", "owners", "maintainer", "maintainers", "owned_by"),
    "team": ("team", "owning_team", "squad"),
    "component": ("component", "components", "subsystem"),
    "version": ("version", "runbook_version", "revision"),
    "updated": ("last_updated", "updated", "last_reviewed_on", "last_reviewed", "lastmod", "last_modified", "reviewed"),
    "next_review": ("next_review", "review_by", "next_review_date", "review_date", "review_due"),
    "link": ("link", "permalink", "url"),
    "name": ("runbook_name", "name"),
    "impact": ("impact", "business_impact", "user_impact"),
}
_FOOTERS: dict[str, re.Pattern[str]] = {
    "owner": re.compile(
        r"^(?:(?:document|runbook|service) )?(?:owners?|maintainers?|maintained by|owned by)$", re.IGNORECASE
    ),
    "team": re.compile(r"^(?:(?:owning|responsible) )?(?:team|squad)$", re.IGNORECASE),
    "component": re.compile(r"^(?:affected )?components?$", re.IGNORECASE),
    "version": re.compile(r"^(?:(?:runbook|document) )?(?:version|revision)$", re.IGNORECASE),
    "updated": re.compile(r"^(?:last )?(?:updated?|modified|reviewed|revised)(?: on| at)?$", re.IGNORECASE),
    "next_review": re.compile(
        r"^(?:next review|review (?:date|by|due)|next review date|due for review)$", re.IGNORECASE
    ),
    "impact": re.compile(r"^(?:business|user|customer)? ?impact$", re.IGNORECASE),
}
_IMPACT = re.compile(r"^(?:\d+\.\s*)?(?:(?:user|customer|business|service)s? )?impact\b", re.IGNORECASE)
_LABELS = re.compile(
    r"^[*_ ]{0,4}(?:[a-z]+ ){0,2}(?:owne|maintain|team|squad|component|version|revision|updated?|modified|review"
    r"|revised|impact)[^:\n]{0,24}:",
    re.IGNORECASE | re.MULTILINE,
)
_APART = re.compile(r"\s+[|·]\s+")
_SEVERITY = re.compile(r"^(?:alert )?severity(?: level)?$", re.IGNORECASE)
_DETAILS = re.compile(r"\b(?:alert|details?|overview|summary|information|metadata|severity)\b", re.IGNORECASE)
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_ISO = re.compile(r"\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b")
_WORDED = re.compile(
    r"\b(?:(?P<day>\d{1,2})(?:st|nd|rd|th)?\s+(?P<month>[A-Za-z]{3,9})\.?,?"
    r"|(?P<month2>[A-Za-z]{3,9})\.?\s+(?P<day2>\d{1,2})(?:st|nd|rd|th)?,)"
    r"\s+(?P<year>\d{4})\b"
)
_PERIOD = re.compile(r"(\d+)\s*(day|week|month|year)s?", re.IGNORECASE)
_RETIRED = re.compile(
    r"^\W*(?:this (?:runbook|document|page|alert|playbook|procedure|guide) (?:is|has been"
    r"|was) (?:now )?(?:retired|deprecated|obsolete|superseded)"
    r"|(?:retired|deprecated|obsolete)\b\s*(?:[:!.-]|$))",
    re.IGNORECASE,
)
_RETIRED_TITLE = re.compile(
    r"^\W*(?:retired|deprecated|obsolete)\b|[\[(](?:retired|deprecated|obsolete)[\])]", re.IGNORECASE
)
_STATES = frozenset({"retired", "deprecated", "obsolete", "archived"})


def about_of(front: FrontMatter, root: Chapter) -> About:
    said = {**dict(_footers(root)), **dict(_front(front))}
    if "impact" not in said and (impact := _impact(root)):
        said["impact"] = impact
    texts = {field: text for field, (text, _) in said.items()}
    updated, review = _date(texts.get("updated", "")), _date(texts.get("next_review", ""))
    return About(
        owner=texts.get("owner", ""),
        team=texts.get("team", ""),
        component=texts.get("component", ""),
        version=texts.get("version", ""),
        updated=updated,
        next_review=review or _after(updated, front.one("review_in")),
        link=texts.get("link", ""),
        name=texts.get("name", ""),
        impact=texts.get("impact", ""),
        lines=tuple(sorted((field, line) for field, (_, line) in said.items() if line)),
    )


def is_retired(front: FrontMatter, title: str, root: Chapter) -> bool:
    """Whether the document says that nobody should work by it any more."""
    if _RETIRED_TITLE.search(title) or front.one("retired", "deprecated").lower() == "true":
        return True
    if front.one("status", "state").lower() in _STATES:
        return True
    tops = [root, *root.chapters[:1]]
    first = next((each for top in tops for each in top.passages if each.shape in {Shape.PROSE, Shape.QUOTE}), None)
    return first is not None and bool(_RETIRED.match(plain(first.text)))


def _front(front: FrontMatter) -> Iterator[tuple[str, tuple[str, int]]]:
    for field, names in _KEYS.items() if front.values else ():
        found = next((name for name in names if front.one(name)), None)
        if found is not None:
            yield field, (front.one(found), front.line(found))


def _footers(root: Chapter) -> Iterator[tuple[str, tuple[str, int]]]:
    """The last of several wins: a footer is nearer to the truth than an example above it."""
    for chapter in root.walk():
        for passage in chapter.passages:
            if passage.shape in TOLD and ":" in passage.text and _LABELS.search(passage.text):
                yield from _labels(passage)


def _labels(passage: Passage) -> Iterator[tuple[str, tuple[str, int]]]:
    for label, rest, line in _fields(passage):
        field = next((name for name, pattern in _FOOTERS.items() if pattern.match(label)), None)
        if field is not None and rest and _fits(field, rest):
            yield field, (plain(rest), line)


def _fields(passage: Passage) -> Iterator[tuple[str, str, int]]:
    """The labels of a passage with what follows them and their lines; `Owner: @team | Next review: 2026-12-01` holds
    two."""
    for offset, line in enumerate(passage.text.split("\n")):
        if not line.startswith(("*", "_")) and passage.shape is Shape.ITEM and offset:
            continue
        pieces = _APART.split(line) if "|" in line or "·" in line else (line,)
        for piece in pieces if all(labelled(each)[0] for each in pieces) else (line,):
            label, rest = labelled(piece)
            if label:
                yield label, rest, passage.line + offset


def severity_of(root: Chapter) -> str:
    """What the document says of its own severity under its title or among the details of its alert."""
    for chapter in root.walk():
        if chapter.level <= 1 or _DETAILS.search(chapter.title):
            for passage in chapter.passages:
                if passage.shape in TOLD and "everity" in passage.text:
                    said = next((rest for label, rest, _ in _fields(passage) if _SEVERITY.match(label)), "")
                    if said and len(said.split()) <= 4:
                        return plain(said).strip("`. ")
    return ""


def _fits(field: str, text: str) -> bool:
    """Sentences are no owners, and a date is one."""
    if field in {"updated", "next_review"}:
        return _date(text) is not None
    return field == "impact" or (len(plain(text).split()) <= 8 and not plain(text).endswith("."))


def _impact(root: Chapter) -> tuple[str, int] | None:
    for chapter in root.walk():
        if chapter.level and _IMPACT.match(chapter.title):
            texts = [plain(each.text) for each in chapter.passages if each.shape in TOLD]
            return ("\n".join(texts), chapter.lines.first) if texts else None
    return None


def _date(text: str) -> date | None:
    """ISO dates and worded ones; "01/02/2025" can mean two days and is none."""
    try:
        if match := _ISO.search(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if match := _WORDED.search(text):
            name = (match["month"] or match["month2"]).lower()
            month = next((at for at, each in enumerate(_MONTHS, start=1) if each.startswith(name[:3])), 0)
            return date(int(match["year"]), month, int(match["day"] or match["day2"]))
    except ValueError:
        return None
    return None


def _after(day: date | None, period: str) -> date | None:
    """The day that lies a period ("6 months") after another."""
    match = _PERIOD.search(period)
    if day is None or match is None:
        return None
    count, unit = int(match[1]), match[2].lower()
    try:
        if unit in {"day", "week"}:
            return day + timedelta(days=count * (7 if unit == "week" else 1))
        months = day.month - 1 + count * (12 if unit == "year" else 1)
        year, month = day.year + months // 12, months % 12 + 1
        return date(year, month, min(day.day, monthrange(year, month)[1]))
    except (ValueError, OverflowError):
        return None
