"""Finds the texts to send by moment (first, update, extended, restored), with how often they are to be repeated."""

import re
from collections.abc import Iterator

from stationmaster.runbooks.read.clocks import cadence_s
from stationmaster.runbooks.read.knowledge import Message, Moment
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.read.passages import TOLD, Chapter, Passage, Shape, plain

_SECTION = re.compile(
    r"\b(?:communications?|messages?|notifications?|status ?(?:page|updates?)|announcements?|e-?mails?"
    r"|comms)\b.{0,20}\btemplates?\b"
    r"|\btemplates?\b.{0,20}\b(?:communications?|messages?|notifications?|status|announcements?|e-?mails?)\b"
    r"|^(?:\d+\.\s*)?(?:customer |internal |external |incident )?(?:communications?|comms)(?: plan| updates?"
    r"| procedures?)?:?$",
    re.IGNORECASE,
)
_MOMENTS: tuple[tuple[Moment, re.Pattern[str]], ...] = (
    (
        Moment.FIRST,
        re.compile(
            r"\binitial|\bfirst|\binvestigating|\backnowledg|\bstart(?:ed)?\b|\bopening|\bdetected", re.IGNORECASE
        ),
    ),
    (
        Moment.RESTORED,
        re.compile(r"\brestor|\bresolv|\bresolution|\brecover|\ball clear|\bfixed|\bclos(?:ed|ing|ure)", re.IGNORECASE),
    ),
    (Moment.EXTENDED, re.compile(r"\bextend|\bprolong|\blong[- ]|\bdelay|\bongoing", re.IGNORECASE)),
    (Moment.UPDATE, re.compile(r"\bupdat|\bprogress|\bidentified|\bmonitoring|\bfollow", re.IGNORECASE)),
)
_POSTED = re.compile(
    r"\b(?:update|post(?: to| on| in)?|announce (?:on|in)|notify|set)\b[^\"“\n]{0,20}\b(?P<where>status ?page"
    r"|slack|#[\w-]+)[^\"“\n]{0,30}"
    r"(?:\"(?P<text>[^\"\n]{8,})\"|“(?P<curly>[^”\n]{8,})”)",
    re.IGNORECASE,
)
_PROSE = frozenset({"", "text", "txt", "plaintext", "markdown", "md", "plain"})


def messages_of(root: Chapter) -> tuple[Message, ...]:
    found: list[Message] = []
    for chapter in root.walk():
        if chapter.under(_SECTION):
            found += _templates(chapter)
        found += _posted(chapter)
    return tuple(found)


def _templates(chapter: Chapter) -> Iterator[Message]:
    """The blocks and quotations of a section of templates."""
    said = "\n".join(each.text for each in chapter.passages if each.shape in TOLD)
    for each in chapter.passages:
        if each.shape is Shape.QUOTE or (each.shape is Shape.FENCE and each.info.lower() in _PROSE):
            text = each.text.strip()
            title = (each.lead or chapter.title).rstrip(":")
            if text:
                yield Message(
                    moment=_moment(title, text),
                    title=title,
                    text=text,
                    lines=each.lines,
                    every_s=cadence_s(text) or cadence_s(said) or cadence_s(chapter.title),
                )


def _moment(title: str, text: str) -> Moment:
    named = next((moment for moment, pattern in _MOMENTS if pattern.search(title)), None)
    return named or next((moment for moment, pattern in _MOMENTS if pattern.search(text)), Moment.OTHER)


def _posted(chapter: Chapter) -> Iterator[Message]:
    """What prose puts into quotation marks: Update status page: "Investigating …"."""
    for each in chapter.passages:
        if each.shape in TOLD and ('"' in each.text or "“" in each.text):
            yield from _quoted(each)


def _quoted(passage: Passage) -> Iterator[Message]:
    text = plain(passage.text)
    for match in _POSTED.finditer(text):
        quoted = match["text"] or match["curly"]
        line = passage.line
        yield Message(
            moment=_moment("", quoted),
            title=match["where"].lower(),
            text=quoted,
            lines=Lines(first=line, last=line),
            every_s=cadence_s(text),
        )
