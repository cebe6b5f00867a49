"""Writes down what the output of a command should contain: the words that were seen and will be seen again."""

import json
import re
from collections.abc import Sequence

from stationmaster.incidents.review import patch
from stationmaster.incidents.review.patch import Insertion, Replacement
from stationmaster.incidents.review.places import command_end, content_indent

_LONGEST, _FEWEST_LETTERS = 120, 3
_QUOTES = "\"'`"
_EDGES = " ,:;()=-./\"'"
_NOT_LASTING = re.compile(r"\S*\d\S*|\s{2,}|[\t{}<>*\[\]\\|&~]+")


def expecting(lines: Sequence[str], place: int, shown: str) -> tuple[Insertion | Replacement, ...]:
    """A sentence below the command; for a fence that stands at the margin the attribute of the fence, which nothing
    around it can take away. In a fence of many commands only the last one has a place below it."""
    fence = patch.fence_around(lines, place)
    sentence = f"**Expected**: the output should contain {in_quotes(shown)}."
    if fence is None:
        indent = content_indent(lines[place - 1])
        return (Insertion(after=patch.block_end(lines, place), lines=(f"{indent}{sentence}",)),)
    end = command_end(lines, place)
    if end != fence.last - 1:
        return ()
    alone = place == fence.first + 1 and not fence.indent
    if alone and fence.info and not set(shown) & {'"', "\\", "`"}:
        return (Replacement(line=fence.first, text=_with_attribute(lines[fence.first - 1], shown)),)
    said = ("", f"{fence.indent}{sentence}", *_gap(lines, fence.last))
    return (Insertion(after=fence.last, lines=said),)


def _gap(lines: Sequence[str], last: int) -> tuple[str, ...]:
    """A blank line, where the next one would else become part of the sentence."""
    follows = lines[last].strip() if last < len(lines) else ""
    return ("",) if follows and not re.match(r"([-*+]|\d+[.)])\s|#|<!--", follows) else ()


def _with_attribute(line: str, shown: str) -> str:
    bare = line.rstrip("\r").rstrip()
    if bare.endswith("}"):
        return f'{bare[:-1].rstrip()} expect="{shown}"}}'
    return f'{bare} {{expect="{shown}"}}'


def in_quotes(text: str) -> str:
    mark = next((each for each in _QUOTES if each not in text), '"')
    return f"{mark}{text}{mark}"


def telling_line(output: str) -> str:
    """The line of an output that is most likely to come again: words, no numbers that change; empty where none is."""
    said = [each for each in _texts_in(output) if each in output]
    pieces = [_lasting(each) for each in said or output.splitlines()]
    good = [each for each in pieces if _told(each) >= _FEWEST_LETTERS and any(mark not in each for mark in _QUOTES)]
    return max(reversed(good), key=_told, default="")


def _texts_in(output: str) -> list[str]:
    """The texts of a JSON document, as deep as they are; of anything else none."""
    try:
        left, found = [json.loads(output)], []
    except (ValueError, RecursionError):
        return []
    while left:
        value = left.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict | list):
            left += value.values() if isinstance(value, dict) else value
    return found


def _lasting(line: str) -> str:
    """The longest stretch without digits, and without what Markdown would read as something else."""
    stretches = [each.strip(_EDGES) for each in _NOT_LASTING.split(line)]
    found = max(stretches, key=len, default="")
    if any(mark not in found for mark in _QUOTES) and len(found) <= _LONGEST:
        return found
    return found[:_LONGEST].rsplit(" ", 1)[0] if " " in found[:_LONGEST] else ""


def _told(piece: str) -> int:
    return sum(each.isalpha() for each in piece)
