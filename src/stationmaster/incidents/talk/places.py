"""Fills the places of a message from what is known; what is not known stays to be seen and is named."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_PLACE = re.compile(
    r"\{\{-?\s*(?P<braces>[^{}\n]{1,80}?)\s*-?\}\}"
    r"|\$\{(?P<dollar>[A-Za-z_]\w{0,60})\}"
    r"|\[(?P<brackets>[A-Z][A-Z0-9 _/-]{1,60}|(?i:insert|enter|add|your|describe)\b[^\[\]\n]{1,60})\](?!\()"
    r"|<(?P<angles>[A-Za-z][A-Za-z0-9 _-]{1,60})>"
)
"""{{service}}, ${SERVICE}, [TIME], [insert impact], <impact>; not [a link](…), no address in angle brackets."""
_NEXT = re.compile(r"\b(?:next|more|further|another)\b[^.\n]{0,40}\b(?:at|by|around|before)\s*$", re.IGNORECASE)
_SINCE = re.compile(r"\b(?:since|started|starting|began|beginning|from|as of)\b(?:\s+at)?\s*$", re.IGNORECASE)
_TIMES = frozenset({"time", "date", "datetime", "timestamp", "when", "date time"})
_SAME = {
    "service name": "service",
    "service_name": "service",
    "affected service": "service",
    "component": "service",
    "env": "environment",
    "incident": "number",
    "incident id": "number",
    "incident number": "number",
    "id": "number",
    "start": "since",
    "start time": "since",
    "started at": "since",
    "opened at": "since",
    "next update": "next_update",
    "next update time": "next_update",
    "outage duration": "duration",
    "host": "instance",
    "endpoint": "url",
    "summary": "title",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """`open` are the places that nobody could fill, as they stand in the text."""

    text: str
    open: tuple[str, ...] = ()
    source: str = ""

    @property
    def complete(self) -> bool:
        return not self.open


def fill(text: str, values: Mapping[str, str], *, source: str = "") -> Filled:
    """`values` by plain name (service, environment, since, next_update ...); an empty one is not known. What a value
    says is never taken for a place itself."""
    left: list[str] = []

    def put(match: re.Match[str]) -> str:
        name = _name(next(each for each in match.groups() if each is not None))
        found = values.get(_which(name, text[: match.start()]), "")
        if not found:
            left.append(match[0])
        return found or match[0]

    filled = _PLACE.sub(put, text)
    return Filled(text=filled, open=tuple(dict.fromkeys(left)), source=source)


def _name(place: str) -> str:
    """The last part of a path: `incident.service` is the service."""
    words = place.rpartition(".")[2].strip().lower().replace("-", " ")
    return _SAME.get(words, _SAME.get(words.replace("_", " "), words.replace(" ", "_")))


def _which(name: str, before: str) -> str:
    """A time means what stands before it; one of which nobody knows what it means stays open."""
    if name not in _TIMES:
        return name
    if _NEXT.search(before):
        return "next_update"
    return "since" if _SINCE.search(before) else name


def moment_text(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """As people read it: the day only where it is not today."""
    there, today = at.astimezone(zone), now.astimezone(zone)
    return there.strftime("%H:%M %Z" if there.date() == today.date() else "%Y-%m-%d %H:%M %Z")


def duration_text(span: timedelta) -> str:
    """The two greatest units that count."""
    seconds = max(int(span.total_seconds()), 0)
    units = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
    parts: list[str] = []
    for word, size in units:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {word}{'' if count == 1 else 's'}")
    return " ".join(parts[:2]) or "less than a second"
