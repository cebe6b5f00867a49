"""Finds where a step of a run stands in the file as it is now, and what belongs to that place."""

import re
from collections.abc import Sequence

from stationmaster.incidents.review.worked import WorkedStep

_TELLING = 4
"""Characters that the beginning of a command needs to be told from others."""


def place_of(step: WorkedStep, lines: Sequence[str]) -> int:
    """The line of the step's command; where the file was changed, the only one that has it; 0 where there is none."""
    wanted = " ".join((step.command or step.title).split()).rstrip("…")
    if not wanted:
        return 0
    here = range(max(step.first, 1), min(step.last, len(lines)) + 1)
    near = [number for number in here if _holds(lines[number - 1], wanted)]
    if near:
        return near[0]
    if bound := [number for number in here if step.command and _begins_as(lines[number - 1], wanted)]:
        return bound[0]
    if not step.command:
        # What has no command has a title that is shortened: its own lines are the place, as long as they are there.
        return step.first if 0 < step.first <= len(lines) and _same_words(wanted, lines[step.first - 1]) else 0
    anywhere = [number for number, line in enumerate(lines, start=1) if _holds(line, wanted)]
    return anywhere[0] if len(anywhere) == 1 else 0


def _begins_as(line: str, command: str) -> bool:
    """Whether the line is the command with other values: the document's address where the instance's was asked."""
    words, others = line.split(), command.split()
    return len(words) == len(others) > 1 and words[:2] == others[:2]


def _holds(line: str, command: str) -> bool:
    """Whether the line has the command, or the beginning of one that goes on in the next."""
    plain = " ".join(line.split())
    if not plain.endswith("\\"):
        return command in plain
    begun = plain[:-1].strip()
    return len(begun) >= _TELLING and command.startswith(begun)


def command_end(lines: Sequence[str], place: int) -> int:
    while place < len(lines) and lines[place - 1].rstrip().endswith("\\"):
        place += 1
    return place


def content_indent(line: str) -> str:
    """How far the text of a list item is indented; that of any other line."""
    found = re.match(r"^(\s*)((?:[-*+]|\d+[.)])\s+)?", line)
    return found[1] + " " * len(found[2] or "") if found else ""


def _same_words(title: str, line: str) -> bool:
    return " ".join(title.split()[:4]).rstrip("….") in re.sub(r"[*_`\[\]]", "", line)
