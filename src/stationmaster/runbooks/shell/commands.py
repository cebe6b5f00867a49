"""Reads shell text into simple commands with the help of tree-sitter; nothing is expanded and nothing is run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from stationmaster.runbooks.shell.grammar import tree_of
from stationmaster.runbooks.shell.scope import read_scope
from stationmaster.runbooks.shell.words import Page, Word, hide_placeholders, show

__all__ = ["Script", "SimpleCommand", "Statement", "Word", "parse", "statements"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleCommand:
    """One program call. `writes` are files that a redirection writes; `piped` is fed by the command before it;
    `fed` is the text of its heredoc or here-string, None where that is known only when it runs."""

    words: tuple[Word, ...]
    assignments: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    piped: bool = False
    fed: str | None = ""

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


def _cells(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TRANSPARENT = _cells(
    """
        program list pipeline subshell compound_statement if_statement elif_clause else_clause for_statement
        c_style_for_statement while_statement do_group case_statement case_item redirected_statement
        negated_command command_substitution process_substitution heredoc_redirect heredoc_body
        herestring_redirect variable_assignment variable_assignments subscript array test_command
        binary_expression unary_expression parenthesized_expression postfix_expression ternary_expression
        arithmetic_expansion expansion string concatenation
        """
)
_LEAVES = _cells(
    """
        comment word number raw_string ansi_c_string string_content simple_expansion variable_name
        special_variable_name heredoc_start heredoc_end heredoc_content file_descriptor test_operator regex
        extglob_pattern brace_expression translated_string
        """
)
_DEEP = 200
_STRANGE = re.compile(r"[^\S \t\n]|[\x00-\x08\x0e-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_WORKED_OUT = re.compile(r"`|\$\{(?!\w+\})|\$\(\(|\$\[")


def parse(text: str) -> Script:
    """Reads `text` as bash. Placeholders such as `<pod-name>` and `{{ x }}` count as literal words."""
    marked, placeholders = hide_placeholders(text)
    source = marked.encode("utf-8", "replace")
    tree = tree_of(source)
    scope = read_scope(tree.root_node)
    page = Page(source=source, placeholders=placeholders, scope=scope)
    reading = _Reading(page=page, opaque=list(scope.opaque))
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
    marked, placeholders = hide_placeholders(text)
    source = marked.encode("utf-8", "replace")
    comments: list[str] = []
    for node in _top(tree_of(source).root_node):
        if node.type == "comment":
            comments.append(_slice(source, node, placeholders).lstrip("# ").rstrip())
            continue
        after = node.next_sibling
        background = " &" if after is not None and after.type == "&" else ""
        yield Statement(
            text=f"{_slice(source, node, placeholders).strip()}{background}",
            first_line=node.start_point.row,
            last_line=max(node.end_point.row - (node.end_point.column == 0), node.start_point.row),
            comment=" ".join(comments),
        )
        comments = []


def _top(root: Node) -> list[Node]:
    return [child for child in root.children if child.is_named]


def _slice(source: bytes, node: Node, placeholders: list[str]) -> str:
    return show(source[node.start_byte : node.end_byte].decode(), placeholders)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outer:
    """What the redirections around a command write, what they feed it, and its words that stand behind them."""

    writes: tuple[str, ...] = ()
    fed: str | None = ""
    words: tuple[Word, ...] = ()


_NOTHING = _Outer()


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What has been gathered while walking one syntax tree."""

    page: Page
    commands: list[SimpleCommand] = field(default_factory=list)
    opaque: list[str] = field(default_factory=list)

    def visit(self, node: Node, *, depth: int, piped: bool = False, outer: _Outer = _NOTHING) -> None:
        if depth > _DEEP:
            self.opaque.append("nested too deeply to be read")
            return
        match node.type:
            case "command":
                self._command(node, depth, piped, outer)
            case "declaration_command" | "unset_command":
                self._declaration(node, depth, outer)
            case "redirected_statement":
                self._redirected(node, depth, piped, outer)
            case "pipeline":
                for number, child in enumerate(node.named_children):
                    self.visit(child, depth=depth + 1, piped=piped or number > 0, outer=outer)
            case "variable_assignment":
                self._assignment(node, depth, outer)
            case "file_redirect":
                if written := self._written(node):
                    self.commands.append(SimpleCommand(words=(), writes=(written,)))
                self._inside(node, depth)
            case kind if kind in _TRANSPARENT:
                if (name := node.child_by_field_name("variable")) is not None:
                    self.commands.append(SimpleCommand(words=(), assignments=(self._text(name),)))
                for child in node.named_children:
                    self.visit(child, depth=depth + 1, piped=piped, outer=outer)
            case kind if kind not in _LEAVES:
                self.opaque.append(f"`{self._text(node)[:60]}` ({kind}) is not looked into")

    def _redirected(self, node: Node, depth: int, piped: bool, outer: _Outer) -> None:
        body = node.child_by_field_name("body")
        redirects = [child for child in node.named_children if child != body]
        mine = self._around(redirects, depth, outer)
        if body is not None:
            self.visit(body, depth=depth + 1, piped=piped, outer=mine)
        if (body is None or body.type != "command") and (mine.writes or mine.words):
            self.commands.append(SimpleCommand(words=mine.words, writes=mine.writes))
        if mine.words and (body is None or body.type != "command"):
            self.opaque.append("words behind a redirection of more than one command")
        for child in redirects:
            self._inside(child, depth)

    def _around(self, redirects: list[Node], depth: int, outer: _Outer) -> _Outer:
        """What redirections write and feed; a heredoc may hold further redirections and whole commands behind it."""
        writes, fed, words = list(outer.writes), outer.fed, list(outer.words)
        waiting = list(redirects)
        while waiting:
            each = waiting.pop(0)
            match each.type:
                case "file_redirect":
                    writes.append(self._written(each))
                    words += [self.page.word(child) for child in each.children_by_field_name("destination")[1:]]
                case "herestring_redirect":
                    fed = self._herestring(each)
                case "heredoc_redirect":
                    fed = self._heredoc(each)
                    waiting += [child for child in each.named_children if child.type.endswith("redirect")]
                    self._behind_heredoc(each, depth, outer)
        return _Outer(writes=tuple(filter(None, writes)), fed=fed, words=tuple(words))

    def _behind_heredoc(self, node: Node, depth: int, outer: _Outer) -> None:
        for child in node.named_children:
            if child.type in {"command", "pipeline", "list", "redirected_statement", "subshell"}:
                self.visit(child, depth=depth + 1, piped=True, outer=outer)
            elif not child.type.startswith("heredoc") and child.type not in {"file_redirect", "file_descriptor"}:
                self.opaque.append(f"`{self._text(child)[:60]}` stands behind a heredoc")

    def _heredoc(self, node: Node) -> str | None:
        parts = {child.type: child for child in node.named_children}
        start, end = parts.get("heredoc_start"), parts.get("heredoc_end")
        if start is None or end is None or "<<" in self._text(node).split("\n", 1)[0][2:]:
            self.opaque.append("a heredoc without a plain end")
            return None
        lines = self.page.source.decode("utf-8", "replace").split("\n")
        first, last = start.start_point.row + 1, end.start_point.row
        quoted = re.fullmatch(r"(['\"\\]?)([\w.-]+)\1?", self._text(start))
        closed = [
            number
            for number, line in enumerate(lines[first:], start=first)
            if quoted and line in {quoted[2], "\t" * (len(line) - len(line.lstrip("\t"))) + quoted[2]}
        ]
        if not closed or closed[0] != last:
            self.opaque.append("a heredoc whose end is not plain")
            return None
        body = "\n".join(lines[first:last])
        literal = bool(quoted and quoted[1])
        if not literal and _WORKED_OUT.search(body):
            self.opaque.append("a heredoc that works out more than plain variables and commands")
        return show(body, self.page.placeholders) if literal or not re.search(r"[$`\\]", body) else None

    def _herestring(self, node: Node) -> str | None:
        word = self.page.word(node.named_children[-1]) if node.named_children else Word(text="", dynamic=True)
        return None if word.dynamic else word.text

    def _written(self, redirect: Node) -> str:
        start = redirect.child_by_field_name("destination")
        target = self._text(start) if start is not None else "?"
        between = start.start_byte if start is not None else redirect.end_byte
        operator = (
            self.page.source[redirect.start_byte : between].decode("utf-8", "replace").strip().lstrip("0123456789")
        )
        closes = target in {"?", "-"} and operator.endswith("-")
        harmless = target in {"/dev/null", "/dev/stdout", "/dev/stderr"} or (operator == ">&" and target.isdigit())
        return "" if operator in {"<", "<&"} or harmless or closes else target

    def _command(self, node: Node, depth: int, piped: bool, outer: _Outer) -> None:
        words: list[Word] = []
        assignments: list[str] = []
        redirects: list[Node] = []
        for child in node.named_children:
            match child.type:
                case "variable_assignment":
                    assignments.append(self._text(child).split("=", 1)[0])
                case "command_name":
                    words.append(self.page.word(child.named_children[0] if child.named_children else child))
                case kind if kind.endswith("redirect"):
                    redirects.append(child)
                case "comment":
                    pass
                case _:
                    words.append(self.page.word(child))
            self._inside(child, depth)
        mine = self._around(redirects, depth, outer)
        self.commands.append(
            SimpleCommand(
                words=(*words, *mine.words),
                assignments=tuple(assignments),
                writes=mine.writes,
                piped=piped,
                fed=mine.fed,
            )
        )

    def _declaration(self, node: Node, depth: int, outer: _Outer) -> None:
        names = tuple(self._text(child).split("=", 1)[0] for child in node.named_children)
        word = Word(text=self._text(node).split()[0])
        self.commands.append(SimpleCommand(words=(word,), assignments=names, writes=outer.writes))
        self._inside(node, depth)

    def _assignment(self, node: Node, depth: int, outer: _Outer) -> None:
        name = self._text(node).split("=", 1)[0].rstrip("+")
        self.commands.append(SimpleCommand(words=(), assignments=(name,), writes=outer.writes))
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

    def _text(self, node: Node) -> str:
        return self.page.text(node)
