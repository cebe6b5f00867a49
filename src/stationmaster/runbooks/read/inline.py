"""Turns inline Markdown into plain text whose line breaks are those of the document, with its code spans."""

import re
from dataclasses import dataclass

from markdown_it.token import Token

from stationmaster.runbooks.read.nodes import Node

_TAG = re.compile(
    r"</?(?:a|abbr|b|big|center|del|details|div|em|font|i|img|ins|kbd|li|mark|ol|p|q|s|samp|small|span|strike"
    r"|strong|sub"
    r"|summary|sup|table|tbody|td|th|thead|tr|tt|u|ul|var|wbr)\b[^>]*>",
    re.IGNORECASE,
)
_CODE_TAG = re.compile(r"</?code\b[^>]*>", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSpan:
    """`offset` is where it begins in the plain text."""

    text: str
    line: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inline:
    text: str
    spans: tuple[CodeSpan, ...] = ()


def inline_text(node: Node) -> str:
    """The text as a reader sees it: code keeps its backticks, links their text, comments are left out."""
    return read_inline(node, first_line=1).text


def read_inline(node: Node, *, first_line: int) -> Inline:
    """`first_line` is the line of the document on which the text begins. What only looks like HTML stays text."""
    tokens = node.tokens
    if len(tokens) == 1 and tokens[0].type == "text":
        return Inline(text=tokens[0].content)
    pieces: list[str] = []
    spans: list[CodeSpan] = []
    offset, line = 0, first_line
    folded = _Folded(node.content) if "\n" in node.content else None
    for token in tokens:
        piece = _piece(token)
        if token.type == "code_inline":
            spans.append(CodeSpan(text=token.content, line=line, offset=offset))
            piece += "\n" * folded.breaks_in(token.content) if folded and " " in token.content else ""
        if piece:
            pieces.append(piece)
            offset += len(piece)
            line += piece.count("\n")
    return Inline(text="".join(pieces), spans=tuple(spans))


def _piece(token: Token) -> str:
    match token.type:
        case "code_inline":
            return f"`{token.content}`"
        case "softbreak" | "hardbreak":
            return "\n"
        case "html_inline":
            return _html(token.content)
        case _:
            return token.content


def _html(text: str) -> str:
    if text.startswith("<!--") or _TAG.fullmatch(text):
        return "\n" * text.count("\n")
    if _BREAK.fullmatch(text):
        return " "
    return "`" if _CODE_TAG.fullmatch(text) else text


@dataclass(slots=True)
class _Folded:
    """Counts the line breaks that the parser made spaces inside code spans, going through the source once."""

    raw: str
    position: int = 0

    def breaks_in(self, code: str) -> int:
        words = code.split()
        if not words:
            return 0
        start = self.raw.find(words[0], self.position)
        if start < 0:
            return 0
        end = start
        for word in words:
            found = self.raw.find(word, end, end + len(word) + 200)
            if found < 0:
                return 0
            end = found + len(word)
        self.position = end
        return self.raw.count("\n", start, end)
