"""Finds what is to be done after the incident, with its due time and whether it is ticked off."""

import re

from stationmaster.runbooks.read.clocks import due_s
from stationmaster.runbooks.read.knowledge import Task
from stationmaster.runbooks.read.passages import Chapter, Passage, Shape, plain

_AFTER = re.compile(
    r"^(?:\W|\d)*(?:post[- ]?(?:incident|mortem)|after (?:the|an) incident|incident (?:review|closure|follow)"
    r"|follow[- ]?ups?\b"
    r"|action items\b)",
    re.IGNORECASE,
)
_NOT = re.compile(r"template|example|link|documentation|page information|question|guide|report", re.IGNORECASE)


def tasks_of(root: Chapter) -> tuple[Task, ...]:
    found: list[Task] = []
    for chapter in root.walk():
        if chapter.under(_AFTER) and not _NOT.search(chapter.title):
            found += _tasks(chapter)
    return tuple(found)


def _tasks(chapter: Chapter) -> list[Task]:
    groups = {each.lead for each in chapter.passages if each.shape is Shape.ITEM and each.depth > 1}
    only_names_it = _AFTER.search(chapter.title) and due_s(chapter.title) is None
    heading = "" if only_names_it else chapter.title
    found: list[Task] = []
    for each in chapter.passages:
        text = plain(each.text)
        if each.shape is not Shape.ITEM or (each.depth == 1 and text in groups and _groups(text)):
            continue
        if (each.depth > 1 and not _groups(each.lead)) or text.endswith("?"):
            continue
        found.append(_task(each, text, each.lead or heading))
    return found


def _groups(text: str) -> bool:
    """Whether an item only heads the ones below it."""
    return text.endswith(":") or due_s(text) is not None


def _task(passage: Passage, text: str, group: str) -> Task:
    due = due_s(text)
    return Task(
        text=text,
        line=passage.line,
        group=group.rstrip(":"),
        due_s=due if due is not None else due_s(group),
        done=bool(passage.done),
    )
