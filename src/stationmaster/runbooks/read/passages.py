"""Cuts a document into chapters of passages: paragraphs, items, rows and fences, each with its lines and its lead."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.read.nodes import Node
from stationmaster.runbooks.read.sections import Part

_LABEL = re.compile(r"^(?:[*_]{2}[^*\n]{2,80}[*_]{2}[:.]?|[^\n|]{2,80}:)\s*$")
_LABEL_ENDS = (":", "*", "_", ".", " ")
_LABELLED = re.compile(
    r"^(?:\d+[.)] )?[*_]{2}(?P<label>[^*\n:]{1,60}?)\s*(?::[*_]{2}|[*_]{2}\s*:)\s*(?P<rest>.*)$", re.DOTALL
)
_PLAIN_LABELLED = re.compile(r"^(?P<label>[A-Z][\w /'-]{1,40}):\s+(?P<rest>.*)$", re.DOTALL)
_CHECKBOX = re.compile(r"^\[(?P<mark>[ xX])\]\s+")
_LINK = re.compile(r"!?\[([^\]\n]*)\](?:\([^)\n]*\)|\[[^\]\n]*\])")
_EMPHASIS = re.compile(r"\*\*|__|(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])|(?<!\w)_(?=\S)|(?<=\S)_(?!\w)|~~")
_ENTITIES = (("&gt;", ">"), ("&lt;", "<"), ("&ge;", "≥"), ("&le;", "≤"), ("&amp;", "&"), ("\\>", ">"), ("\\<", "<"))


class Shape(Enum):
    PROSE = "prose"
    ITEM = "item"
    ROW = "row"
    QUOTE = "quote"
    FENCE = "fence"


TOLD = (Shape.PROSE, Shape.ITEM)
SHOWN = (Shape.FENCE, Shape.QUOTE)


@dataclass(slots=True, kw_only=True)
class Passage:
    """`text` is Markdown as it stands, for FENCE what is in it; `lead` is what announces the passage: the item that
    holds it, or the label above it. `node` is the inline text, where there is any. Not frozen, for speed alone."""

    shape: Shape
    text: str
    lines: Lines
    lead: str = ""
    depth: int = 0
    done: bool | None = None
    """Whether its checkbox is ticked; None where it has none."""
    info: str = ""
    cells: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    node: Node | None = None

    @property
    def line(self) -> int:
        return self.lines.first

    def line_of(self, offset: int) -> int:
        """The line on which a character of `text` stands."""
        return self.lines.first + self.text.count("\n", 0, offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A heading with its own passages; `lines` reach to the end of its last sub-section."""

    title: str
    titles: tuple[str, ...]
    """The headings above it and its own, without the document's title."""
    level: int
    lines: Lines
    passages: tuple[Passage, ...]
    chapters: tuple["Chapter", ...] = field(default=())

    def walk(self) -> Iterator["Chapter"]:
        waiting = [self]
        while waiting:
            each = waiting.pop()
            yield each
            waiting.extend(reversed(each.chapters))

    def under(self, pattern: re.Pattern[str]) -> bool:
        """Whether the heading or one above it says so."""
        return any(pattern.search(title) for title in self.titles)


def chapter_of(part: Part, *, above: tuple[str, ...] = ()) -> Chapter:
    titles = (*above, part.title) if part.title and (part.level > 1 or above) else above
    inner = tuple(chapter_of(each, above=titles) for each in part.parts)
    passages = tuple(_passages(part.nodes))
    last = max([part.first_line, *(each.lines.last for each in passages), *(each.lines.last for each in inner)])
    return Chapter(
        title=part.title,
        titles=titles,
        level=part.level,
        lines=Lines(first=part.first_line, last=last),
        passages=passages,
        chapters=inner,
    )


