"""Cuts a parsed document at its headings and says which sections are procedures and which are reference."""

import re
from dataclasses import dataclass, field

from stationmaster.runbooks.read.dialects import plain_markdown
from stationmaster.runbooks.read.inline import inline_text
from stationmaster.runbooks.read.instructions import instructs
from stationmaster.runbooks.read.nodes import Node, parse_blocks
from stationmaster.runbooks.read.prose import sentences_of

_REFERENCE = re.compile(
    r"\b(?:purpose|overview|introduction|background|technical details?|details?|impact|alert details|notes?"
    r"|special considerations|links?|related|references?|contacts?|contact information|dashboards?|monitoring|metrics"
    r"|alerting|thresholds?|prevention|preventive|templates?|criteria|escalation|post-incident|symptoms|see also"
    r"|glossary|table of contents|prerequisites|architecture|history|changelog|about|meaning|description|summary)\b",
    re.IGNORECASE,
)
_AFTERWARDS = re.compile(
    r"\b(?:prevention|preventive|preventing|post-?\s?incident|post-?mortem|afterwards|follow-?\s?up|long-?\s?term"
    r"|lessons|changelog"
    r"|table of contents|future|templates?|review tasks)\b",
    re.IGNORECASE,
)
_NEVER_STEPS = re.compile(
    r"\b(?:prevention|preventive|preventing|post-?\s?incident|post-?\s?mortem|lessons learn\w+)\b", re.IGNORECASE
)
_DESCRIPTION = re.compile(
    r"\b(?:meaning|impact|description|background|overview|summary|purpose|introduction|about|architecture|details"
    r"|severity"
    r"|what is|symptoms|glossary|history)\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"\s*(?P<word>step|stage)?\s*#?(?P<number>\d{1,3}|(?<=step )(?:one|two|three|four|five|six|seven|eight|nine|ten)\b)"
    r"(?:\.\d+)*\s*(?:[.):–—-]|$)\s*(?P<rest>.*)",
    re.IGNORECASE,
)
_IN_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_PROCEDURE = re.compile(
    r"\b(?:diagnos\w*|mitigat\w*|resol\w*|playbook|steps?|fix\w*|remed\w*|how to|procedures?|recover\w*"
    r"|troubleshoot\w*|actions?"
    r"|investigat\w*|instructions?|what to do|solutions?|workaround|debug\w*|verif\w*|restor\w*|runbook|checks?"
    r"|rollback|response)\b",
    re.IGNORECASE,
)
_HOW_TO = re.compile(r"how to (?!read\b|understand\b|interpret\b)", re.IGNORECASE)
"""A section that tells how to do something does so also below one that only describes."""
CODE = frozenset({"fence", "code_block"})
_LISTED = CODE | {"ordered_list", "bullet_list"}


@dataclass(slots=True, kw_only=True)
class Part:
    """A heading, the blocks right below it and its sub-sections; level 0 is the document itself."""

    title: str
    level: int
    first_line: int
    nodes: list[Node] = field(default_factory=list)
    parts: list["Part"] = field(default_factory=list)
    reference: bool = False
    procedure: bool = False
    """Whether its title, or one above it, names a procedure."""
    afterwards: bool = False
    """Whether its title, or one above it, speaks of what comes after the incident."""

    holds_steps: bool | None = None
    """What `has_steps` found once the document was whole."""

    @property
    def has_steps(self) -> bool:
        if self.reference:
            return False
        if self.holds_steps is None:
            below = self.lists_something or self._numbered or any(part.has_steps for part in self.parts)
            self.holds_steps = below or self._tells
        return self.holds_steps

    @property
    def describes(self) -> bool:
        """Whether it says what the alert or the system is, so that "should" in it is no expectation."""
        return bool(_DESCRIPTION.search(self.title))

    @property
    def _numbered(self) -> bool:
        return is_numbered_instruction(self.title)

    @property
    def _tells(self) -> bool:
        return self.procedure and any(
            sentence.instructs
            for node in self.nodes
            if node.type == "paragraph"
            for sentence in sentences_of(inline_text(node.children[0]), first_line=1)
        )

    @property
    def holds_code(self) -> bool:
        return any(each.type in CODE for node in self.nodes for each in node.walk())

    @property
    def lists_something(self) -> bool:
        return any(node.type in _LISTED for node in self.nodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    front_matter: str
    title: str
    root: Part
    unclosed: tuple[int, ...] = ()
    """Lines of fences that have no end."""


def number_of_heading(title: str) -> int | None:
    match = _NUMBERED.match(title)
    if match is None:
        return None
    number = match["number"].lower()
    return _IN_WORDS.index(number) + 1 if number in _IN_WORDS else int(number)


def is_numbered_instruction(title: str) -> bool:
    """Whether a heading is itself an instruction: "Step 2: …", or a number before an imperative."""
    match = _NUMBERED.match(title)
    return match is not None and (bool(match["word"]) or instructs(match["rest"]))


def parse_document(text: str) -> Document:
    root = Part(title="", level=0, first_line=1)
    stack, front, title = [root], "", ""
    plain, unclosed = plain_markdown(text)
    for node in parse_blocks(plain):
        if node.type == "front_matter":
            front = node.content
        elif node.type == "heading":
            part = _part(node, stack)
            title = title or (part.title if part.level == 1 else "")
        else:
            stack[-1].nodes.append(node)
    return Document(front_matter=front, title=title, root=root, unclosed=unclosed)


def _part(node: Node, stack: list[Part]) -> Part:
    level = int(node.tag[1])
    while stack[-1].level >= level:
        stack.pop()
    name = inline_text(node.children[0]) if node.children else ""
    first = node.map[0] + 1 if node.map else 1
    title_of_document = level == 1 and stack[-1].level == 0 and not stack[-1].parts
    named = bool(_REFERENCE.search(name)) and not is_numbered_instruction(name)
    afterwards = not title_of_document and (stack[-1].afterwards or bool(_AFTERWARDS.search(name)))
    inherits = stack[-1].reference and not (_HOW_TO.match(name) or is_numbered_instruction(name))
    reference = not title_of_document and (named or inherits or bool(_NEVER_STEPS.search(name)))
    procedure = stack[-1].procedure or bool(_PROCEDURE.search(name))
    part = Part(
        title=name, level=level, first_line=first, reference=reference, procedure=procedure, afterwards=afterwards
    )
    stack[-1].parts.append(part)
    stack.append(part)
    return part


def _outermost(part: Part) -> list[Part]:
    """The part itself where it holds steps, otherwise those below it that do: also below a description."""
    return [part] if part.has_steps else [found for each in part.parts for found in _outermost(each)]


def procedures(root: Part) -> list[Part]:
    """The outermost sections that hold steps; a title that only wraps the others is looked through."""
    if root.lists_something:
        return [root]
    found = [each for part in root.parts for each in _outermost(part)]
    if len(found) == 1 and found[0].parts and not found[0].lists_something:
        inner = [part for part in found[0].parts if part.has_steps]
        return inner if found[0].level == 1 or len(inner) != 1 else procedures(found[0])
    return found
