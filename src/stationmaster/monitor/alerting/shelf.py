"""The rules that are evaluated: files that are read again when they change, and groups that other rooms derive."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

from stationmaster.core.problem import Diagnostic
from stationmaster.core.rules import RuleGroup
from stationmaster.monitor.alerting.rule_file import RuleFiles, matching, read_rule_paths
from stationmaster.runtime.board import Cell

log = structlog.get_logger("rules")

_LOOK_EVERY_S = 2.0

Stamp = tuple[int, int, int]


class RuleShelf:
    """`paths` are those of `Monitoring.rules`; `derived` gives groups from elsewhere (runbooks, objectives) at every
    look. `groups` holds all of them, `diagnostics` what is wrong with the files at this moment.

    A file that can no longer be read as rules at all (broken YAML, no rights) keeps the rules that it had; of one that
    can be read, what is bad is left out. A file that is gone takes its rules with it.
    """

    def __init__(
        self, paths: Callable[[], Sequence[Path]], derived: Callable[[], Sequence[RuleGroup]] = lambda: ()
    ) -> None:
        self._paths = paths
        self._derived = derived
        self._known: dict[Path, tuple[Stamp, RuleFiles]] = {}
        self.groups: Cell[tuple[RuleGroup, ...]] = Cell(())
        self.diagnostics: tuple[Diagnostic, ...] = ()
        self.look()

    async def run(self) -> None:
        """Looks again every two seconds, for ever."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            found = await asyncio.to_thread(self._read)
            self._show(found)

    def look(self) -> None:
        """At once, blocking."""
        self._show(self._read())

    def _read(self) -> Mapping[Path, tuple[Stamp, RuleFiles]]:
        made: dict[Path, tuple[Stamp, RuleFiles]] = {}
        for path in self._paths():
            for file in matching(path) or (path,):
                if file not in made:
                    made[file] = self._file(file)
        return made

    def _file(self, file: Path) -> tuple[Stamp, RuleFiles]:
        stamp = _stamp(file)
        known = self._known.get(file)
        if known is not None and known[0] == stamp:
            return known
        found = read_rule_paths((file,))
        if known is not None and stamp != _GONE and not found.groups and found.failed:
            found = RuleFiles(groups=known[1].groups, diagnostics=found.diagnostics)
        return stamp, found

    def _show(self, found: Mapping[Path, tuple[Stamp, RuleFiles]]) -> None:
        self._known = dict(found)
        diagnostics = tuple(each for _, files in found.values() for each in files.diagnostics)
        for each in diagnostics:
            if each not in self.diagnostics:
                log.warning("rule file", place=str(each.origin), problem=each.message, hint=each.hint)
        self.diagnostics = diagnostics
        self.groups.set((*(group for _, files in found.values() for group in files.groups), *self._derived()))


_GONE: Stamp = (0, 0, 0)


def _stamp(file: Path) -> Stamp:
    try:
        told = file.stat()
    except OSError:
        return _GONE
    return told.st_mtime_ns, told.st_size, told.st_ino
