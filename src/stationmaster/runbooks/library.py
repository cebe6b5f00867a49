"""Loads folders of runbooks; a file that cannot be read is a diagnostic and the rest is loaded."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from stationmaster.core.problem import Diagnostic, Origin, Severity
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.read.reader import read_runbook
from stationmaster.runtime.board import Cell

log = structlog.get_logger("runbooks")

SUFFIXES = (".md", ".markdown", ".txt")
LARGEST_BYTES = 4_000_000
_LOOK_EVERY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """`runbooks` leaves out documents with errors; those are told in `diagnostics`."""

    runbooks: tuple[Runbook, ...]
    diagnostics: tuple[Diagnostic, ...]


class Shelf:
    """The library of some folders, loaded anew when a file in them changes; `folders` is asked at every look."""

    def __init__(self, folders: Callable[[], Sequence[Path]]) -> None:
        self._folders = folders
        self._seen = tuple(folders())
        self._marks = _marks(self._seen)
        self.library: Cell[Library] = Cell(load_library(self._seen))
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
        if (folders, marks) == (self._seen, self._marks):
            return
        self.library.set(await asyncio.to_thread(load_library, folders))
        self._seen, self._marks = folders, marks
        self._tell()

    def _tell(self) -> None:
        library = self.library.value
        log.info("runbooks loaded", runbooks=len(library.runbooks), problems=len(library.diagnostics))


def _marks(folders: Sequence[Path]) -> frozenset[tuple[Path, int, int]]:
    """What changes when a file of the folders does; a file that vanishes meanwhile is left out."""
    found = set()
    for folder in folders:
        for path in _files(folder):
            with suppress(OSError):
                status = path.stat()
                found.add((path, status.st_mtime_ns, status.st_size))
    return frozenset(found)


def load_library(folders: Sequence[Path]) -> Library:
    runbooks: list[Runbook] = []
    diagnostics: list[Diagnostic] = []
    for folder in folders:
        if not folder.exists():
            diagnostics.append(_problem(folder, "there is no such folder", "name a folder that holds Markdown files"))
        for path in _files(folder):
            runbook, problems = load_file(path)
            diagnostics += problems
            if runbook is not None and not any(each.severity is Severity.ERROR for each in problems):
                runbooks.append(runbook)
    return Library(runbooks=tuple(runbooks), diagnostics=tuple(diagnostics))


def load_file(path: Path) -> tuple[Runbook | None, tuple[Diagnostic, ...]]:
    """The runbook of one file, even when it has errors; None when it is no text."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            return None, (_problem(path, f"it is larger than {LARGEST_BYTES} bytes", "split it"),)
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        return None, (_problem(path, f"it cannot be read: {error.strerror}", "check the path and its permissions"),)
    except UnicodeDecodeError:
        return None, (_problem(path, "it is no UTF-8 text", "save it as UTF-8, or keep it out of the folder"),)
    if "\x00" in text:
        return None, (_problem(path, "it is a binary file", "keep it out of the folder"),)
    reading = read_runbook(text, file=str(path))
    return reading.runbook, reading.diagnostics


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    yield from sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def _problem(path: Path, message: str, hint: str) -> Diagnostic:
    return Diagnostic(code="runbook-unreadable", message=message, origin=Origin(file=str(path), line=1), hint=hint)
