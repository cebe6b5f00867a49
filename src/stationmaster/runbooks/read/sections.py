"""Cuts a parsed document at its headings and says which sections are procedures and which are reference."""

import re
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.front_matter import front_matter_plugin

from stationmaster.runbooks.read.inline import inline_text

_REFERENCE = re.compile(
    r"\b(?:purpose|overview|introduction|background|technical details?|details?|impact|alert details|notes?"
    r"|special considerations|links?|related|references?|contacts?|contact information|dashboards?|monitoring|metrics"
    r"|alerting|thresholds?|prevention|preventive|templates?|criteria|escalation|post-incident|symptoms|see also"
    r"|glossary|table of contents|prerequisites|architecture|history|changelog|about)\b",
    re.IGNORECASE,
)


@dataclass(slots=True, kw_only=True)
class Part:
    """A heading, the blocks right below it and its sub-sections; level 0 is the document itself."""

    title: str
    level: int
    first_line: int
    nodes: list[SyntaxTreeNode] = field(default_factory=list)
    parts: list["Part"] = field(default_factory=list)
    reference: bool = False

    @property
    def has_steps(self) -> bool:
        if self.reference:
            return False
        listed = any(node.type in {"ordered_list", "bullet_list", "fence", "code_block"} for node in self.nodes)
        return listed or any(part.has_steps for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    front_matter: str
    title: str
    root: Part


def parse_document(text: str) -> Document:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"]).use(front_matter_plugin)
    tree = SyntaxTreeNode(parser.parse(text))
    root = Part(title="", level=0, first_line=1)
    stack, front, title = [root], "", ""
    for node in tree.children:
        if node.type == "front_matter":
            front = node.content
        elif node.type == "heading":
            part = _part(node, stack)
            title = title or (part.title if part.level == 1 else "")
        else:
            stack[-1].nodes.append(node)
    return Document(front_matter=front, title=title, root=root)


def _part(node: SyntaxTreeNode, stack: list[Part]) -> Part:
    level = int(node.tag[1])
    while stack[-1].level >= level:
        stack.pop()
    name = inline_text(node.children[0]) if node.children else ""
    first = node.map[0] + 1 if node.map else 1
    title_of_document = level == 1 and stack[-1].level == 0 and not stack[-1].parts
    reference = not title_of_document and (bool(_REFERENCE.search(name)) or stack[-1].reference)
    part = Part(title=name, level=level, first_line=first, reference=reference)
    stack[-1].parts.append(part)
    stack.append(part)
    return part


def procedures(root: Part) -> list[Part]:
    """The outermost sections that hold steps; a title that only wraps the others is looked through."""
    if root.nodes and Part(title="", level=0, first_line=1, nodes=root.nodes).has_steps:
        return [root]
    found = [part for part in root.parts if part.has_steps]
    if len(found) == 1 and found[0].parts and not Part(title="", level=0, first_line=1, nodes=found[0].nodes).has_steps:
        inner = [part for part in found[0].parts if part.has_steps]
        return inner if found[0].level == 1 or len(inner) != 1 else procedures(found[0])
    return found
