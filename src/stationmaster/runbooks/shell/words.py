"""Words of a shell text: quote removal, and what an expansion in one may turn it into."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from stationmaster.runbooks.shell.scope import Scope

_PLACEHOLDER = re.compile(r"\{\{[^$`;|&<>()\n]*?\}\}|<(?:[A-Za-z][\w .:/-]*[\w.])>(?=[\s\"'/.:@,=)\]}-]|$)")
_MARK = "\ue000{}\ue001"
_MARKED = re.compile("\ue000(\\d+)\ue001")
_GLOB = re.compile(r"(?<!\\)(?:[*\[]|\{[^}]*(?:,|\.\.)|^~)")
_BRACES = re.compile(r"(?<!\\)\{(?:[^}]*,|[+-]?\w+\.\.[+-]?\w+)")
_EXPANSION = re.compile(r"\$\{[^}]*\}|\$\(.*\)|`.*`|\$\w+|\$[@*#?!$_-]", re.DOTALL)
_HALF_OPTION = re.compile(r"(?:\$\{?\w+\}?)*-[^=]*\$|(?:\$\{?\w+\}?)+-")
_ANSI = re.compile(r"\$'((?:[^\\']|\\[abefnrtv\\'\"?])*)'")
_ANSI_ESCAPES = {"a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_QUESTION = re.compile(r"(?<!\\)\?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word after quote removal. `dynamic` holds an expansion that only a shell could resolve; `substituted`
    holds the output of another command, so that even the number of words is open; `loose` may turn out to be an
    option, or several words, by what the text itself works out, and `splits` may be several. `bare` is what is left
    where every expansion gives nothing."""

    text: str
    dynamic: bool = False
    substituted: bool = False
    loose: bool = False
    splits: bool = False
    bare: str = ""


def hide_placeholders(text: str) -> tuple[str, list[str]]:
    found: list[str] = []

    def hide(match: re.Match[str]) -> str:
        found.append(match[0])
        return _MARK.format(len(found) - 1)

    clean = text.replace("\ue000", "\ufffd").replace("\ue001", "\ufffd")
    return _PLACEHOLDER.sub(hide, clean), found


def show(text: str, placeholders: list[str]) -> str:
    return _MARKED.sub(lambda match: placeholders[int(match[1])], text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The text that is read, with its placeholders hidden."""

    source: bytes
    placeholders: list[str]
    scope: Scope

    def word(self, node: Node) -> Word:
        below = list(_below(node))
        kinds = {each.type for each in below}
        ansi = [_ANSI.fullmatch(self.text(each)) for each in below if each.type == "ansi_c_string"]
        braces = "brace_expression" in kinds or any(_BRACES.search(self.text(node)) for _ in _unquoted(node))
        substituted = bool(kinds & {"command_substitution", "process_substitution"})
        made_here = substituted or self.scope.may_surprise(below) or braces
        text = show(self._literal(node), self.placeholders)
        expands = bool(kinds & {"simple_expansion", "expansion", "arithmetic_expansion"})
        return Word(
            text=text,
            dynamic=expands
            or substituted
            or "brace_expression" in kinds
            or "translated_string" in kinds
            or not all(ansi)
            or any(_globs(self.text(each)) for each in below if each.type == "word")
            or (node.type == "concatenation" and _globs(self.text(node))),
            substituted=substituted,
            loose=(made_here and (braces or _opens(node)))
            or bool(self.scope.touches(below) and _HALF_OPTION.match(text))
            or "translated_string" in kinds
            or not all(ansi),
            splits=made_here and (braces or _splits(node)),
            bare=_EXPANSION.sub("", text) if expands or substituted else text,
        )

    def _literal(self, node: Node) -> str:
        raw = self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")
        match node.type:
            case "raw_string":
                return raw[1:-1]
            case "ansi_c_string" if found := _ANSI.fullmatch(raw):
                return re.sub(r"\\(.)", lambda match: _ANSI_ESCAPES.get(match[1], match[1]), found[1])
            case "string":
                return re.sub(r'\\([\\"$`])', r"\1", raw[1:-1]).replace("\\\n", "")
            case "word":
                return re.sub(r"\\(.)", r"\1", raw.replace("\\\n", ""), flags=re.DOTALL)
            case "concatenation":
                return "".join(self._literal(child) for child in node.children)
            case _:
                return raw

    def text(self, node: Node) -> str:
        return show(self.source[node.start_byte : node.end_byte].decode("utf-8", "replace"), self.placeholders)


def _globs(text: str) -> bool:
    """Whether an unquoted word may become other words; the `?` of a URL's query is taken as it stands."""
    if "{{" in text:
        return False
    return bool(_GLOB.search(text)) or (bool(_QUESTION.search(text)) and "://" not in text)


def _opens(node: Node) -> bool:
    """Whether what an expansion gives may begin the word, or split it: it stands first, or in no double quotes."""
    if node.type == "string":
        return bool(node.named_children) and node.named_children[0].type != "string_content"
    if node.type == "concatenation":
        return any(each.type not in {"string", "raw_string", "word", "number"} for each in node.named_children) or (
            bool(node.named_children) and _opens(node.named_children[0])
        )
    return node.type not in {"raw_string", "word", "number", "ansi_c_string"}


def _splits(node: Node) -> bool:
    """Whether an expansion stands in no quotes."""
    parts = node.named_children if node.type == "concatenation" else [node]
    return any(each.type not in {"string", "raw_string", "word", "number", "ansi_c_string"} for each in parts)


def _unquoted(node: Node) -> Iterator[Node]:
    return (each for each in [node, *node.named_children] if each.type in {"word", "concatenation"})


def _below(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        each = waiting.pop()
        yield each
        waiting.extend(each.named_children)
