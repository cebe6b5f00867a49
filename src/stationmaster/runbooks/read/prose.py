"""Cuts prose into sentences, each with the line of the document where it begins."""

import re
from dataclasses import dataclass
from functools import lru_cache

from stationmaster.runbooks.read.instructions import instructs
from stationmaster.runbooks.read.words import Words, words_of

_LONGEST = 20_000
_REMEMBERED = 4096
"""Sentences: documents made from one template share many, and a section is looked at before it is read."""
_END = re.compile(
    r"`[^`]*`|'[^'\n]{3,}?\.'|\"[^\"\n]*\""
    r"|([.!?。](?<!\be\.g\.)(?<!\bi\.e\.)(?<!\betc\.)(?<!\bvs\.)[.!?。)\"'*]*)(?=\s+(?:[A-Z\[`(\"]|[⚠✅])|\s*$)|(\n\n)"
)
_MAY_END = re.compile(r"[.!?。][)\"'*]*\s|\n\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence on one line of text; `line` is the line of the document where it begins."""

    text: str
    line: int
    instructs: bool = False
    """Whether it tells somebody to do or to check something."""
    words: Words = frozenset()


def sentence(text: str, *, line: int) -> Sentence:
    """All of `text` as one sentence."""
    told, words = _told(text)
    return Sentence(text=text, line=line, instructs=told, words=words)


@lru_cache(maxsize=_REMEMBERED)
def _told(text: str) -> tuple[bool, Words]:
    words = words_of(text)
    return instructs(text, words), words


def sentences_of(text: str, *, first_line: int) -> list[Sentence]:
    """`text` keeps the line breaks of the document. Ends are never found inside backticks or quotation marks."""
    if len(text) > _LONGEST:
        return [Sentence(text=text[:_LONGEST], line=first_line)]
    found: list[Sentence] = []
    if not _MAY_END.search(text):
        _add(found, text, first_line)
        return found
    start, line = 0, first_line
    for match in _END.finditer(text):
        if match[1] is None and match[2] is None:
            continue
        line = _add(found, text[start : match.end()], line)
        start = match.end()
    _add(found, text[start:], line)
    return found


def _add(found: list[Sentence], piece: str, line: int) -> int:
    """Adds a piece that begins on `line`; returns the line on which the next one begins."""
    pieces = piece.split()
    if pieces:
        before = piece[: len(piece) - len(piece.lstrip())].count("\n")
        found.append(sentence(" ".join(pieces), line=line + before))
    return line + piece.count("\n")
