"""Builds the tree of steps under a procedure's headings, from lists, labels and fences, with stable addresses."""

import re
from dataclasses import dataclass, field

from markdown_it.tree import SyntaxTreeNode

from stationmaster.core.problem import Diagnostic, Origin
from stationmaster.runbooks.read import attributes as exact
from stationmaster.runbooks.read.commands import fence_commands, inline_command, is_shell
from stationmaster.runbooks.read.document import Attributes, Command, Expectation, Step, StepKind
from stationmaster.runbooks.read.expectations import announces_reply, reply_of
from stationmaster.runbooks.read.inline import code_spans, inline_text
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.read.meaning import Draft, step_of
from stationmaster.runbooks.read.sections import Part

_LABEL = re.compile(r"^[*_]{0,2}([^\n*_:]{2,60}):?[*_]{0,2}:?\s*$")
_SYMPTOMS = re.compile(r"symptoms|indicators|possible causes|notes?$", re.IGNORECASE)


@dataclass(slots=True, kw_only=True)
class StepBuilder:
    file: str
    lines: list[str]
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def part(self, part: Part, prefix: str) -> tuple[Step, ...]:
        """The steps of a section: its own blocks first, then its sub-sections."""
        counter = _Counter(prefix)
        found = self._blocks(part.nodes, counter)
        for each in part.parts:
            if each.reference or not each.has_steps:
                found.append(self._note_part(each, counter))
                continue
            address = counter.next()
            draft = Draft(address=address, lines=self._span(each), text=each.title, original=self._original(each))
            draft.children = self.part(each, address)
            found.append(step_of(draft))
        return tuple(found)

    def _note_part(self, part: Part, counter: "_Counter") -> Step:
        return self._note(counter, self._span(part), part.title, "reference, not a step")

    def _span(self, part: Part) -> Lines:
        last = max([part.first_line, *(node.map[1] for node in part.nodes if node.map)])
        return Lines(first=part.first_line, last=max([last, *(self._span(each).last for each in part.parts)]))

    def _original(self, part: Part) -> str:
        return self.lines[part.first_line - 1] if part.first_line <= len(self.lines) else ""

    def _blocks(self, nodes: list[SyntaxTreeNode], counter: "_Counter") -> list[Step]:
        found: list[Step] = []
        label: tuple[str, SyntaxTreeNode] | None = None
        for node in nodes:
            if label is not None and node.type in {"ordered_list", "bullet_list", "fence"}:
                found.append(self._labelled(label, node, counter))
                label = None
                continue
            if label is not None:
                found.append(self._paragraph(label[1], counter))
                label = None
            if node.type == "paragraph" and (match := _LABEL.match(node.children[0].content)) and _bold(node):
                label = (match[1].strip(), node)
                continue
            found += self._block(node, counter)
        if label is not None:
            found.append(self._paragraph(label[1], counter))
        return found

    def _block(self, node: SyntaxTreeNode, counter: "_Counter") -> list[Step]:
        match node.type:
            case "ordered_list" | "bullet_list":
                return self._list(node, counter)
            case "fence" | "code_block":
                return self._fence_steps(node, counter)
            case "paragraph":
                return [self._paragraph(node, counter)]
            case "html_block" if node.content.startswith("<!--"):
                for offset, _ in exact.comment_attributes(node.content):
                    line = _first(node) + node.content.count("\n", 0, offset)
                    self._problem("attribute-place", "these attributes stand beside no step", line)
                return []
            case _:
                return [self._note(counter, _lines(node), self._text_of(_lines(node)), "kept as it stands")]

    def _labelled(self, label: tuple[str, SyntaxTreeNode], node: SyntaxTreeNode, counter: "_Counter") -> Step:
        lines = Lines(first=_first(label[1]), last=_lines(node).last)
        if _SYMPTOMS.search(label[0]):
            return self._note(counter, lines, self._text_of(lines), "symptoms, not steps")
        address = counter.next()
        draft = Draft(address=address, lines=lines, text=label[0], original=self._text_of(lines))
        draft.children = tuple(self._block(node, _Counter(address)))
        return step_of(draft)

    def _list(self, node: SyntaxTreeNode, counter: "_Counter") -> list[Step]:
        if node.type == "ordered_list":
            counter.at_least(int(node.attrs.get("start", 1)))
        return [self._item(item, counter.next()) for item in node.children]

    def _item(self, item: SyntaxTreeNode, address: str) -> Step:
        lines = self._trimmed(_lines(item))
        draft = Draft(address=address, lines=lines, text="", original=self._text_of(lines))
        counter = _Counter(address)
        children: list[Step] = []
        for node in item.children:
            if node.type in {"paragraph", "heading"}:
                self._add_prose(draft, node)
            elif node.type == "html_block" and node.content.startswith("<!--"):
                self._add_comment(draft, node.content, _first(node))
            elif node.type in {"fence", "code_block"}:
                children += self._fence_in_item(node, draft, counter)
            else:
                children += self._block(node, counter)
        draft.children = tuple(children)
        return step_of(draft)

    def _paragraph(self, node: SyntaxTreeNode, counter: "_Counter") -> Step:
        lines = _lines(node)
        draft = Draft(address="", lines=lines, text="", original=self._text_of(lines))
        self._add_prose(draft, node)
        if not draft.commands:
            return self._note(counter, lines, draft.text, "prose, not a step")
        draft.address = counter.next()
        return step_of(draft)

    def _add_prose(self, draft: Draft, node: SyntaxTreeNode) -> None:
        inline = node.children[0]
        draft.text = f"{draft.text}\n\n{inline_text(inline)}".strip()
        spans = code_spans(inline, first_line=_first(node))
        draft.commands += [each for span in spans if (each := inline_command(span.text, line=span.line))]
        for part in inline.walk():
            if part.type == "html_inline" and part.content.startswith("<!--"):
                self._add_comment(draft, part.content, _first(node))

    def _add_comment(self, draft: Draft, text: str, line: int) -> None:
        for offset, inner in exact.comment_attributes(text):
            found = self._attributes(inner, line + text.count("\n", 0, offset))
            draft.attributes = exact.merged(draft.attributes, found)

    def _attributes(self, text: str, line: int) -> Attributes:
        found, problems = exact.read_attributes(text, origin=Origin(file=self.file, line=line))
        self.diagnostics += problems
        return found

    def _fence_in_item(self, node: SyntaxTreeNode, draft: Draft, counter: "_Counter") -> list[Step]:
        """One command belongs to its item; several become steps of their own; a reply becomes an expectation."""
        if not is_shell(node.info if node.type == "fence" else "", node.content):
            draft.expectations += _reply(draft.text, node.content)
            return []
        commands = self._commands(node)
        found = self._fence_attributes(node)
        if len(commands) > 1:
            return [self._command_step(each, counter.next(), found) for each in commands]
        draft.commands += commands
        draft.attributes = exact.merged(draft.attributes, found or Attributes())
        return []

    def _fence_steps(self, node: SyntaxTreeNode, counter: "_Counter") -> list[Step]:
        if not is_shell(node.info if node.type == "fence" else "", node.content):
            return [self._note(counter, _lines(node), self._text_of(_lines(node)), "a block that holds no commands")]
        found = self._fence_attributes(node)
        return [self._command_step(each, counter.next(), found) for each in self._commands(node)]

    def _commands(self, node: SyntaxTreeNode) -> tuple[Command, ...]:
        return fence_commands(node.content, first_line=_first(node) + (node.type == "fence"))

    def _fence_attributes(self, node: SyntaxTreeNode) -> Attributes | None:
        inner = exact.fence_attributes(node.info) if node.type == "fence" else None
        return None if inner is None else self._attributes(inner, _first(node))

    def _command_step(self, command: Command, address: str, found: Attributes | None) -> Step:
        text = command.comment or command.text
        draft = Draft(address=address, lines=command.lines, text=text, original=self._text_of(command.lines))
        draft.commands = [command]
        draft.attributes = found or Attributes()
        return step_of(draft)

    def _note(self, counter: "_Counter", lines: Lines, text: str, why: str) -> Step:
        original = self._text_of(lines)
        return Step(address=counter.note(), kind=StepKind.NOTE, lines=lines, text=text, original=original, why=why)

    def _text_of(self, lines: Lines) -> str:
        return "\n".join(self.lines[lines.first - 1 : lines.last]).rstrip()

    def _trimmed(self, lines: Lines) -> Lines:
        last = lines.last
        while last > lines.first and not any(line.strip() for line in self.lines[last - 1 : last]):
            last -= 1
        return Lines(first=lines.first, last=last)

    def _problem(self, code: str, message: str, line: int) -> None:
        hint = "put the comment into the list item that it is meant for"
        self.diagnostics.append(
            Diagnostic(code=code, message=message, origin=Origin(file=self.file, line=line), hint=hint)
        )


class _Counter:
    """Numbers the children of one address."""

    def __init__(self, prefix: str) -> None:
        self._prefix = f"{prefix}." if prefix else ""
        self._last, self._notes = 0, 0

    def at_least(self, number: int) -> None:
        """The next number is `number`, unless that one is taken."""
        self._last = max(self._last, number - 1)

    def next(self) -> str:
        self._last += 1
        return f"{self._prefix}{self._last}"

    def note(self) -> str:
        self._notes += 1
        return f"{self._prefix}n{self._notes}"


def _bold(node: SyntaxTreeNode) -> bool:
    content = node.children[0].content.strip()
    return content.startswith(("**", "__")) or content.endswith(":")


def _reply(text: str, block: str) -> list[Expectation]:
    return [reply_of(block)] if announces_reply(text) else []


def _first(node: SyntaxTreeNode) -> int:
    return node.map[0] + 1 if node.map else 1


def _lines(node: SyntaxTreeNode) -> Lines:
    first, end = node.map or (0, 1)
    return Lines(first=first + 1, last=max(end, first + 1))
