"""Reads shell text into simple commands with the help of tree-sitter; nothing is expanded and nothing is run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from stationmaster.runbooks.risk_table import cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word after quote removal. `dynamic` holds an expansion that only a shell could resolve; `substituted`
    holds the output of another command, so that even the number of words is open."""

    text: str
    dynamic: bool = False
    substituted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleCommand:
    """One program call. `writes` are files that a redirection writes; `piped` is fed by the command before it."""

    words: tuple[Word, ...]
    assignments: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    piped: bool = False

    @property
    def program(self) -> str:
        return self.words[0].text if self.words else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Every simple command of a text in reading order; `opaque` says in words what could not be read."""

    commands: tuple[SimpleCommand, ...]
    opaque: tuple[str, ...] = ()
    simple: bool = False
    """Exactly one call without pipe, redirection, substitution or control flow: it can run as an argv."""


_PLACEHOLDER = re.compile(r"\{\{.*?\}\}|<(?:[A-Za-z][\w .:/-]*[\w.])>(?=[\s\"'/.:@,=)\]}-]|$)")
_MARK = "\ue000{}\ue001"
_MARKED = re.compile("\ue000(\\d+)\ue001")

_TRANSPARENT = cells(
    """
        program list pipeline subshell compound_statement if_statement elif_clause else_clause for_statement
        c_style_for_statement while_statement do_group case_statement case_item redirected_statement
        negated_command command_substitution process_substitution heredoc_redirect heredoc_body
        herestring_redirect file_redirect variable_assignment variable_assignments subscript array test_command
        binary_expression unary_expression parenthesized_expression postfix_expression ternary_expression
        arithmetic_expansion expansion string concatenation
        """
)
_LEAVES = cells(
    """
        comment word number raw_string ansi_c_string string_content simple_expansion variable_name
        special_variable_name heredoc_start heredoc_end heredoc_content file_descriptor test_operator regex
        extglob_pattern brace_expression translated_string
        """
)
_DEEP = 200
_STRANGE = re.compile(r"[^\S \t\n]|[\x00-\x08\x0e-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_GLOB = re.compile(r"(?<!\\)(?:[*\[]|\{[^}]*(?:,|\.\.)|^~)")
_QUESTION = re.compile(r"(?<!\\)\?")


def parse(text: str) -> Script:
    """Reads `text` as bash. Placeholders such as `<pod-name>` and `{{ x }}` count as literal words."""
    marked, placeholders = _hide_placeholders(text)
    tree = _parser().parse(marked.encode())
    reading = _Reading(source=marked.encode(), placeholders=placeholders)
    if tree.root_node.has_error:
        reading.opaque.append("the text is not valid shell")
    if _STRANGE.search(text):
        reading.opaque.append("it holds control characters or spaces that a shell does not take for spaces")
    reading.visit(tree.root_node, depth=0)
    background = any(child.type == "&" for child in tree.root_node.children)
    children = [child for child in tree.root_node.named_children if child.type != "comment"]
    one = len(children) == 1 and children[0].type == "command" and len(reading.commands) == 1
    plain = one and not reading.opaque and not background and not _redirects(children[0])
    return Script(commands=tuple(reading.commands), opaque=tuple(reading.opaque), simple=plain)


def _redirects(node: Node) -> bool:
    return any(child.type.endswith("redirect") for child in node.named_children)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One top-level statement of a fence: its text, lines counted from 0, and the comment above or beside it."""

    text: str
    first_line: int
    last_line: int
    comment: str


def statements(text: str) -> Iterator[Statement]:
    """The top-level statements of a text in order, each with the comment lines that stand right above it."""
    marked, placeholders = _hide_placeholders(text)
    source = marked.encode()
    comments: list[str] = []
    for node in _top(_parser().parse(source).root_node):
        if node.type == "comment":
            comments.append(_slice(source, node, placeholders).lstrip("# ").rstrip())
            continue
        yield Statement(
            text=_slice(source, node, placeholders).strip(),
            first_line=node.start_point.row,
            last_line=max(node.end_point.row - (node.end_point.column == 0), node.start_point.row),
            comment=" ".join(comments),
        )
        comments = []


def _top(root: Node) -> list[Node]:
    return [child for child in root.children if child.is_named]


def _slice(source: bytes, node: Node, placeholders: list[str]) -> str:
    return _show(source[node.start_byte : node.end_byte].decode(), placeholders)


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bash.language()))


def _hide_placeholders(text: str) -> tuple[str, list[str]]:
    found: list[str] = []

    def hide(match: re.Match[str]) -> str:
        found.append(match[0])
        return _MARK.format(len(found) - 1)

    clean = text.replace("\ue000", "\ufffd").replace("\ue001", "\ufffd")
    return _PLACEHOLDER.sub(hide, clean), found


