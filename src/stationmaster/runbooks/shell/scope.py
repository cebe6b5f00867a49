"""What a shell text itself assigns, and where it counts: values that could smuggle options or commands are told."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from tree_sitter import Node

_PLAIN_VALUE = re.compile(r"""(?!-)[\w./:@%+=,-]*|'(?!-)[\w./:@%+=,-]*'|"(?!-)[\w./:@%+=,-]*\"""")
_INTEGER = re.compile(r"""['"]?-?\d+['"]?|\$\(\(.*\)\)""", re.DOTALL)
_PLAIN_EXPANSION = re.compile(
    r"\$\{(\w+)(?::?[-=?+](?!-)['\"]?[\w./:@%,]*['\"]?|%{1,2}[^{}$`]*|#{1,2}[^{}$`]*)?\}|\$\{#\w+\}"
)
_READS_INTO = frozenset({"read", "mapfile", "readarray", "getopts", "printf", "let", "set", "unset"})
_BLANK = re.compile(r"(?:[ \t\n]|\\\n)*")
_ON_ONE_LINE = re.compile(r"(?:[ \t]|\\\n)*")
_CLOSE = re.compile(r"(?:\\\n)*")
_GAPS = {
    "command": _ON_ONE_LINE,
    "declaration_command": _ON_ONE_LINE,
    "file_redirect": _ON_ONE_LINE,
    "herestring_redirect": _ON_ONE_LINE,
    "redirected_statement": _ON_ONE_LINE,
    "concatenation": _CLOSE,
    "variable_assignment": _CLOSE,
}
"""What may stand between the parts of a node, where that is less than any blank."""
_WITH_PARTS = frozenset(
    """
    program list pipeline command redirected_statement file_redirect herestring_redirect subshell compound_statement
    concatenation declaration_command unset_command if_statement elif_clause else_clause for_statement while_statement
    do_group case_statement case_item negated_command command_substitution process_substitution variable_assignment
    variable_assignments array command_name
    """.strip().split()
)
_FORMS = {
    "ansi_c_string": re.compile(r"\$'(?:[^\\']|\\.)*'", re.DOTALL),
    "raw_string": re.compile(r"'[^']*'"),
    "string": re.compile(r'"(?:[^"\\`]|\\.)*"', re.DOTALL),
    "word": re.compile(r"(?:[^\s'\"`;&|<>()\\$]|\\.)+\$?", re.DOTALL),
}
"""How a shell delimits what the parser calls by these names."""
_TESTS = re.compile(r"""[\\'"]*(?:\S+\s+)*[\\'"]*(?:t|p|u)[\\'"\w]*\s.*-[\\'"]*[vR]""", re.DOTALL)
_COMPARES = re.compile(r"\s-(?:eq|ne|lt|le|gt|ge)\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """`assigned` are the variables that the text sets, `surprising` those whose value it works out or that could be
    an option; `opaque` is what nobody can vouch for."""

    assigned: frozenset[str]
    surprising: frozenset[str]
    opaque: tuple[str, ...]

    def touches(self, nodes: Iterable[Node]) -> bool:
        """Whether an expansion among the nodes of a word names a variable that the text sets."""
        return any(node.type == "variable_name" and _text(node) in self.assigned for node in nodes)

    def may_surprise(self, nodes: Iterable[Node]) -> bool:
        """Whether an expansion among the nodes of a word may hold what the text made itself."""
        for node in nodes:
            text = _text(node)
            if node.type == "expansion" and not _PLAIN_EXPANSION.fullmatch(text):
                return True
            if node.type == "expansion" and text.startswith("${") and text[2:-1].split(":")[0] in self.surprising:
                return True
            if node.type in {"variable_name", "special_variable_name"} and (text in self.surprising or text == "_"):
                return True
        return False


def read_scope(root: Node) -> Scope:
    source = root.text or b""
    values: dict[str, list[str]] = {}
    opaque: list[str] = []
    counted: set[str] = set()
    for node in _walk(root):
        for name, value in _assigned(node):
            values.setdefault(name, []).append(value)
        opaque += _unreadable(node)
        opaque += _lost(node, source)
        counted |= _counted(node)
    for name in sorted(counted & values.keys()):
        if not all(_INTEGER.fullmatch(value) for value in values[name]):
            opaque.append(f"`{name}` is reckoned with, and its value could hold a command")
    surprising = (name for name, found in values.items() if not all(_is_plain(value) for value in found))
    return Scope(assigned=frozenset(values), surprising=frozenset(surprising), opaque=tuple(opaque))


def _is_plain(value: str) -> bool:
    return bool(_PLAIN_VALUE.fullmatch(value) or _INTEGER.fullmatch(value))


def _assigned(node: Node) -> Iterator[tuple[str, str]]:
    match node.type:
        case "variable_assignment":
            name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
            if name is not None:
                yield re.split(r"[\[+]", _text(name))[0], _text(value) if value is not None else ""
        case "for_statement":
            name = node.child_by_field_name("variable")
            for value in node.children_by_field_name("value"):
                if name is not None:
                    yield _text(name), _text(value)
        case "command":
            words = [_text(child) for child in node.named_children]
            if words and words[0] in _READS_INTO and (words[0] != "printf" or any(w.startswith("-v") for w in words)):
                for word in (*words[1:], "REPLY", "MAPFILE", "OPTARG"):
                    yield re.split(r"\W", word.strip("'\"").removeprefix("-v"))[0], "$"


def _unreadable(node: Node) -> Iterator[str]:
    text = _text(node)
    if node.type == "expansion" and re.match(r"\$\{!|.*@[A-Za-z]\}$", text, re.DOTALL):
        yield f"`{text[:60]}` expands what it finds once more"
    if node.type == "command_substitution" and text.startswith("`") and "\\" in text:
        yield "backquotes with a backslash in them"
    if node.type in {"word", "simple_expansion", "concatenation", "string", "string_content"} and "$[" in text:
        yield f"`{text[:60]}` reckons in the old way"
    if node.type == "test_command" and re.search(r"\s-[vR]\s", text):
        yield f"`{text[:60]}` looks at a variable by its name"
    if node.type == "command" and _TESTS.match(text) and re.search(r"\[.*(?:\$\(|`)", text, re.DOTALL):
        yield f"`{text[:60]}` looks at a variable by its name"


def _counted(node: Node) -> set[str]:
    """The names that a shell would reckon with here, which may run a command hidden in their value."""
    text = _text(node)
    reckons = (
        node.type in {"arithmetic_expansion", "subscript", "c_style_for_statement"}
        or (node.type == "compound_statement" and text.startswith("(("))
        or (node.type == "expansion" and re.match(r"\$\{\w+:[^-=?+]", text) is not None)
        or (node.type == "test_command" and text.startswith("[[") and _COMPARES.search(text) is not None)
    )
    return set(re.findall(r"[A-Za-z_]\w*", text)) if reckons else set()


def _lost(node: Node, source: bytes) -> Iterator[str]:
    """What the parser left out: bytes between the parts of a node that are neither blank nor a continued line."""
    if node.type in _WITH_PARTS:
        for one, two in pairwise(node.children):
            between = source[one.end_byte : two.start_byte].decode("utf-8", "replace")
            if not _GAPS.get(node.type, _BLANK).fullmatch(between):
                yield f"`{between.strip()[:40]}` is in the text, and not in what was read"
    if node.type == "command":
        if any(not child.is_named and child.type != "<<<" for child in node.children):
            yield f"`{_text(node)[:60]}` holds a sign that was not read as a part of a word"
        kinds = [child.type for child in node.children]
        if "comment" in kinds[:-1]:
            yield "a comment stands within a command"
    if (form := _FORMS.get(node.type)) is not None and not form.fullmatch(_without_expansions(node, source)):
        yield f"`{_text(node)[:40]}` does not end where a shell would end it"
    if node.type == "expansion" and re.search(r"[<>]\(", _text(node)):
        yield f"`{_text(node)[:60]}` may hold a command"


def _without_expansions(node: Node, source: bytes) -> str:
    if node.type != "string":
        return _text(node)
    kept, at = b"", node.start_byte
    for child in node.named_children:
        if child.type != "string_content":
            kept, at = kept + source[at : child.start_byte], child.end_byte
    return (kept + source[at : node.end_byte]).decode("utf-8", "replace")


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _walk(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.named_children)
