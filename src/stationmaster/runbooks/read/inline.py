"""Turns inline Markdown into plain text and lists its code spans with their lines."""

from dataclasses import dataclass

from markdown_it.tree import SyntaxTreeNode


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSpan:
    text: str
    line: int


def inline_text(node: SyntaxTreeNode) -> str:
    """The text as a reader sees it: code keeps its backticks, links their text, comments are left out."""
    return "".join(_pieces(node))


def _pieces(node: SyntaxTreeNode) -> list[str]:
    match node.type:
        case "text":
            return [node.content]
        case "code_inline":
            return [f"`{node.content}`"]
        case "softbreak" | "hardbreak":
            return ["\n"]
        case "html_inline":
            return [] if node.content.startswith("<!--") else [node.content]
        case _:
            return [piece for child in node.children for piece in _pieces(child)]


def code_spans(node: SyntaxTreeNode, *, first_line: int) -> list[CodeSpan]:
    """Every code span of an inline node whose first line is `first_line` of the document."""
    found: list[CodeSpan] = []
    line = first_line
    for each in node.walk():
        if each.type in {"softbreak", "hardbreak"}:
            line += 1
        elif each.type == "code_inline":
            found.append(CodeSpan(text=each.content, line=line))
    return found