def _show(text: str, placeholders: list[str]) -> str:
    return _MARKED.sub(lambda match: placeholders[int(match[1])], text)


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What has been gathered while walking one syntax tree."""

    source: bytes
    placeholders: list[str]
    commands: list[SimpleCommand] = field(default_factory=list)
    opaque: list[str] = field(default_factory=list)

    def visit(self, node: Node, *, depth: int, piped: bool = False, writes: tuple[str, ...] = ()) -> None:
        if depth > _DEEP:
            self.opaque.append("nested too deeply to be read")
            return
        match node.type:
            case "command":
                self._command(node, depth, piped, writes)
            case "declaration_command" | "unset_command":
                self._declaration(node, depth, writes)
            case "redirected_statement":
                self._redirected(node, depth, piped, writes)
            case "pipeline":
                for number, child in enumerate(node.named_children):
                    self.visit(child, depth=depth + 1, piped=piped or number > 0, writes=writes)
            case "variable_assignment":
                self._assignment(node, depth, writes)
            case kind if kind in _TRANSPARENT:
                for child in node.named_children:
                    self.visit(child, depth=depth + 1, piped=piped, writes=writes)
            case kind if kind not in _LEAVES:
                self.opaque.append(f"`{self._text(node)[:60]}` ({kind}) is not looked into")

    def _redirected(self, node: Node, depth: int, piped: bool, writes: tuple[str, ...]) -> None:
        body = node.child_by_field_name("body")
        outer = writes + tuple(self._written(each) for each in node.named_children if each.type == "file_redirect")
        if body is not None:
            self.visit(body, depth=depth + 1, piped=piped, writes=tuple(filter(None, outer)))
        elif any(outer):
            self.commands.append(SimpleCommand(words=(), writes=tuple(filter(None, outer))))
        for child in node.named_children:
            if child != body:
                self._inside(child, depth)

    def _written(self, redirect: Node) -> str:
        operator = next((child.type for child in redirect.children if ">" in child.type or "<" in child.type), ">")
        target = redirect.child_by_field_name("destination")
        text = self._text(target) if target is not None else "?"
        harmless = text in {"/dev/null", "/dev/stdout", "/dev/stderr"} or (operator == ">&" and text.isdigit())
        return "" if operator == "<" or operator.startswith("<&") or harmless else text

    def _command(self, node: Node, depth: int, piped: bool, writes: tuple[str, ...]) -> None:
        words: list[Word] = []
        assignments: list[str] = []
        written = list(writes)
        for child in node.named_children:
            match child.type:
                case "variable_assignment":
                    assignments.append(self._text(child).split("=", 1)[0])
                case "command_name":
                    words.append(self._word(child.named_children[0] if child.named_children else child))
                case "file_redirect":
                    written.append(self._written(child))
                case "herestring_redirect" | "heredoc_redirect" | "comment":
                    pass
                case _:
                    words.append(self._word(child))
            self._inside(child, depth)
        named = tuple(filter(None, written))
        self.commands.append(
            SimpleCommand(words=tuple(words), assignments=tuple(assignments), writes=named, piped=piped)
        )

    def _declaration(self, node: Node, depth: int, writes: tuple[str, ...]) -> None:
        names = tuple(self._text(child).split("=", 1)[0] for child in node.named_children)
        word = Word(text=self._text(node).split()[0])
        self.commands.append(SimpleCommand(words=(word,), assignments=names, writes=writes))
        self._inside(node, depth)

    def _assignment(self, node: Node, depth: int, writes: tuple[str, ...]) -> None:
        name = self._text(node).split("=", 1)[0]
        self.commands.append(SimpleCommand(words=(), assignments=(name,), writes=writes))
        self._inside(node, depth)

    def _inside(self, node: Node, depth: int) -> None:
        """Looks for substitutions below a word or a redirection."""
        if depth > _DEEP:
            self.opaque.append("nested too deeply to be read")
            return
        if node.type in {"command_substitution", "process_substitution"}:
            self.visit(node, depth=depth + 1)
            return
        for child in node.named_children:
            self._inside(child, depth + 1)

    def _word(self, node: Node) -> Word:
        kinds = {each.type for each in _below(node)}
        return Word(
            text=_show(self._literal(node), self.placeholders),
            dynamic=bool(kinds & {"simple_expansion", "expansion", "arithmetic_expansion", "brace_expression"})
            or bool(kinds & {"command_substitution", "process_substitution", "ansi_c_string", "translated_string"})
            or any(_globs(self._text(each)) for each in _below(node) if each.type == "word")
            or (node.type == "concatenation" and _globs(self._text(node))),
            substituted=bool(kinds & {"command_substitution", "process_substitution"}),
        )

    def _literal(self, node: Node) -> str:
        raw = self.source[node.start_byte : node.end_byte].decode()
        match node.type:
            case "raw_string":
                return raw[1:-1]
            case "string":
                return re.sub(r'\\([\\"$`])', r"\1", raw[1:-1]).replace("\\\n", "")
            case "word":
                return re.sub(r"\\(.)", r"\1", raw.replace("\\\n", ""), flags=re.DOTALL)
            case "concatenation":
                return "".join(self._literal(child) for child in node.children)
            case _:
                return raw

    def _text(self, node: Node) -> str:
        return _show(self.source[node.start_byte : node.end_byte].decode(), self.placeholders)


def _globs(text: str) -> bool:
    """Whether an unquoted word may become other words; the `?` of a URL's query is taken as it stands."""
    if "{{" in text:
        return False
    return bool(_GLOB.search(text)) or (bool(_QUESTION.search(text)) and "://" not in text)


def _below(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        each = waiting.pop()
        yield each
        waiting.extend(each.named_children)
