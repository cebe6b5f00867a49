"""Loads folders of runbooks; a file that cannot be read is a diagnostic and the rest is loaded."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import structlog

from stationmaster.core.problem import Diagnostic, Origin, Severity
from stationmaster.runbooks.data_files import ASIDE, context_for, data_files, load_context
from stationmaster.runbooks.match import Index
from stationmaster.runbooks.read.context import ReadingContext
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.read.reader import read_runbook
from stationmaster.runtime.board import Cell

log = structlog.get_logger("runbooks")

Contacts: TypeAlias = Mapping[str, Mapping[str, object]]
"""What is known of somebody, by name."""

_NOBODY: Contacts = {}
SUFFIXES = (".md", ".markdown", ".txt")
LARGEST_BYTES = 4_000_000
_LOOK_EVERY_S = 2.0
_NO_RUNBOOKS = ASIDE | {"node_modules"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """One file: its runbook, even when it has errors, or None when it is no text."""

    path: Path
    text: str = ""
    runbook: Runbook | None = None
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def usable(self) -> bool:
        return self.runbook is not None and not any(each.severity is Severity.ERROR for each in self.diagnostics)


@dataclass(frozen=True, slots=True)
class Mark:
    """What changes when a file does."""

    modified_ns: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """`runbooks` leaves out documents with errors; those are told in `diagnostics`. `files` are all, by their path."""

    runbooks: Index
    diagnostics: tuple[Diagnostic, ...]
    files: Mapping[Path, tuple[Mark, ReadFile]] = field(default_factory=dict, repr=False)
    contexts: Mapping[Path, ReadingContext] = field(default_factory=dict, repr=False)
    """What the documents of each folder were rendered against."""


class Shelf:
    """The library of some folders, its changed files loaded anew; `folders` is asked at every look."""

    def __init__(self, folders: Callable[[], Sequence[Path]], contacts: Callable[[], Contacts] = dict) -> None:
        self._folders, self._contacts = folders, contacts
        self._seen = tuple(folders())
        self._marks, self._known = _marks(self._seen), contacts()
        self.library: Cell[Library] = Cell(load_library(self._seen, contacts=self._known))
        self._tell()

    def runbooks(self) -> Sequence[Runbook]:
        return self.library.value.runbooks

    async def watch(self) -> None:
        """Looks for changed files and folders every two seconds, for ever."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await self.refresh()

    async def refresh(self) -> None:
        folders = tuple(self._folders())
        marks = await asyncio.to_thread(_marks, folders)
        contacts = self._contacts()
        if (folders, marks, contacts) == (self._seen, self._marks, self._known):
            return
        self.library.set(await asyncio.to_thread(load_library, folders, self.library.value, contacts=contacts))
        self._seen, self._marks, self._known = folders, marks, contacts
        self._tell()

    def _tell(self) -> None:
        library = self.library.value
        log.info("runbooks loaded", runbooks=len(library.runbooks), problems=len(library.diagnostics))


def _marks(folders: Sequence[Path]) -> dict[Path, Mark]:
    """What changes when a file of the folders does; a file that vanishes meanwhile is left out."""
    paths = (path for folder in folders for path in (*files_of(folder), *data_files(folder)))
    return {path: mark for path in paths if (mark := _mark(path)) is not None}


def _mark(path: Path) -> Mark | None:
    with suppress(OSError):
        status = path.stat()
        return Mark(status.st_mtime_ns, status.st_size)
    return None


def load_library(folders: Sequence[Path], known: Library | None = None, *, contacts: Contacts = _NOBODY) -> Library:
    """Files that `known` holds as they are now are not read again, unless the data beside them has changed. `contacts`
    are known to every folder; what a folder itself says of somebody goes before."""
    files: dict[Path, tuple[Mark, ReadFile]] = {}
    contexts: dict[Path, ReadingContext] = {}
    diagnostics: list[Diagnostic] = []
    for folder in folders:
        if not folder.exists():
            diagnostics.append(_problem(folder, "there is no such folder", "name a folder that holds Markdown files"))
        context, problems = load_context(folder)
        contexts[folder] = replace(context, contacts={**contacts, **context.contacts})
        diagnostics += problems
        same = known is not None and known.contexts.get(folder) == contexts[folder]
        for path in files_of(folder):
            mark = _mark(path)
            before = known.files.get(path) if known is not None and same else None
            unchanged = before is not None and before[0] == mark
            found = before[1] if before and unchanged else _without_text(read_file(path, context=contexts[folder]))
            files[path] = (mark or Mark(0, 0), found)
    read = [found for _, found in files.values()]
    return Library(
        runbooks=Index(each.runbook for each in read if each.runbook is not None and each.usable),
        diagnostics=(*diagnostics, *(problem for each in read for problem in each.diagnostics)),
        files=files,
        contexts=contexts,
    )


def _without_text(found: ReadFile) -> ReadFile:
    return ReadFile(path=found.path, runbook=found.runbook, diagnostics=found.diagnostics)


def load_file(path: Path) -> tuple[Runbook | None, tuple[Diagnostic, ...]]:
    """The runbook of one file, even when it has errors; None when it is no text."""
    found = read_file(path)
    return found.runbook, found.diagnostics


def read_file(path: Path, *, context: ReadingContext | None = None) -> ReadFile:
    """Never fails: what cannot be read is a diagnostic. Without a `context` the data beside the file is looked for."""
    source = _source(path)
    if isinstance(source, Diagnostic):
        return ReadFile(path=path, diagnostics=(source,))
    reading = read_runbook(source, file=str(path), context=context if context is not None else context_for(path))
    return ReadFile(path=path, text=source, runbook=reading.runbook, diagnostics=reading.diagnostics)


def _source(path: Path) -> str | Diagnostic:
    try:
        if path.is_dir():
            return _problem(path, "it is a folder", "name a file in it; `runbook list` and `lint` take folders")
        if path.exists() and not path.is_file():
            return _problem(path, "it is no regular file", "name a Markdown file")
        if path.stat().st_size > LARGEST_BYTES:
            return _problem(path, f"it is larger than {LARGEST_BYTES} bytes", "split it into several runbooks")
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        return _problem(path, f"it cannot be read: {error.strerror}", "check the path and its permissions")
    except UnicodeDecodeError:
        return _problem(path, "it is no UTF-8 text", "save it as UTF-8, or keep it out of the folder")
    if "\x00" in text:
        return _problem(path, "it is a binary file", "keep it out of the folder")
    return text


def files_of(folder: Path) -> Iterator[Path]:
    """The documents of a folder and of those in it, in order, hidden ones left out; a file is itself one."""
    if not folder.is_dir():
        if folder.exists():
            yield folder
        return
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _NO_RUNBOOKS)
        for name in sorted(names):
            if not name.startswith(".") and name.lower().endswith(SUFFIXES):
                yield Path(where, name)


def _problem(path: Path, message: str, hint: str) -> Diagnostic:
    return Diagnostic(code="runbook-unreadable", message=message, origin=Origin(file=str(path), line=1), hint=hint)
