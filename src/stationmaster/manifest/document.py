"""YAML text to located nodes: bounded in size, depth and aliases; YAML 1.2 values; every duplicate key is named."""

import re
from dataclasses import dataclass, field
from typing import NoReturn

import yaml

from stationmaster.core.problem import Origin
from stationmaster.manifest.nodes import Mapping, Node, Scalar, ScalarKind, Sequence, quoted
from stationmaster.manifest.problems import Problems

DEEPEST = 40
MOST_NODES = 1_000_000
"""Nodes of one document with every alias written out."""

_KINDS = (
    (ScalarKind.NOTHING, re.compile(r"null|Null|NULL|~|")),
    (ScalarKind.BOOLEAN, re.compile(r"true|True|TRUE|false|False|FALSE")),
    (ScalarKind.NUMBER, re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")),
    (
        ScalarKind.FRACTION,
        re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
    ),
)
_STARTS_A_VALUE = frozenset("nNtTfF~+-.0123456789")


def compose(text: str, problems: Problems) -> Node | None:
    """The root node, or None when the text is no YAML, is empty, or breaks a bound; why is in `problems`."""
    composer = _Composer(problems)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            composer.take(event)
    except _RefusedError:
        return None
    except yaml.MarkedYAMLError as error:
        _explain(error, text, problems)
        return None
    except UnicodeEncodeError as error:
        origin = Origin(file=problems.file, line=text.count("\n", 0, error.start) + 1)
        problems.add("bad-character", "half of a surrogate pair may not stand in YAML", origin, "remove it")
        return None
    except yaml.reader.ReaderError as error:
        _explain_character(error, text, problems)
        return None
    if composer.root is None:
        origin = Origin(file=problems.file, line=1)
        problems.add("empty-document", "the file declares nothing", origin, "start with `environment: <name>`")
    return composer.root


class _RefusedError(Exception):
    """The document breaks a bound, so reading stops."""


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet."""

    node: Sequence | Mapping
    anchor: str | None
    size: int = 1
    key: Scalar | None = None
    waiting: bool = False


@dataclass(slots=True)
class _Composer:
    problems: Problems
    root: Node | None = None
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int] | None] = field(default_factory=dict)
    """What every anchor names; None while its collection is still open."""

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                self._refuse_tag(event)
                node = Scalar(event.value, _kind(event), *_place(event))
                self._name(event.anchor, node, 1)
                self._put(node, 1)
            case yaml.MappingStartEvent():
                self._begin(event, Mapping({}, {}, *_place(event)))
            case yaml.SequenceStartEvent():
                self._begin(event, Sequence([], *_place(event)))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                closed = self.stack.pop()
                self._name(closed.anchor, closed.node, closed.size)
                self._put(closed.node, closed.size)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent() if self.root is not None:
                self._stop(event, "several-documents", "a second document begins here", "keep one document per file")

    def _begin(self, event: yaml.CollectionStartEvent, node: Sequence | Mapping) -> None:
        self._refuse_tag(event)
        if len(self.stack) >= DEEPEST:
            self._stop(event, "too-deep", f"nested deeper than {DEEPEST} levels", "flatten this part")
        if event.anchor:
            self.anchors[event.anchor] = None
        self.stack.append(_Open(node, event.anchor))

    def _name(self, anchor: str | None, node: Node, size: int) -> None:
        if anchor:
            self.anchors[anchor] = (node, size)

    def _alias(self, event: yaml.AliasEvent) -> None:
        name = event.anchor or ""
        if name not in self.anchors:
            self._stop(event, "unknown-alias", f"no anchor is called {quoted(name)}", "define it above with `&`")
        meant = self.anchors[name]
        if meant is None:
            self._stop(event, "recursive-alias", f"the alias {quoted(name)} contains itself", "write it out")
        else:
            self._put(*meant)

    def _put(self, node: Node, size: int) -> None:
        """Hangs a finished node where it belongs."""
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        parent.size += size
        if parent.size > MOST_NODES:
            message = f"more than {MOST_NODES:,} values, aliases written out"
            self._stop_at(parent.node, "too-many-values", message, "split the platform, or use fewer aliases")
        if isinstance(parent.node, Sequence):
            parent.node.items.append(node)
        elif not parent.waiting:
            self._key(parent, node)
        else:
            self._value(parent, parent.node, node)

    def _key(self, parent: _Open, node: Node) -> None:
        parent.waiting = True
        parent.key = node if isinstance(node, Scalar) else None
        if parent.key is None:
            self.problems.add("bad-key", "a key must be text", self._origin(node), "write `name: value`")

    def _value(self, parent: _Open, mapping: Mapping, node: Node) -> None:
        key, parent.waiting = parent.key, False
        if key is None:
            return
        if key.text in mapping.entries:
            first = mapping.keys[key.text].line
            message = f"the key {quoted(key.text)} stands here a second time; the first is on line {first}"
            self.problems.add("duplicate-key", message, self._origin(key), "keep one of them")
            return
        mapping.entries[key.text] = node
        mapping.keys[key.text] = key

    def _refuse_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is not None:
            line, column = _place(event)
            origin = Origin(file=self.problems.file, line=line, column=column)
            self.problems.add("yaml-tag", f"the tag {quoted(event.tag)} means nothing here", origin, "remove the tag")

    def _origin(self, node: Node) -> Origin:
        return Origin(file=self.problems.file, line=node.line, column=node.column)

    def _stop(self, event: yaml.Event, code: str, message: str, hint: str) -> NoReturn:
        line, column = _place(event)
        self.problems.add(code, message, Origin(file=self.problems.file, line=line, column=column), hint)
        raise _RefusedError

    def _stop_at(self, node: Node, code: str, message: str, hint: str) -> None:
        self.problems.add(code, message, self._origin(node), hint)
        raise _RefusedError


def _place(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _kind(event: yaml.ScalarEvent) -> ScalarKind:
    return plain_kind(event.value) if event.implicit[0] else ScalarKind.TEXT


def plain_kind(text: str) -> ScalarKind:
    """What a text means where it stands without quotes."""
    if text and text[0] not in _STARTS_A_VALUE:
        return ScalarKind.TEXT
    return next((kind for kind, form in _KINDS if form.fullmatch(text)), ScalarKind.TEXT)


def _explain(error: yaml.MarkedYAMLError, text: str, problems: Problems) -> None:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.splitlines()
    shown = lines[line - 1] if line <= len(lines) else ""
    tabbed = "\t" in shown[: len(shown) - len(shown.lstrip())]
    hint = (
        "YAML indents with spaces; replace the tab" if tabbed else "look at the indentation and quotes up to this place"
    )
    message = ", ".join(part for part in (error.context, error.problem) if part)
    problems.add("bad-yaml", message or "this is no YAML", Origin(file=problems.file, line=line, column=column), hint)


def _explain_character(error: yaml.reader.ReaderError, text: str, problems: Problems) -> None:
    before = text.encode(errors="replace")[: error.position].decode(errors="replace")
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    origin = Origin(file=problems.file, line=line, column=column)
    problems.add("bad-character", f"the character #x{error.character:04x} may not stand in YAML", origin, "remove it")