def _passages(nodes: list[Node]) -> Iterator[Passage]:
    lead = ""
    for node in nodes:
        if node.type == "paragraph" and (content := _inline(node)) is not None:
            if content.content.endswith(_LABEL_ENDS) and _LABEL.match(content.content):
                lead = plain(content.content)
            yield _prose(content, node, Shape.PROSE, lead=lead)
        else:
            yield from _block(node, lead=lead, depth=0)


def _block(node: Node, *, lead: str, depth: int) -> Iterator[Passage]:
    match node.type:
        case "paragraph":
            content = _inline(node)
            if content is not None:
                yield _prose(content, node, Shape.PROSE, lead=lead, depth=depth)
        case "bullet_list" | "ordered_list":
            for item in node.children:
                yield from _item(item, lead=lead, depth=depth + 1)
        case "fence" | "code_block":
            yield Passage(
                shape=Shape.FENCE, text=node.content, lines=_lines(node), lead=lead, depth=depth, info=node.info.strip()
            )
        case "blockquote":
            quoted = "\n".join(each.content for each in _blocks(node) if each.type == "inline")
            yield Passage(shape=Shape.QUOTE, text=quoted, lines=_lines(node), lead=lead, depth=depth)
            for each in node.children:
                yield from _block(each, lead=lead, depth=depth)
        case "table":
            yield from _rows(node, lead=lead)


def _item(item: Node, *, lead: str, depth: int) -> Iterator[Passage]:
    own = lead
    for position, node in enumerate(item.children):
        content = _inline(node) if node.type == "paragraph" else None
        if content is None:
            yield from _block(node, lead=own, depth=depth)
            continue
        yield _prose(
            content, node, Shape.PROSE if position else Shape.ITEM, lead=own if position else lead, depth=depth
        )
        if not position:
            own = plain(content.content) if len(item.children) > 1 else lead


def _prose(content: Node, node: Node, shape: Shape, *, lead: str, depth: int = 0) -> Passage:
    text, done = content.content, None
    if shape is Shape.ITEM and (box := _CHECKBOX.match(text)):
        text, done = text[box.end() :], box["mark"] != " "
    return Passage(shape=shape, text=text, lines=_lines(node), lead=lead, depth=depth, done=done, node=content)


def _rows(table: Node, *, lead: str) -> Iterator[Passage]:
    header: tuple[str, ...] = ()
    for row in (each for each in _blocks(table) if each.type == "tr"):
        inlines = [cell.children[0] if cell.children else None for cell in row.children]
        cells = tuple(plain(each.content) if each is not None else "" for each in inlines)
        if row.children and row.children[0].type == "th":
            header = cells
            continue
        for cell in inlines:
            if cell is not None:
                yield Passage(
                    shape=Shape.ROW,
                    text=cell.content,
                    lines=_lines(row),
                    lead=lead,
                    cells=cells if cell is inlines[0] else (),
                    header=header,
                    node=cell,
                )


def _blocks(node: Node) -> Iterator[Node]:
    """The node and what is in it, without parsing inline text."""
    yield node
    if node.type != "inline":
        for each in node.children:
            yield from _blocks(each)


def _inline(node: Node) -> Node | None:
    return node.children[0] if node.children and node.children[0].type == "inline" else None


def _lines(node: Node) -> Lines:
    first, end = node.map or (0, 1)
    return Lines(first=first + 1, last=max(end, first + 1))


def plain(text: str) -> str:
    """Markdown without emphasis and link targets, on one line; code keeps its backticks."""
    if "[" in text:
        text = _LINK.sub(r"\1", text)
    if "*" in text or "_" in text or "~" in text:
        text = _EMPHASIS.sub("", text)
    if "&" in text or "\\" in text:
        for entity, sign in _ENTITIES:
            text = text.replace(entity, sign)
    return " ".join(text.split())


def labelled(text: str) -> tuple[str, str]:
    """The label and the rest of "**Owner**: SRE Team" or "Owner: SRE Team"; no label gives an empty one."""
    match = _LABELLED.match(text) or _PLAIN_LABELLED.match(text)
    return (match["label"].strip(), match["rest"].strip()) if match else ("", text)
