"""Says what surrounds a place in shell text: which quotes, which word, which command."""

import re
from collections.abc import Iterator
from enum import Enum

from tree_sitter import Node

from stationmaster.runbooks.shell.grammar import tree_of


class Stand(Enum):
    """What surrounds a place."""

    BARE = "bare"
    DOUBLE = "double"
    SINGLE = "single"
    HEREDOC = "heredoc"
    RAW_HEREDOC = "raw-heredoc"
    NUMBER = "number"
    COMMENT = "comment"
    OTHER = "other"
    NEVER = "never"


def parsed(text: str) -> Node:
    return tree_of(text.encode()).root_node


def stand_of(root: Node, first: int, end: int) -> Stand:
    """What the bytes from `first` to `end` stand in: the nearest thing around them that decides about quoting."""
    node: Node | None = root.descendant_for_byte_range(first, end)
    inner, found = node, None
    while node is not None:
        if node.type == "command_substitution" and node.children and text_of(node.children[0]) == "`":
            return Stand.OTHER
        if node.type == "command_substitution" and found is not None:
            return found
        if node.type == "expansion" and found in {Stand.SINGLE, Stand.DOUBLE, Stand.BARE}:
            return Stand.OTHER
        decided = _decided(node, inner)
        if found is None or (node.type == "test_command" and decided is not Stand.BARE):
            found = decided
        node, inner = node.parent, node
    return found or Stand.OTHER


def _decided(node: Node, inner: Node | None) -> Stand | None:
    match node.type:
        case "comment":
            return Stand.COMMENT
        case "string":
            return Stand.DOUBLE
        case "raw_string":
            return Stand.SINGLE
        case "heredoc_body" | "heredoc_content":
            return _heredoc_stand(node)
        case "command_name" | "simple_expansion" | "variable_name" | "special_variable_name" | "heredoc_start":
            return Stand.NEVER
        case "arithmetic_expansion" | "subscript":
            return Stand.NUMBER
        case "word" | "concatenation" | "number" | "string_content" | "heredoc_end":
            return None
        case "binary_expression" | "unary_expression" | "parenthesized_expression":
            return None
        case "file_redirect" if re.match(r"\d*[<>]&", text_of(node)):
            return Stand.OTHER
        case "test_command" if re.search(r"\s-[vR]\s", text_of(node)):
            return Stand.NEVER
        case "test_command" if re.search(r"\s-(?:eq|ne|l[te]|g[te])\s", text_of(node)):
            return Stand.NUMBER
        case "c_style_for_statement":
            return Stand.NUMBER
        case "command" | "file_redirect" | "for_statement" | "variable_assignment" | "array" | "herestring_redirect":
            return Stand.BARE
        case "declaration_command" | "case_statement" | "test_command":
            return Stand.BARE
        case "expansion":
            return Stand.NEVER if inner is not None and inner.type == "variable_name" else Stand.OTHER
        case _:
            return Stand.OTHER


def _heredoc_stand(node: Node) -> Stand | None:
    if node.type == "heredoc_content":
        return None
    around = node.parent
    if "`" in text_of(node):
        return Stand.OTHER
    starts = [each for each in (around.children if around is not None else []) if each.type == "heredoc_start"]
    quoted = bool(starts) and bool(re.search(r"['\"\\]", text_of(starts[0])))
    return Stand.RAW_HEREDOC if quoted else Stand.HEREDOC


def word_around(node: Node | None) -> Node | None:
    """The whole word that a node is a part of."""
    found = None
    while node is not None and node.type in {
        "word",
        "string_content",
        "string",
        "raw_string",
        "concatenation",
        "number",
    }:
        found, node = node, node.parent
    return found


def command_around(node: Node | None) -> Node | None:
    while node is not None and node.type not in {"command", "redirected_statement"}:
        node = node.parent
    return node


def walk(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.named_children))


def text_of(node: Node) -> str:
    return node.text.decode() if node.text is not None else ""
