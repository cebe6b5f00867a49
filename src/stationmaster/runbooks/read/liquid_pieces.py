"""Tells the Liquid of a document from templates of other kinds, which stay as they stand."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

_TAG = r"(?<!\{)\{%-?\s*(?P<tag>[a-z_]\w*)\b(?P<rest>(?:\{\{.*?\}\}|(?!%\}).)*?)-?%\}(?!\})"
_OUTPUT = r"(?<![${])\{\{-?[ \t]*(?P<output>[A-Za-z_][^{}\n]*?)[ \t]*-?\}\}(?!\})"
_PIECE = re.compile(f"{_TAG}|{_OUTPUT}", re.DOTALL)
_FENCE = re.compile(r"^(?P<indent>[ \t>]*(?:[-*+]|\d+[.)])?[ \t]*)(?P<mark>`{3,}|~{3,})(?P<rest>[^\n]*)$", re.MULTILINE)
_ROOT = re.compile(r"[A-Za-z_][\w-]*")
_RANGE = re.compile(r"\(\s*([^()\s]+?)\s*\.\.\s*([^()\s]+?)\s*\)")
_JEKYLL = frozenset({"site", "page", "include", "layout", "content", "paginator", "forloop", "jekyll"})
_BLOCKS = frozenset({"if", "unless", "case", "for", "tablerow", "capture", "comment", "ifchanged"})
_INNER = frozenset({"elsif", "else", "when", "break", "continue"})
_SINGLE = frozenset({"assign", "include", "include_relative", "cycle", "increment", "decrement", "echo"})
_WRITTEN = frozenset({"link", "post_url", "highlight", "endhighlight", "raw", "endraw"})
CONTROL = _BLOCKS | _INNER | frozenset(f"end{each}" for each in _BLOCKS)
KNOWN = CONTROL | _SINGLE | _WRITTEN
_IN_FENCES = _SINGLE | _WRITTEN | frozenset({"capture", "endcapture"})
_LARGEST_RANGE = 1000


class PieceKind(Enum):
    TAG = "tag"
    OUTPUT = "output"
    UNKNOWN_TAG = "unknown-tag"
    """A tag of a plug-in."""
    UNKNOWN_NAME = "unknown-name"
    """`{{ name }}` whose name nothing in the document gives a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """`name` is the tag's name or the output's expression, `rest` what follows the name of a tag."""

    kind: PieceKind
    name: str
    rest: str
    start: int
    end: int
    text: str


def pieces_of(text: str, *, start: int, known: frozenset[str] = frozenset()) -> list[Piece]:
    """The Liquid in a text from `start` on, in order; empty where the document is not written in Liquid. `known` are
    names that have values besides Jekyll's own and those that the document gives."""
    matches = list(_outside_raw(text, start))
    fences = _fences(text, start) if matches else []
    names = _JEKYLL | known | frozenset(name for each in matches if (name := _given(each)))
    found: list[Piece] = []
    at = 0
    for match in matches:
        while at < len(fences) and fences[at][1] <= match.start():
            at += 1
        fenced = at < len(fences) and fences[at][0] <= match.start()
        if (piece := _piece(match, names, fenced=fenced)) is not None:
            found.append(piece)
    written = any(each.kind in {PieceKind.TAG, PieceKind.OUTPUT} for each in found)
    return found if written else []


def too_large(piece: Piece) -> bool:
    """Whether it counts through a range that is long or whose ends nobody can tell."""
    bounds = _RANGE.findall(piece.text)
    return any(not (first.isdigit() and last.isdigit() and int(last) <= _LARGEST_RANGE) for first, last in bounds)


def filters_of(piece: Piece) -> list[str]:
    """The names of the filters that it applies."""
    return re.findall(r"\|\s*(\w+)", re.sub(r"\"[^\"]*\"|'[^']*'", "", piece.text))


def _outside_raw(text: str, start: int) -> Iterator[re.Match[str]]:
    position = start
    while match := _PIECE.search(text, position):
        yield match
        position = match.end()
        if match["tag"] == "raw":
            end = re.compile(r"\{%-?\s*endraw\s*-?%\}").search(text, position)
            position = end.start() if end else position


def _piece(match: re.Match[str], names: frozenset[str], *, fenced: bool) -> Piece | None:
    tag, output = match["tag"], match["output"]
    if tag is not None:
        kind = PieceKind.TAG if tag in KNOWN else PieceKind.UNKNOWN_TAG
        if fenced and tag not in _IN_FENCES:
            return None
    else:
        root = _ROOT.match(output)
        kind = PieceKind.OUTPUT if root and root[0] in names else PieceKind.UNKNOWN_NAME
        if kind is PieceKind.UNKNOWN_NAME and (fenced or not re.fullmatch(r"[\w.\[\]'\"| :-]+", output)):
            return None
    name, rest = (tag, match["rest"].strip()) if tag is not None else (output, "")
    return Piece(kind=kind, name=name, rest=rest, start=match.start(), end=match.end(), text=match[0])


def _given(match: re.Match[str]) -> str:
    """The name that a tag gives a value to."""
    if match["tag"] not in {"assign", "capture", "for", "tablerow", "increment", "decrement"}:
        return ""
    name = re.match(r"\s*[\"']?([A-Za-z_][\w-]*)", match["rest"])
    return name[1] if name else ""


def _fences(text: str, start: int) -> list[tuple[int, int]]:
    """Where fences begin and end; one that is never closed reaches to the end."""
    found: list[tuple[int, int]] = []
    opened: tuple[int, str] | None = None
    for match in _FENCE.finditer(text, start):
        mark = match["mark"]
        if opened is None:
            opened = (match.start(), mark)
        elif mark[0] == opened[1][0] and len(mark) >= len(opened[1]) and not match["rest"].strip():
            found.append((opened[0], match.end()))
            opened = None
    if opened is not None:
        found.append((opened[0], len(text)))
    return found
