"""Finds the parts of a procedure that have a clock: "Immediate Response (0-5 minutes)"."""

import re
from collections.abc import Sequence

from stationmaster.runbooks.read.clocks import window_s
from stationmaster.runbooks.read.document import Step, StepKind
from stationmaster.runbooks.read.knowledge import Phase
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.read.passages import TOLD, Chapter, Passage, plain

_CLOCKED = re.compile(r"\d|\b(?:first|next|within) (?:one|two|three|five|ten|an?) ", re.IGNORECASE)
_OTHER = re.compile(
    r"\bescalat|\b(?:level|tier|severity|sev|p)[ -]?\d\b|post[- ]?(?:incident|mortem)|after the incident"
    r"|follow[- ]?up"
    r"|retrospective|remov|delet|expir|retention|quer|slo\b|sla\b|rpo|rto|template|\bexample",
    re.IGNORECASE,
)
_PROCEDURE = re.compile(
    r"respon|investigat|mitigat|triage|assess|diagnos|recover|restor|remediat|immediate|contain|verif"
    r"|monitor|communicat|phase|minutes?|what to do|action|stabili",
    re.IGNORECASE,
)
_BOLD = re.compile(r"^[*_]{2}([^*\n]+?):?[*_]{2}.*$", re.DOTALL)
_BLANK_LINES = 2
"""A step may reach beyond its section by the blank lines that follow."""


def phases_of(root: Chapter, steps: Sequence[Step]) -> tuple[Phase, ...]:
    found: list[Phase] = []
    for chapter in root.walk():
        clocked = [(chapter.lines, chapter.title)] if _CLOCKED.search(chapter.title) else []
        clocked += _clocked_labels(chapter)
        if chapter.level and clocked and not chapter.under(_OTHER):
            found += [phase for lines, title in clocked for phase in _phase(title, lines, steps)]
    return tuple(found)


def _phase(title: str, lines: Lines, steps: Sequence[Step]) -> list[Phase]:
    if not _CLOCKED.search(title) or _OTHER.search(title) or not _PROCEDURE.search(title):
        return []
    window = window_s(title)
    if window is None or (window[1] is not None and window[1] <= window[0]):
        return []
    return [
        Phase(title=title.rstrip(":"), lines=lines, from_s=window[0], until_s=window[1], steps=addresses(steps, lines))
    ]


def _clocked_labels(chapter: Chapter) -> list[tuple[Lines, str]]:
    """Labels and outermost items in bold that carry a clock, each with the lines up to the next one."""
    marks = [each for each in chapter.passages if each.text[:2] in {"**", "__"} and _is_label(each)]
    if not any(_CLOCKED.search(each.text) for each in marks):
        return []
    ends = [each.line - 1 for each in marks[1:]] + [max((each.lines.last for each in chapter.passages), default=0)]
    return [
        (Lines(first=mark.line, last=max(mark.line, end)), plain(_BOLD.sub(r"\1", mark.text)))
        for mark, end in zip(marks, ends, strict=False)
    ]


def _is_label(passage: Passage) -> bool:
    if passage.shape not in TOLD or passage.depth > 1:
        return False
    return passage.depth == 1 or passage.lead == plain(passage.text)


def addresses(steps: Sequence[Step], lines: Lines) -> tuple[str, ...]:
    """The outermost steps that lie within these lines; what is no step (a note) is left out."""
    found: list[str] = []
    for step in steps:
        if step.lines.last < lines.first or step.lines.first > lines.last:
            continue
        if lines.first <= step.lines.first and step.lines.last <= lines.last + _BLANK_LINES:
            if step.kind is not StepKind.NOTE:
                found.append(step.address)
        else:
            found += addresses(step.children, lines)
    return tuple(found)
