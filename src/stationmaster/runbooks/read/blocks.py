"""Makes steps of the blocks of a section: paragraphs, lists, blocks of code, tables, quotes, HTML."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from stationmaster.core.problem import Diagnostic, Origin
from stationmaster.runbooks.read import attributes as exact
from stationmaster.runbooks.read.cautions import about_the_block
from stationmaster.runbooks.read.commands import inline_command, is_shell, language_of
from stationmaster.runbooks.read.counting import Counter, Numbered
from stationmaster.runbooks.read.document import (
    LOCAL,
    Attributes,
    Caution,
    Command,
    Expectation,
    Session,
    SessionKind,
    Step,
    StepKind,
)
from stationmaster.runbooks.read.expectations import announces_reply, reply_of
from stationmaster.runbooks.read.fences import fence_commands
from stationmaster.runbooks.read.html import html_paragraphs
from stationmaster.runbooks.read.inline import Inline, read_inline
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.read.meaning import Draft, cautions_in, step_of
from stationmaster.runbooks.read.nodes import Node
from stationmaster.runbooks.read.prose import Sentence, sentences_of
from stationmaster.runbooks.read.sessions import OpenSessions

_LABEL = re.compile(r"^[*_]{0,2}([^\n*_:]{2,60}):?[*_]{0,2}:?\s*$")
_BOLD = re.compile(r"^(\*\*|__)[^*\n]+(\*\*|__):?\s*$|^(\*\*|__)[^*\n]+:(\*\*|__)\s*$")
_SYMPTOMS = re.compile(r"symptoms|indicators|possible causes|notes?$", re.IGNORECASE)
_NUMBER = re.compile(r"\W*(?:step\s*)?\d+(?:\.\d+)*\s*[.):–-]\s*\S", re.IGNORECASE)
_CODE = frozenset({"fence", "code_block"})
_TYPED_IN = frozenset(
    [
        "",
        "sql",
        "postgresql",
        "pgsql",
        "mysql",
        "ruby",
        "rb",
        "irb",
        "text",
        "python",
        "py",
        "javascript",
        "js",
        "redis",
        "plaintext",
    ]
)
"""Languages of blocks that may be typed into a prompt that is open."""
_LISTS = frozenset({"ordered_list", "bullet_list"})
_PLACE_ONLY = re.compile(r"^(?:if|for|on|in|when|at|from|with|unless|case|under|option)\b[^,;]*:\s*$", re.IGNORECASE)
_EXAMPLE = re.compile(
    r"^\W*(?:(?:example|sample|expected)(?: (?:of|output|response|result|usage|command|for)\b.*)?|e\.g\.?|output|for example"
    r"|for instance|result|response)\W*$"
    r"|\b(?:looks? (?:something )?like|similar to|something like|like this|as follows|output|response|be empty)\b[^.,]{0,30}[:.]?\s*$"
    r"|\b(?:example|e\.g\.)\s*[:,]?\s*$",
    re.IGNORECASE,
)
_ANNOUNCES = re.compile(
    r"\b(?:(?:do|perform|take|run|follow|try|use|complete|execute|consider|check|make|see)\b[^.]{0,30}\b(?:following|these|below|changes|adjustments|steps|next)\b|^to\b[^,]*|as follows|the following(?: \w+)*|steps(?: \w+)*|below)\s*:\s*$",
    re.IGNORECASE,
)
_SAME_PLACE = re.compile(
    r"\bin (?:the|this|that) same (?:shell|session|pod|container|console|prompt|terminal)\b|\b(?:in|inside|from within|within|at) (?:the|this|that) (?:\w+ )?"
    r"(?:pod|container|shell|console|prompt|session|repl)\b|\bonce (?:inside|connected|logged in|in the)\b|\bthen type\b|\bstill in\b",
    re.IGNORECASE,
)
_AT_HOME = re.compile(
    r"\b(?:on|from|in) your (?:own |local )?(?:machine|laptop|workstation|computer|terminal|shell)\b|\blocally\b|\blog out\b|\bleave the (?:pod|container|shell)\b"
    r"|\bexit the\b|\bin (?:a|another|a new|a second) (?:terminal|shell|tab|window)\b|\bopen a new\b",
    re.IGNORECASE,
)
_ONLY_LINK = re.compile(r"\W*(?:\[[^\]\n]*\](?:\([^)\n]*\)|\[[^\]\n]*\])|<?https?://\S+>?)\W*")
_UNCLOSED = re.compile(r"(?P<before>\b(?:running|run|execute|executing))\s+`(?P<code>[^`\n]+)$", re.MULTILINE)


@dataclass(slots=True, kw_only=True)
class BlockReader:
    """`lines` are those of the document; `sessions` are open from one block to the next."""

    file: str
    lines: list[str]
    diagnostics: list[Diagnostic] = field(default_factory=list)
    sessions: OpenSessions = field(default_factory=OpenSessions)
    numbered: Numbered = field(default_factory=Numbered)

    def blocks(self, nodes: Sequence[Node], counter: Counter, *, procedure: bool) -> list[Step]:
        """Outside a `procedure` only what its own words tell is a step."""
        found: list[Step] = []
        waiting = _with_loose_code(nodes)
        at, after_output = 0, False
        while at < len(waiting):
            if at and _restarts(waiting[at - 1], waiting[at]):
                waiting[at].attrs = {"start": _last_number(waiting[at - 1]) + 1}
            taken = _taken_with(waiting, at)
            found += self._block(waiting[at], waiting[at + 1 : taken], counter, procedure, after_output)
            after_output = waiting[taken - 1].type in _CODE or (
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
                return [self.note(counter, _lines(node), self._text_of(_lines(node)), "a title")]
            case _:
                return [self.note(counter, _lines(node), self._text_of(_lines(node)), "kept as it stands")]

    # Paragraphs

    def _paragraph(
        self, node: Node, below: Sequence[Node], counter: Counter, procedure: bool, after_output: bool
    ) -> Step:
        content = node.children[0].content
        label = _LABEL.match(content) if len(content) < 80 else None
        if below and label and _SYMPTOMS.search(label[1]):
            lines = Lines(first=_first(node), last=_lines(below[-1]).last)
            return self.note(counter, lines, self._text_of(lines), "symptoms, not steps")
        last = _lines(below[-1] if below else node).last
        lines = Lines(first=_first(node), last=last)
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
        if _BOLD.match(content.strip()):
            numbered = bool(_NUMBER.match(content)) and draft.instructs
            return not numbered, numbered
        if not below:
            return _is_link(content), False
        shell = any(self._is_shell(each, draft.text) for each in below)
        if below[0].type in _CODE:
            return False, shell and not _EXAMPLE.search(draft.text)
        announces = bool(_ANNOUNCES.search(draft.text)) and not draft.text.lower().startswith("if ")
        return announces and not any(each.instructs for each in draft.said[:-1]), False

    def _finished(self, draft: Draft, below: Sequence[Node], counter: Counter, procedure: bool) -> Step:
        empty = not (draft.commands or below or draft.attributes != Attributes())
        if empty and not draft.instructs:
            draft.address = counter.note()
            step = step_of(draft)
            if not (step.expectations or step.edges or step.actions):
                return self.note(draft.address, draft.lines, draft.text, "prose, not a step")
            counter.forget_note()
        draft.address = counter.next()
        inner = Counter(draft.address)
        for each in below:
            if each.type in _CODE:
                draft.children += tuple(self._fence_in_item(each, draft, inner))
            else:
                draft.children += tuple(self._block(each, (), inner, procedure, False))
        return step_of(draft)

    # Lists

    def _list(self, node: Node, counter: Counter, procedure: bool) -> list[Step]:
        ordered = node.type == "ordered_list"
        start = int(node.attrs.get("start", 1)) if ordered else 0
        if ordered:
            counter.at_least(start)
        found: list[Step] = []
        drafts: list[Draft] = []
        for item in node.children:
            drafts.append(self._item(item, counter.next(), procedure, after_output=_shows_output(drafts)))
        told = ordered and procedure and sum(draft.instructs for draft in drafts) * 2 >= len(drafts)
        for number, draft in enumerate(drafts):
            if ordered:
                self.numbered.add(start + number, draft.address)
            draft.silent = draft.silent and (draft.anchor or not ordered)
            draft.told = told and not _PLACE_ONLY.match(draft.said[0].text if draft.said else "if:")
            found.append(step_of(draft))
        return found

    def _item(self, item: Node, address: str, procedure: bool, *, after_output: bool) -> Draft:
        lines = self._trimmed(_lines(item))
        draft = Draft(address=address, lines=lines, text="", original=self._text_of(lines), after_output=after_output)
        counter = Counter(address)
        children: list[Step] = []
        nodes = item.children
        draft.heads = any(node.type in _LISTS or node.type in _CODE for node in nodes)
        for at, node in enumerate(nodes):
            if node.type in {"paragraph", "heading"}:
                draft.after_output = (at > 0 and nodes[at - 1].type in _CODE) or draft.after_output
                self._add_prose(draft, node)
                self._change_place(draft.said[-1].text if draft.said else "")
            elif node.type == "html_block" and node.content.startswith("<!--"):
                self._add_comment(draft, node.content, _first(node))
            elif node.type in _CODE:
                children += self._fence_in_item(node, draft, counter)
            else:
                children += self._block(node, (), counter, procedure, False)
        draft.children = tuple(children)
        content = nodes[0].children[0].content if nodes and nodes[0].type == "paragraph" else ""
        draft.silent = _is_link(content)
        draft.anchor = draft.silent and "](#" in content
        return draft

    # Prose

    def _add_prose(self, draft: Draft, node: Node) -> None:
        inline = node.children[0] if node.children else None
        if inline is None:
            return
        first = _first(node)
        read = read_inline(inline, first_line=first)
        draft.text = f"{draft.text}\n\n{read.text}".strip()
        said = sentences_of(read.text, first_line=first)
        draft.said += said
        commands = self._inline_commands(read, said, first)
        draft.commands += commands
        draft.shows_command |= bool(commands) and read.text.lstrip().startswith("`")
        if "<!--" in inline.content:
            for token in inline.tokens:
                if token.type == "html_inline" and token.content.startswith("<!--"):
                    self._add_comment(draft, token.content, first)

    def _inline_commands(self, read: Inline, said: Sequence[Sentence], first: int) -> list[Command]:
        found: list[Command] = []
        for span in read.spans:
            sentence = _sentence_at(said, span.line, span.text)
            command = inline_command(
                span.text,
                line=span.line,
                before=read.text[max(0, span.offset - 80) : span.offset],
                after=read.text[span.offset + len(span.text) + 2 :][:20],
                sentence=sentence,
            )
            if command is not None:
                found.append(replace(command, session=self._session_here()))
        if read.text.count("`") % 2 and (match := _UNCLOSED.search(read.text)):
            line = first + read.text.count("\n", 0, match.start())
            command = inline_command(match["code"], line=line, before=match["before"])
            found += [command] if command is not None else []
        return found

    def _session_here(self) -> Session:
        return self.sessions.current if self.sessions.lasting else LOCAL

    def _change_place(self, text: str) -> None:
        if self.sessions.stack and _AT_HOME.search(text):
            self.sessions.clear()
        elif self.sessions.left and _SAME_PLACE.search(text):
            self.sessions.reopen()

    def _add_comment(self, draft: Draft, text: str, line: int) -> None:
        for offset, inner in exact.comment_attributes(text):
            found = self._attributes(inner, line + text.count("\n", 0, offset))
            draft.attributes = exact.merged(draft.attributes, found)

    def _attributes(self, text: str, line: int) -> Attributes:
        found, problems = exact.read_attributes(text, origin=Origin(file=self.file, line=line))
        self.diagnostics += problems
        return found

    # Code

    def _fence_in_item(self, node: Node, draft: Draft, counter: Counter) -> list[Step]:
        """One command belongs to its item; several become steps of their own; a reply becomes an expectation."""
        if not self._is_shell(node, draft.text):
            draft.expectations += _reply(draft, node)
            return []
        commands = self._commands(node, cautions_in(draft.said))
        found = self._fence_attributes(node)
        if len(commands) > 1:
            return [self._command_step(each, counter.next(), found) for each in commands]
        draft.commands += commands
        draft.attributes = exact.merged(draft.attributes, found or Attributes())
        return []

    def _fence_steps(self, node: Node, counter: Counter) -> list[Step]:
        if not self._is_shell(node, ""):
            return [self.note(counter, _lines(node), self._text_of(_lines(node)), "a block that holds no commands")]
        found = self._fence_attributes(node)
        return [self._command_step(each, counter.next(), found) for each in self._commands(node, ())]

    def _is_shell(self, node: Node, above: str) -> bool:
        if node.type not in _CODE:
            return False
        info = node.info if node.type == "fence" else ""
        if is_shell(info, node.content, above=above):
            return True
        typed_in = self.sessions.current.kind if self.sessions.lasting else SessionKind.LOCAL
        queries = language_of(info) in _TYPED_IN
        return typed_in in {SessionKind.DATABASE, SessionKind.CONSOLE} and queries and not _EXAMPLE.search(above)

    def _commands(self, node: Node, cautions: Sequence[Caution]) -> tuple[Command, ...]:
        first = _first(node) + (node.type == "fence")
        console = language_of(node.info) in {"console", "shell-session", "shellsession", "terminal"}
        found = fence_commands(node.content, first_line=first, sessions=self.sessions, console=console)
        if not cautions:
            return found
        above = tuple(map(about_the_block, cautions))
        return tuple(replace(each, cautions=(*above, *each.cautions)) for each in found)

    def _fence_attributes(self, node: Node) -> Attributes | None:
        inner = exact.fence_attributes(node.info) if node.type == "fence" else None
        return None if inner is None else self._attributes(inner, _first(node))

    def _command_step(self, command: Command, address: str, found: Attributes | None) -> Step:
        text = command.comment or command.text
        draft = Draft(address=address, lines=command.lines, text=text, original=self._text_of(command.lines))
        draft.commands = [command]
        draft.attributes = found or Attributes()
        return step_of(draft)

    # Tables and HTML

    def _table(self, node: Node, counter: Counter) -> list[Step]:
        """A row that tells to do something is a step; a table without such a row is kept as it stands."""
        found: list[Step] = []
        rows = [row for part in node.children if part.type == "tbody" for row in part.children]
        for row in rows:
            draft = Draft(address="", lines=_lines(row), text="", original=self._text_of(_lines(row)))
            for cell in row.children:
                cell.map = row.map
                self._add_prose(draft, cell)
            if draft.commands or draft.instructs:
                draft.address = counter.next()
                found.append(step_of(draft))
        return found or [self.note(counter, _lines(node), self._text_of(_lines(node)), "kept as it stands")]

    def _html(self, node: Node, counter: Counter) -> list[Step]:
        if node.content.startswith("<!--"):
            for offset, _ in exact.comment_attributes(node.content):
                line = _first(node) + node.content.count("\n", 0, offset)
                self._problem("attribute-place", "these attributes stand beside no step", line)
        found: list[Step] = []
        for text, line in html_paragraphs(node.content, first_line=_first(node)):
            lines = Lines(first=line, last=line + text.count("\n"))
            draft = Draft(address="", lines=lines, text=text, original=self._text_of(lines))
            draft.said = sentences_of(text, first_line=line)
            found.append(self._finished(draft, (), counter, True))
        return found

    def note(self, counter: Counter | str, lines: Lines, text: str, why: str) -> Step:
        address = counter if isinstance(counter, str) else counter.note()
        original = self._text_of(lines)
        return Step(address=address, kind=StepKind.NOTE, lines=lines, text=text, original=original, why=why)

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


def _shows_output(before: Sequence[Draft]) -> bool:
    """Whether the item before ran something, so that the next one may speak of its output."""
    return bool(before) and bool(before[-1].commands or any(each.commands for each in before[-1].children))


def _is_link(content: str) -> bool:
    return len(content) < 500 and bool(_ONLY_LINK.fullmatch(content))


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


def _with_loose_code(nodes: Sequence[Node]) -> list[Node]:
    """Code that follows an ordered list without being indented belongs to its last item."""
    found: list[Node] = []
    for node in nodes:
        above = found[-1] if found else None
        if node.type in _CODE and above is not None and above.type == "ordered_list" and above.children:
            above.children[-1].children.append(node)
            if node.map and above.map and above.children[-1].map:
                above.children[-1].map = [above.children[-1].map[0], node.map[1]]
                above.map = [above.map[0], node.map[1]]
            continue
        found.append(node)
    return found


def _restarts(above: Node, node: Node) -> bool:
    """Whether an ordered list that begins with 1 goes on with the one right above it ("1. 1. 1.")."""
    return above.type == node.type == "ordered_list" and int(node.attrs.get("start", 1)) <= 1


def _last_number(node: Node) -> int:
    return int(node.attrs.get("start", 1)) + len(node.children) - 1


def _taken_with(nodes: Sequence[Node], at: int) -> int:
    """Where the blocks end that belong to the paragraph at `at`: code, or a list that it announces."""
    end = at + 1
    if nodes[at].type != "paragraph" or not nodes[at].children:
        return end
    content = nodes[at].children[0].content.rstrip()
    announces = content.endswith((":", ":**", ":__")) or (len(content) < 80 and bool(_BOLD.match(content)))
    if end < len(nodes) and nodes[end].type in _LISTS and announces:
        return end + 1
    while end < len(nodes) and nodes[end].type in _CODE:
        end += 1
    return end


def _sentence_at(said: Sequence[Sentence], line: int, code: str) -> Sentence | None:
    return next((each for each in said if code in each.text and each.line <= line), None)


def _reply(draft: Draft, node: Node) -> list[Expectation]:
    """The reply that a text announces right before a block."""
    if not announces_reply(draft.text):
        return []
    line = draft.said[-1].line if draft.said else draft.lines.first
    return [replace(reply_of(node.content), line=line)]


def _first(node: Node) -> int:
    return node.map[0] + 1 if node.map else 1


def _lines(node: Node) -> Lines:
    first, end = node.map or (0, 1)
    return Lines(first=first + 1, last=max(end, first + 1))
