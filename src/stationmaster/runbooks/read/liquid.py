"""Renders the Liquid of a document against the data of its library; what is missing stays visible and is told."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import yaml

from stationmaster.core.problem import Diagnostic, Origin, Severity
from stationmaster.runbooks.read.bounds import stays_small
from stationmaster.runbooks.read.context import NOTHING, ReadingContext
from stationmaster.runbooks.read.knowledge import Contact
from stationmaster.runbooks.read.liquid_engine import RENDER_ERRORS, Notes, RunbookLiquid, engine
from stationmaster.runbooks.read.liquid_lines import Marks, marks_for, unmarked
from stationmaster.runbooks.read.liquid_pieces import CONTROL, Piece, PieceKind, filters_of, pieces_of, too_large

_FRONT = re.compile(r"\A---[ \t]*\n(?P<yaml>.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_LARGEST = 1_000_000
"""Characters up to which Liquid is rendered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """The rendered text. `contacts` are the names of the people that it refers to, `people` what is known of them.
    `origins` gives for each line the line of the source that it comes from; None where no line has moved."""

    text: str
    contacts: tuple[str, ...] = ()
    people: tuple[Contact, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    origins: tuple[int, ...] | None = None


def rendered(text: str, *, file: str, context: ReadingContext = NOTHING) -> Plain:
    """Never fails: Liquid that is broken is left standing, with a diagnostic."""
    if ("{%" not in text and "{{" not in text) or len(text) > _LARGEST:
        return Plain(text=text)
    front = _FRONT.match(text)
    pieces = pieces_of(text, start=front.end() if front else 0)
    marks = marks_for(text) if pieces else None
    if marks is None:
        return Plain(text=text)
    page = _page(front["yaml"]) if front else {}
    return _Document(text=text, file=file, pieces=pieces, notes=Notes(marks=marks, context=context), page=page).render()


def _page(front: str) -> dict[str, object]:
    try:
        loaded = yaml.safe_load(front)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return (
        {str(key): value for key, value in loaded.items()} if isinstance(loaded, dict) and stays_small(loaded) else {}
    )


@dataclass(slots=True, kw_only=True)
class _Document:
    text: str
    file: str
    pieces: list[Piece]
    notes: Notes
    page: dict[str, object]

    def render(self) -> Plain:
        """Everything first; where its blocks do not close, without what decides and repeats; else nothing of it."""
        told: list[Diagnostic] = []
        environment = engine(self.notes)
        refused = {each.start for each in self.pieces if self._refused(each, environment, told)}
        for leave_out in (frozenset[str](), CONTROL):
            self._forget()
            source = self._source(lambda piece: piece.start in refused, leave_out)
            try:
                text = environment.from_string(source).render(**self.notes.context.names(), page=self.page)
            except RENDER_ERRORS as error:
                told.append(self._broken(error, source))
                continue
            return self._plain(text, [*dict.fromkeys(told), *self._missing()])
        self._forget()
        return Plain(text=self.text, diagnostics=tuple(dict.fromkeys(told)))

    def _forget(self) -> None:
        """What a rendering that failed half-way had found."""
        self.notes.missing.clear()
        self.notes.includes.clear()
        self.notes.people.clear()
        self.notes.line = 0

    def _plain(self, text: str, told: list[Diagnostic]) -> Plain:
        plain, origins = unmarked(text, self.notes.marks)
        people = tuple(dict.fromkeys(self.notes.people))
        names = tuple(dict.fromkeys(each.key for each in people))
        return Plain(text=plain, contacts=names, people=people, diagnostics=tuple(told), origins=origins)

    def _source(self, refused: Callable[[Piece], bool], leave_out: frozenset[str]) -> str:
        """The text as python-liquid may see it: everything that is no Liquid is hidden from it."""
        marks, parts, at, line = self.notes.marks, list[str](), 0, 1
        for piece in self.pieces:
            before = self.text[at : piece.start]
            parts.append(marks.hidden(before, first_line=line))
            line += before.count("\n")
            if refused(piece):
                parts.append(marks.hidden(piece.text, first_line=line))
            elif piece.name not in leave_out or piece.kind is not PieceKind.TAG:
                parts.append(self._written(piece, marks))
            line += piece.text.count("\n")
            at = piece.end
        parts.append(marks.hidden(self.text[at:], first_line=line))
        return f"{marks.line}1{marks.line}{''.join(parts)}"

    def _written(self, piece: Piece, marks: Marks) -> str:
        """How a piece is given to python-liquid: tags that Jekyll adds are written out here."""
        if piece.kind is PieceKind.UNKNOWN_NAME:
            return f"{marks.brace * 2}{piece.name}}}}}"
        if piece.kind is PieceKind.UNKNOWN_TAG:
            return "" if self._pairs(piece) else f"{marks.brace * 2}{piece.name}}}}}"
        if piece.kind is PieceKind.TAG:
            match piece.name:
                case "raw" | "endraw":
                    return ""
                case "link" | "post_url":
                    return f"/{piece.rest.strip().strip(chr(34)).lstrip('/')}"
                case "highlight":
                    return f"```{piece.rest.split()[0] if piece.rest else ''}"
                case "endhighlight":
                    return "```"
        return piece.text

    def _pairs(self, piece: Piece) -> bool:
        """Whether a tag of a plug-in opens or closes a block: its content stays, the tag goes."""
        names = {each.name for each in self.pieces if each.kind is PieceKind.UNKNOWN_TAG}
        return f"end{piece.name}" in names or piece.name.removeprefix("end") in names - {piece.name}

    def _refused(self, piece: Piece, environment: RunbookLiquid, told: list[Diagnostic]) -> bool:
        """Whether a piece cannot be read by itself, or asks for too much."""
        line = self.text.count("\n", 0, piece.start) + 1
        if too_large(piece):
            told.append(self._told("liquid-limit", f"`{piece.text}` counts through a range that is too long", line))
            return True
        if piece.kind is PieceKind.UNKNOWN_TAG and not self._pairs(piece):
            told.append(self._told("liquid-tag", f"`{piece.text}` is a tag that nobody here knows", line))
        if piece.kind is PieceKind.UNKNOWN_NAME:
            told.append(self._told("liquid-missing", f"nothing gives `{piece.name}` a value", line))
        alone = piece.kind is PieceKind.OUTPUT or (
            piece.kind is PieceKind.TAG and piece.name in {"assign", "echo", "cycle"}
        )
        why = _unreadable(piece, environment) if alone else ""
        if why:
            told.append(self._told("liquid-broken", f"`{piece.text}` cannot be read: {why}", line))
        return bool(why)

    def _broken(self, error: BaseException, source: str) -> Diagnostic:
        token = getattr(error, "token", None)
        marks = self.notes.marks
        start = getattr(token, "start_index", -1)
        line = marks.line_at(source, start) if start >= 0 and getattr(token, "source", "") == source else 1
        return self._told("liquid-broken", f"the Liquid of this document cannot be rendered: {_said(error)}", line)

    def _missing(self) -> list[Diagnostic]:
        """One for each entry of the data, however many of its fields are asked for."""
        asked: dict[str, tuple[int, list[str]]] = {}
        for name, line in self.notes.missing:
            entry, _, last = name.rpartition(".") if name.count(".") > 1 else ("", "", "")
            first, fields = asked.setdefault(entry or name, (line, []))
            if entry and last not in fields:
                fields.append(last)
            asked[entry or name] = (min(first, line), fields)
        found = [
            self._told(
                "liquid-missing", f"the data has no `{entry}`" + (f": {', '.join(fields)}" if fields else ""), line
            )
            for entry, (line, fields) in asked.items()
        ]
        return found + [
            self._told("include-missing", f"`{name}` is not among the includes", line)
            for name, line in dict.fromkeys(self.notes.includes)
        ]

    def _told(self, code: str, message: str, line: int) -> Diagnostic:
        origin = Origin(file=self.file, line=line)
        return Diagnostic(code=code, message=message, origin=origin, hint=_HINTS[code], severity=Severity.WARNING)


_HINTS = {
    "liquid-missing": "put it into `contacts.yaml`, `links.yaml` or `_data/` beside the runbooks; now it is asked for",
    "include-missing": "put it into `_includes/` beside the runbooks; its text is not part of what was read",
    "liquid-tag": "write its text out; a tag of a plug-in cannot be rendered here",
    "liquid-broken": "check the tags and their ends; until then the text is read as it stands",
    "liquid-limit": "write the text out, or loop over data",
}


def _unreadable(piece: Piece, environment: RunbookLiquid) -> str:
    """Why a piece cannot be read by itself; empty when it can."""
    unknown = [name for name in filters_of(piece) if name not in environment.filters]
    if unknown:
        return f"there is no filter `{unknown[0]}`"
    try:
        environment.from_string(piece.text)
    except RENDER_ERRORS as error:
        return _said(error)
    return ""


def _said(error: BaseException) -> str:
    return str(getattr(error, "message", "") or error).split("\n")[0] or type(error).__name__
