"""Parses Markdown into a light tree of blocks; inline text is parsed when somebody asks for it."""

import re
from collections.abc import Iterator, MutableMapping
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from stationmaster.runbooks.read.quick_inline import quick_tokens

_MARKED_UP = re.compile(r"[\\`*_\[\]<>&!~]|  \n")
_INDENTED_FENCE = re.compile(r"[ \t]*(?:```+|~~~+)(?P<info>[^`\n]*)\n")
_UNDERLINED = re.compile(r"\n[ \t>]*(?:=+|-+)[ \t]*(?:\n|\Z)")
_LONGEST_INLINE = 20_000
"""Characters of one paragraph up to which its markup is read; a longer one is taken as plain text."""

Env = MutableMapping[str, Any]


class Node:
    """A block or a piece of inline text: what `SyntaxTreeNode` offers, without its cost."""

    __slots__ = ("_children", "_env", "_tokens", "attrs", "content", "info", "map", "markup", "tag", "type")

    def __init__(self, token: Token, kind: str, env: Env) -> None:
        self.type = kind
        self.tag = token.tag
        self.content = token.content
        self.info = token.info
        self.markup = token.markup
        self.attrs = token.attrs
        self.map = token.map
        self._env = env
        self._tokens: list[Token] | None = None
        self._children: list[Node] | None = None if kind == "inline" else []

    @property
    def children(self) -> list["Node"]:
        if self._children is None:
            self._children = _tree(self.tokens, self._env)
        return self._children

    @property
    def tokens(self) -> list[Token]:
        """The flat tokens of inline text."""
        if self._tokens is None:
            self._tokens = _inline_tokens(self.content, self._env) if self.type == "inline" else []
        return self._tokens

    def walk(self) -> Iterator["Node"]:
        waiting = [self]
        while waiting:
            each = waiting.pop()
            yield each
            waiting.extend(reversed(each.children))


def parse_blocks(text: str) -> list[Node]:
    """The blocks of a document in order."""
    env: Env = {}
    tokens = _blocks(_needless(text)).parse(text, env)
    for token in tokens:
        if token.type == "code_block" and (match := _INDENTED_FENCE.match(token.content)):
            _as_fence(token, match)
    return _tree(tokens, env)


def _as_fence(token: Token, match: re.Match[str]) -> None:
    """A fence that is indented too far for Markdown is still meant as one."""
    token.type, token.tag, token.info = "fence", "code", match["info"].strip()
    token.content = re.sub(r"\n[ \t]*(?:```+|~~~+)[ \t]*\n?\Z", "\n", token.content[match.end() :])


def _needless(text: str) -> tuple[str, ...]:
    """The rules that cannot find anything in a text: each would be asked at every line of it."""
    found = []
    if "|" not in text:
        found.append("table")
    if "]:" not in text:
        found.append("reference")
    if "<" not in text:
        found.append("html_block")
    if not _UNDERLINED.search(text, text.find("\n---", 3) + 1 if text.startswith("---") else 0):
        found.append("lheading")
    return tuple(found)


@cache
def _blocks(needless: tuple[str, ...]) -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"]).use(front_matter_plugin).disable([*needless])
    parser.core.ruler.enableOnly(["block"])
    return parser


@cache
def _inline() -> MarkdownIt:
    return MarkdownIt("commonmark").enable(["strikethrough"])


def _inline_tokens(text: str, env: Env) -> list[Token]:
    if len(text) > _LONGEST_INLINE or not _MARKED_UP.search(text):
        return _plain_tokens(text)
    quick = quick_tokens(text, references=bool(env.get("references")))
    if quick is not None:
        return quick
    found: list[Token] = []
    _inline().inline.parse(text, _inline(), env, found)
    return found


def _plain_tokens(text: str) -> list[Token]:
    found: list[Token] = []
    for number, line in enumerate(text.split("\n")):
        if number:
            found.append(Token("softbreak", "br", 0))
        found.append(Token("text", "", 0, content=line.strip()))
    return found


def _tree(tokens: list[Token], env: Env) -> list[Node]:
    """Nests what lies between an opening and a closing token."""
    top: list[Node] = []
    stack = [top]
    for token in tokens:
        if token.nesting < 0:
            if len(stack) > 1:
                stack.pop()
            continue
        node = Node(token, token.type.removesuffix("_open") if token.nesting else token.type, env)
        stack[-1].append(node)
        if token.nesting:
            stack.append(node.children)
        elif token.children:
            node.children.extend(_tree(token.children, env))
    return top
