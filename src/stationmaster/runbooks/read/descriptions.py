"""Finds the prose that says what a document is about: the first of it before the steps, never a label or a list."""

import re
from collections.abc import Iterator

from stationmaster.runbooks.read.inline import inline_text
from stationmaster.runbooks.read.nodes import Node
from stationmaster.runbooks.read.prose import sentences_of
from stationmaster.runbooks.read.sections import Part

_OTHER = re.compile(
    r"\b(?:symptoms?|indicators?|links?|related|contacts?|table of contents|prerequisites|alerts?|alert details"
    r"|dashboards?|logging|metrics|monitoring|escalation|history|changelog)\b",
    re.IGNORECASE,
)
"""Titles of sections whose prose speaks of something else."""
_NO_PROSE = re.compile(r"\s*(?:\[\[?_?TOC_?\]?\]|\[\w*toc\w*\]|!\[|<|\{[%{:]|\||\W*$)", re.IGNORECASE)
_FIELD = re.compile(r"^\W{0,4}[A-Za-z][\w /'-]{0,40}(?:[*_]{0,2}:[*_]{0,2}|[*_]{2}\s*[:=–-])\s*\S", re.MULTILINE)
_STEPS = frozenset({"ordered_list", "fence", "code_block"})


def description_of(root: Part) -> str:
    """The first paragraph of prose that is neither a label, nor a block of fields, nor an instruction."""
    for node in _before_the_steps(root):
        if node.type == "paragraph" and node.children and _is_prose(node.children[0].content):
            text = " ".join(inline_text(node.children[0]).split())
            return "" if any(each.instructs for each in sentences_of(text, first_line=1)) else text
    return ""


def _before_the_steps(root: Part) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        part = waiting.pop(0)
        if part.level > 1 and _OTHER.search(part.title):
            continue
        if part.level > 1 and part.procedure:
            return
        for node in part.nodes:
            if node.type in _STEPS:
                return
            yield node
        waiting = part.parts + waiting


def _is_prose(text: str) -> bool:
    stripped = text.rstrip("*_ \n")
    if stripped.endswith(":") or _NO_PROSE.match(text) or len(text.split()) < 3:
        return False
    if text.startswith(("**", "__")) and stripped.count("**") + stripped.count("__") < 2 and "\n" not in text:
        return False
    fields = len(_FIELD.findall(text))
    return fields == 0 or fields * 2 < text.count("\n") + 1
