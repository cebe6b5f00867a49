"""Gathers what a block says into a draft: its prose and sentences, commands, attributes, and their sessions."""

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
    UNSAID,
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
from stationmaster.runbooks.read.fences import PROMPTING, fence_commands, only_for_shell
from stationmaster.runbooks.read.inline import Inline, read_inline
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.read.meaning import Draft, cautions_in, step_of
from stationmaster.runbooks.read.nodes import Node
from stationmaster.runbooks.read.prose import Sentence, sentences_of
from stationmaster.runbooks.read.sessions import OpenSessions

CODE = frozenset({"fence", "code_block"})
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
EXAMPLE = re.compile(
    r"^\W*(?:(?:example|sample|expected)(?: (?:of|output|response|result|usage|command|for)\b.*)?|e\.g\.?|output"
    r"|for example"
    r"|for instance|result|response)\W*$"
    r"|\b(?:looks? (?:something )?like|similar to|something like|like this|as follows|output|response"
    r"|be empty)\b[^.,]{0,30}[:.]?\s*$"
    r"|\b(?:example|e\.g\.)\s*[:,]?\s*$",
    re.IGNORECASE,
)
_SAME_PLACE = re.compile(
    r"\bin (?:the|this|that) same (?:shell|session|pod|container|console|prompt|terminal)\b|\b(?:in|inside"
    r"|from within|within|at) (?:the|this|that) (?:\w+ )?"
    r"(?:pod|container|shell|console|prompt|session|repl)\b|\bonce (?:inside|connected|logged in|in the)\b"
    r"|\bthen type\b|\bstill in\b",
    re.IGNORECASE,
)
_AT_HOME = re.compile(
    r"\b(?:on|from|in) your (?:own |local )?(?:machine|laptop|workstation|computer|terminal|shell)\b|\blocally\b"
    r"|\blog out\b|\bleave the (?:pod|container|shell)\b"
    r"|\bexit the\b|\bin (?:a|another|a new|a second) (?:terminal|shell|tab|window)\b|\bopen a new\b",
    re.IGNORECASE,
)
_UNCLOSED = re.compile(r"(?P<before>\b(?:running|run|execute|executing))\s+`(?P<code>[^`\n]+)$", re.MULTILINE)


@dataclass(slots=True, kw_only=True)
class Gatherer:
    """`lines` are those of the document; `sessions` are open from one block to the next."""

    file: str
    lines: list[str]
    diagnostics: list[Diagnostic] = field(default_factory=list)
    sessions: OpenSessions = field(default_factory=OpenSessions)
    numbered: Numbered = field(default_factory=Numbered)
    to_be_seen: bool = False
    """Whether the list that is read says what has to be seen: below "confirm:"."""
    in_step: bool = False
    """Whether the blocks stand below a heading such as "Step 2: …", which makes a numbered list a procedure."""

    # Prose

    def _add_prose(self, draft: Draft, node: Node) -> None:
        inline = node.children[0] if node.children else None
        if inline is None:
            return
        first = first_of(node)
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
                found.append(replace(command, session=self._session_for(command.text)))
                if sentence is not None and sentence.instructs:
                    self.sessions.opened_in_prose(command.text)
        if read.text.count("`") % 2 and (match := _UNCLOSED.search(read.text)):
            line = first + read.text.count("\n", 0, match.start())
            command = inline_command(match["code"], line=line, before=match["before"])
            found += [command] if command is not None else []
        return found

    def _session_for(self, command: str) -> Session:
        """Where a command of a sentence is typed: what only a shell knows is not for an open prompt."""
        current = self.sessions.current if self.sessions.lasting else LOCAL
        return LOCAL if current.kind in PROMPTING and only_for_shell(command) else current

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
        if found is not None:
            draft.attributes = exact.merged(draft.attributes, found)
        return []

    def _is_shell(self, node: Node, above: str) -> bool:
        if node.type not in CODE:
            return False
        info = node.info if node.type == "fence" else ""
        if is_shell(info, node.content, above=above):
            return True
        typed_in = self.sessions.current.kind if self.sessions.lasting else SessionKind.LOCAL
        queries = language_of(info) in _TYPED_IN
        return typed_in in PROMPTING and queries and not EXAMPLE.search(above)

    def _commands(self, node: Node, cautions: Sequence[Caution]) -> tuple[Command, ...]:
        first = first_of(node) + (node.type == "fence")
        console = language_of(node.info) in {"console", "shell-session", "shellsession", "terminal"}
        found = fence_commands(node.content, first_line=first, sessions=self.sessions, console=console)
        if not cautions:
            return found
        above = tuple(map(about_the_block, cautions))
        return tuple(replace(each, cautions=(*above, *each.cautions)) for each in found)

    def _fence_attributes(self, node: Node) -> Attributes | None:
        inner = exact.fence_attributes(node.info) if node.type == "fence" else None
        return None if inner is None else self._attributes(inner, first_of(node))

    def _command_step(self, command: Command, address: str, found: Attributes | None) -> Step:
        text = command.comment or command.text
        draft = Draft(address=address, lines=command.lines, text=text, original=self._text_of(command.lines))
        draft.commands = [command]
        draft.attributes = found or UNSAID
        return step_of(draft)

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


def _sentence_at(said: Sequence[Sentence], line: int, code: str) -> Sentence | None:
    return next((each for each in said if code in each.text and each.line <= line), None)


def _reply(draft: Draft, node: Node) -> list[Expectation]:
    """The reply that a text announces right before a block."""
    if not announces_reply(draft.text):
        return []
    line = draft.said[-1].line if draft.said else draft.lines.first
    return [replace(reply_of(node.content), line=line)]


def first_of(node: Node) -> int:
    return node.map[0] + 1 if node.map else 1


def lines_of(node: Node) -> Lines:
    first, end = node.map or (0, 1)
    return Lines(first=first + 1, last=max(end, first + 1))
