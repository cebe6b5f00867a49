"""Checks documents and libraries against every rule and gathers what was found."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from stationmaster.runbooks.library import ReadFile, files_of, read_file
from stationmaster.runbooks.lint import commands, coverage, document, links, places, safety, upkeep
from stationmaster.runbooks.lint.alert_rules import AlertRule, read_rules
from stationmaster.runbooks.lint.finding import Finding, Level, Report
from stationmaster.runbooks.lint.settings import Found
from stationmaster.runbooks.lint.subject import Ground, Subject, subject
from stationmaster.runbooks.lint.suppress import apply, suppressions


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """A document with what was found in it alone."""

    file: str
    lines: tuple[str, ...]
    subject: Subject | None
    found: tuple[Finding, ...]


def check(paths: Sequence[Path], ground: Ground, configured: Found, *, alerts: Sequence[Path] = ()) -> Report:
    """Every document of the files and folders; what is wrong with one never hides another."""
    settings = configured.settings
    ground = replace(
        ground, known=ground.known | set(settings.known), programs=ground.programs | set(settings.programs)
    )
    checked = [_check_one(read_file(path), ground) for path in _documents(paths, configured)]
    rules, broken = _rules([*alerts, *(configured.folder / each for each in settings.alerts)])
    whole = [*broken, *coverage.findings([each.subject for each in checked if each.subject], rules)]
    left: list[Finding] = []
    hidden: list[Finding] = []
    for each in checked:
        given, wrong = suppressions(each.file, each.lines)
        own = [*each.found, *wrong, *(found for found in whole if found.file == each.file)]
        kept, suppressed = apply(_chosen(own, configured), given, each.file)
        left += kept
        hidden += suppressed
    files = {each.file for each in checked}
    left += _chosen((found for found in whole if found.file not in files), configured)
    return Report(files=len(checked), findings=_ordered(left, configured), suppressed=_ordered(hidden, configured))


def _check_one(read: ReadFile, ground: Ground) -> _Checked:
    found = list(document.of_diagnostics(read.diagnostics))
    if read.runbook is None:
        return _Checked(file=str(read.path), lines=(), subject=None, found=tuple(found))
    about = subject(read.path, read.text, read.runbook)
    found += [
        *document.findings(about),
        *places.findings(about, ground),
        *links.findings(about, ground),
        *commands.findings(about, ground),
        *safety.findings(about),
        *upkeep.findings(about, ground),
    ]
    return _Checked(file=about.file, lines=about.lines, subject=about, found=tuple(found))


def _documents(paths: Sequence[Path], configured: Found) -> Iterator[Path]:
    """Each once, in the order in which they were named."""
    every = dict.fromkeys(path for named in paths for path in (files_of(named) if named.is_dir() else [named]))
    return (path for path in every if not _excluded(path, configured))


def _excluded(path: Path, configured: Found) -> bool:
    resolved = path.resolve()
    inside = resolved.is_relative_to(configured.folder)
    name = resolved.relative_to(configured.folder).as_posix() if inside else resolved.as_posix()
    return any(fnmatch(name, pattern) for pattern in configured.settings.exclude)


def _rules(paths: Sequence[Path]) -> tuple[list[AlertRule], list[Finding]]:
    rules: list[AlertRule] = []
    broken: list[Finding] = []
    for path in paths:
        read, problems = read_rules(path)
        rules += read
        broken += problems
    return rules, broken


def _chosen(found: Iterable[Finding], configured: Found) -> list[Finding]:
    return [each for each in found if each.code not in configured.settings.ignore]


def _ordered(found: Iterable[Finding], configured: Found) -> tuple[Finding, ...]:
    levels = {code: Level(name) for code, name in configured.settings.severity.items()}
    told = (replace(each, level=levels.get(each.code, each.level)) for each in found)
    return tuple(sorted(told, key=lambda each: (each.file, each.line, each.code, each.message)))
