"""Makes steps of the blocks of a section: paragraphs, lists, blocks of code, tables, quotes, HTML."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from stationmaster.runbooks.read import attributes as exact
from stationmaster.runbooks.read.counting import Counter
from stationmaster.runbooks.read.document import UNSAID, Expectation, ExpectationKind, Step, StepKind
from stationmaster.runbooks.read.gatherer import CODE, EXAMPLE, Gatherer, first_of, lines_of
from stationmaster.runbooks.read.html import html_paragraphs
from stationmaster.runbooks.read.inline import inline_text
from stationmaster.runbooks.read.joining import BOLD, LISTS, last_number, restarts, taken_with, with_loose_code
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.read.meaning import Draft, expectations_in, says_something, step_of
from stationmaster.runbooks.read.nodes import Node
from stationmaster.runbooks.read.prose import Sentence, sentences_of

_LABEL = re.compile(r"^[*_]{0,2}([^\n*_:]{2,60}):?[*_]{0,2}:?\s*$")
_SYMPTOMS = re.compile(r"symptoms|indicators|possible causes|notes?$", re.IGNORECASE)
_NUMBER = re.compile(r"\W*(?:step\s*)?\d+(?:\.\d+)*\s*[.):–-]\s*\S", re.IGNORECASE)
_LETTERED = re.compile(r"[a-z][.)]\s+\S")
_PLACE_ONLY = re.compile(r"^(?:if|for|on|in|when|at|from|with|unless|case|under|option)\b[^,;]*:\s*$", re.IGNORECASE)
_ANNOUNCES = re.compile(
    r"\b(?:(?:do|perform|take|run|follow|try|use|complete|execute|consider|check|make"
    r"|see)\b[^.]{0,30}\b(?:following|these|below|changes|adjustments|steps|next)\b|^to\b[^,]*|as follows"
    r"|the following(?: [\w-]+)*|steps(?: \w+)*|below)\s*:\s*$"
    r"|\bone of the following\b[^.]{0,160}:\s*$",
    re.IGNORECASE,
)
_TO_BE_SEEN = re.compile(r"\b(?:confirm|verify|ensure|check|validate|make sure)(?: that)?\s*:\s*$", re.IGNORECASE)
_LONGEST_VALUE = 4
_ONLY_LINK = re.compile(
    r"(?:[*_]{2}[^*_\n:]{1,40}:?[*_]{2}\s?:?\s*)?\W*(?:\[[^\]\n]*\](?:\([^)\n]*\)|\[[^\]\n]*\])|<?https?://\S+>?)\W*"
)


@dataclass(slots=True, kw_only=True)
class BlockReader(Gatherer):
    """Makes steps of blocks; sections stand on top of it."""

    def blocks(self, nodes: Sequence[Node], counter: Counter, *, procedure: bool) -> list[Step]:
        """Outside a `procedure` only what its own words tell is a step."""
        found: list[Step] = []
        waiting = with_loose_code(nodes)
        at, after_output = 0, False
        while at < len(waiting):
            if at and restarts(waiting[at - 1], waiting[at]):
                waiting[at].attrs = {"start": last_number(waiting[at - 1]) + 1}
            taken = taken_with(waiting, at)
            found += self._block(waiting[at], waiting[at + 1 : taken], counter, procedure, after_output)
            after_output = waiting[taken - 1].type in CODE or (
                after_output and waiting[at].type in {"html_block", "hr"}
            )
            at = taken
        return found

    def asides(self, nodes: Sequence[Node], counter: Counter, *, describes: bool) -> list[Step]:
        """The steps, commands and expectations of blocks that belong to no procedure; notes are left out."""
        found = (_told(each, describes=describes) for each in self.blocks(nodes, counter, procedure=False))
        return [each for each in found if each is not None]

    def _block(
        self, node: Node, below: Sequence[Node], counter: Counter, procedure: bool, after_output: bool
    ) -> list[Step]:
        match node.type:
            case "ordered_list" | "bullet_list":
                return self._list(node, counter, procedure)
            case "fence" | "code_block":
                return self._fence_steps(node, counter)
            case "paragraph":
                return [self._paragraph(node, below, counter, procedure, after_output)]
            case "blockquote":
                return self.blocks(node.children, counter, procedure=procedure)
            case "table":
                return self._table(node, counter)
            case "html_block":
                return self._html(node, counter)
            case "heading":
                return [self.note(counter, lines_of(node), self._text_of(lines_of(node)), "a title")]
            case _:
                return [self.note(counter, lines_of(node), self._text_of(lines_of(node)), "kept as it stands")]

    # Paragraphs

    def _paragraph(
        self, node: Node, below: Sequence[Node], counter: Counter, procedure: bool, after_output: bool
    ) -> Step:
        content = node.children[0].content
        label = _LABEL.match(content) if len(content) < 80 else None
        if below and label and _SYMPTOMS.search(label[1]):
            lines = Lines(first=first_of(node), last=lines_of(below[-1]).last)
            return self.note(counter, lines, self._text_of(lines), "symptoms, not steps")
        last = lines_of(below[-1] if below else node).last
        lines = Lines(first=first_of(node), last=last)
        draft = Draft(address="", lines=lines, text="", original=self._text_of(lines), after_output=after_output)
        self._add_prose(draft, node)
        self._change_place(draft.text)
        draft.heads = bool(below)
        draft.silent, draft.told = self._as_title(draft, content, below)
        if label and below and draft.silent:
            draft.text = label[1].strip()
        return self._finished(draft, below, counter, procedure)

    def _as_title(self, draft: Draft, content: str, below: Sequence[Node]) -> tuple[bool, bool]:
        """Whether a paragraph is but a title, and whether its place makes it an instruction."""
        if BOLD.match(content.strip()):
            numbered = bool(_NUMBER.match(content)) and draft.instructs
            return not numbered, numbered
        if not below:
            return _is_link(content), False
        shell = any(self._is_shell(each, draft.text) for each in below)
        if below[0].type in CODE:
            explains = draft.text.rstrip().endswith(".") and not draft.instructs
            return False, shell and not explains and not EXAMPLE.search(draft.text)
        announces = bool(_ANNOUNCES.search(draft.text)) and not draft.text.lower().startswith("if ")
        return announces and not any(each.instructs for each in draft.said[:-1]), False

    def _finished(self, draft: Draft, below: Sequence[Node], counter: Counter, procedure: bool) -> Step:
        empty = not (draft.commands or below or draft.attributes is not UNSAID)
        if empty and not draft.instructs and not says_something(draft):
            return self.note(counter, draft.lines, draft.text, "prose, not a step")
        draft.address = counter.next()
        inner = Counter(draft.address)
        for each in below:
            if each.type in CODE:
                draft.children += tuple(self._fence_in_item(each, draft, inner))
            else:
                self.to_be_seen = _TO_BE_SEEN.search(draft.text) is not None
                draft.children += tuple(self._block(each, (), inner, procedure, False))
                self.to_be_seen = False
        if below and below[0].type in CODE and not (draft.commands or draft.children):
            draft.told, draft.heads, draft.shows = False, False, True
        return step_of(draft)

    # Lists

    def _list(self, node: Node, counter: Counter, procedure: bool) -> list[Step]:
        if node.type == "ordered_list":
            return self._ordered(node, counter, procedure)
        if all(map(_only_links, node.children)):
            return [self.note(counter, lines_of(node), self._text_of(lines_of(node)), "links, not steps")]
        return self._bulleted(node, counter, procedure)

    def _ordered(self, node: Node, counter: Counter, procedure: bool) -> list[Step]:
        start = int(node.attrs.get("start", 1))
        counter.at_least(start)
        drafts: list[Draft] = []
        for item in node.children:
            drafts.append(self._item(item, counter.next(), procedure, after_output=_shows_output(drafts)))
        told = procedure and (self.in_step or sum(draft.instructs for draft in drafts) * 3 >= len(drafts))
        for number, draft in enumerate(drafts, start=start):
            self.numbered.add(number, draft.address)
            draft.silent = draft.silent and draft.anchor
            draft.told = told and not _PLACE_ONLY.match(draft.said[0].text if draft.said else "if:")
        return [step_of(draft) for draft in drafts]

    def _bulleted(self, node: Node, counter: Counter, procedure: bool) -> list[Step]:
        found: list[Step] = []
        drafts: list[Draft] = []
        for item in node.children:
            address = counter.next()
            if _only_links(item):
                found.append(self.note(address, lines_of(item), self._text_of(lines_of(item)), "a link, not a step"))
                continue
            drafts.append(self._item(item, address, procedure, after_output=_shows_output(drafts)))
            found.append(step_of(drafts[-1]))
        return found

    def _item(self, item: Node, address: str, procedure: bool, *, after_output: bool) -> Draft:
        lines = self._trimmed(lines_of(item))
        draft = Draft(address=address, lines=lines, text="", original=self._text_of(lines), after_output=after_output)
        counter = Counter(address)
        children: list[Step] = []
        nodes = item.children
        draft.heads = any(node.type in LISTS or node.type in CODE for node in nodes)
        taken = 0
        for at, node in enumerate(nodes):
            if at < taken:
                continue
            if at and self._is_own_step(nodes, at):
                taken = taken_with(nodes, at)
                children.append(self._paragraph(node, nodes[at + 1 : taken], counter, procedure, True))
            elif node.type in {"paragraph", "heading"}:
                draft.after_output = (at > 0 and nodes[at - 1].type in CODE) or draft.after_output
                self._add_prose(draft, node)
                self._change_place(draft.said[-1].text if draft.said else "")
            elif node.type == "html_block" and node.content.startswith("<!--"):
                self._add_comment(draft, node.content, first_of(node))
            elif node.type in CODE:
                children += self._fence_in_item(node, draft, counter)
            else:
                children += self._block(node, (), counter, procedure, False)
        draft.children = tuple(children)
        if self.to_be_seen and draft.said and not draft.instructs and not children:
            seen = draft.said[0]
            draft.expectations.append(Expectation(kind=ExpectationKind.OTHER, value=seen.text[:200], line=seen.line))
        content = nodes[0].children[0].content if nodes and nodes[0].type == "paragraph" else ""
        draft.silent = _is_link(content)
        draft.anchor = draft.silent and "](#" in content
        return draft

    def _is_own_step(self, nodes: Sequence[Node], at: int) -> bool:
        """Whether a paragraph of an item is a step of its own: a lettered one, or one that comes after a block of code
        and tells to do something, rather than what that code should show."""
        node = nodes[at]
        if node.type != "paragraph" or not node.children:
            return False
        lettered = _LETTERED.match(node.children[0].content) is not None
        if not lettered and nodes[at - 1].type not in CODE:
            return False
        draft = Draft(address="", lines=lines_of(node), text="", original="")
        draft.said = sentences_of(inline_text(node.children[0]), first_line=first_of(node))
        return draft.instructs and (lettered or not expectations_in(draft))

    def _fence_steps(self, node: Node, counter: Counter) -> list[Step]:
        if not self._is_shell(node, ""):
            return [self.note(counter, lines_of(node), self._text_of(lines_of(node)), "a block that holds no commands")]
        found = self._fence_attributes(node)
        return [self._command_step(each, counter.next(), found) for each in self._commands(node, ())]

    # Tables and HTML

    def _table(self, node: Node, counter: Counter) -> list[Step]:
        """A row that tells to do something is a step; a table without such a row is kept as it stands."""
        found: list[Step] = []
        rows = [row for part in node.children if part.type == "tbody" for row in part.children]
        for row in rows:
            draft = Draft(address="", lines=lines_of(row), text="", original=self._text_of(lines_of(row)))
            told = 0
            for number, cell in enumerate(row.children):
                cell.map = row.map
                before = len(draft.said)
                self._add_prose(draft, cell)
                told += _tells(draft.said[before:]) if number or not _is_setting(row) else 0
            if draft.commands or told:
                draft.address = counter.next()
                found.append(step_of(draft))
        return found or [self.note(counter, lines_of(node), self._text_of(lines_of(node)), "kept as it stands")]

    def _html(self, node: Node, counter: Counter) -> list[Step]:
        if node.content.startswith("<!--"):
            for offset, _ in exact.comment_attributes(node.content):
                line = first_of(node) + node.content.count("\n", 0, offset)
                self._problem("attribute-place", "these attributes stand beside no step", line)
        found: list[Step] = []
        for text, line in html_paragraphs(node.content, first_line=first_of(node)):
            lines = Lines(first=line, last=line + text.count("\n"))
            draft = Draft(address="", lines=lines, text=text, original=self._text_of(lines))
            draft.said = sentences_of(text, first_line=line)
            found.append(self._finished(draft, (), counter, True))
        return found


def _tells(said: Sequence[Sentence]) -> bool:
    return any(each.instructs for each in said)


def _is_setting(row: Node) -> bool:
    """Whether a row names a thing and its values: "Find replicas", "3"."""
    values = [cell.children[0].content if cell.children else "" for cell in row.children[1:]]
    return bool(values) and all(len(each.split()) <= _LONGEST_VALUE for each in values)


def _shows_output(before: Sequence[Draft]) -> bool:
    """Whether the item before ran something, so that the next one may speak of its output."""
    return bool(before) and bool(before[-1].commands or any(each.commands for each in before[-1].children))


def _only_links(item: Node) -> bool:
    """Whether a list item holds nothing but a link, or links to the parts of what it links to."""
    nodes = item.children
    if not nodes or nodes[0].type != "paragraph" or not nodes[0].children or not _is_link(nodes[0].children[0].content):
        return False
    return all(each.type == "bullet_list" and all(map(_only_links, each.children)) for each in nodes[1:])


def _is_link(content: str) -> bool:
    return len(content) < 500 and ("[" in content or "://" in content) and bool(_ONLY_LINK.fullmatch(content))


def with_children(step: Step, children: Sequence[Step]) -> Step:
    return replace(step, children=tuple(children))


def _told(step: Step, *, describes: bool) -> Step | None:
    """A step of an aside without what only explains; None where nothing is left of it. What a description says to be
    so is no expectation."""
    children = tuple(found for each in step.children if (found := _told(each, describes=describes)) is not None)
    if describes and not (step.commands or step.instructs):
        step = replace(step, expectations=())
    own = step.instructs or step.commands or step.expectations or step.edges or step.cautions
    if step.kind is StepKind.NOTE or not (own or children):
        return None
    return replace(step, children=children)
