"""Loads what a folder's runbooks are rendered against: its contacts, links, Jekyll data and includes."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import msgspec
import yaml

from stationmaster.core.problem import Diagnostic, Origin, Severity
from stationmaster.runbooks.read.bounds import stays_small
from stationmaster.runbooks.read.context import ReadingContext

LARGEST_BYTES = 1_000_000
MOST_FILES = 500
INCLUDES = "_includes"
DATA = "_data"
ASIDE = frozenset({INCLUDES, DATA, "_layouts"})
"""Folders that hold no runbooks."""
_HIGHEST = 4
"""Folders above a file that are looked into."""
_CONFIG = "_config.yml"
_TABLES = ("contacts", "links")
_SUFFIXES = frozenset({".yaml", ".yml", ".json"})


def load_context(folder: Path) -> tuple[ReadingContext, tuple[Diagnostic, ...]]:
    """What lies beside the runbooks of a folder; a file that cannot be used is a diagnostic and the rest is loaded."""
    home = folder if folder.is_dir() else folder.parent
    told: list[Diagnostic] = []
    tables = {name: _table(home, name, told) for name in _TABLES}
    data = _tree(home / DATA, home, told)
    site = _mapping(home / _CONFIG, home, told) if (home / _CONFIG).is_file() else {}
    context = ReadingContext(
        data=data,
        site={key: value for key, value in site.items() if key != "data"},
        includes=_includes(home, told),
        contacts=tables["contacts"],
        links=tables["links"],
        target=_target(site, home),
    )
    return context, tuple(told)


def context_for(file: Path) -> ReadingContext:
    """What a single file is rendered against: the data of the nearest folder above it that has some."""
    for folder in list(file.absolute().parents)[:_HIGHEST]:
        files = tuple(data_files(folder))
        if files:
            return _context_of(folder, tuple((each, each.stat().st_mtime_ns) for each in files))
    return ReadingContext()


@lru_cache(maxsize=8)
def _context_of(folder: Path, marks: tuple[tuple[Path, int], ...]) -> ReadingContext:
    """Loaded once for as long as none of its files changes (`marks`)."""
    return load_context(folder)[0]


def data_files(folder: Path) -> Iterator[Path]:
    """Every file that `load_context` may read."""
    home = folder if folder.is_dir() else folder.parent
    named = [home / f"{name}{suffix}" for name in _TABLES for suffix in sorted(_SUFFIXES)]
    yield from (each for each in (*named, home / _CONFIG) if each.is_file())
    for inner in (DATA, INCLUDES):
        yield from _inside(home / inner, home)


def _target(site: Mapping[str, object], home: Path) -> str:
    """Which of several sites' data is meant: as configured, else the only one that there is."""
    if isinstance(site.get("target"), str):
        return str(site["target"])
    folders = [each.name for each in sorted((home / DATA).glob("*")) if each.is_dir()]
    return folders[0] if len(folders) == 1 else ""


def _inside(folder: Path, home: Path) -> Iterator[Path]:
    """The files below a folder, never one that a link leads to outside of the runbooks' own folder."""
    root = home.resolve()
    found = (each for each in sorted(folder.rglob("*")) if each.is_file() and each.resolve().is_relative_to(root))
    for number, path in enumerate(found):
        if number == MOST_FILES:
            return
        yield path


def _table(home: Path, name: str, told: list[Diagnostic]) -> dict[str, Mapping[str, object]]:
    """`contacts.yaml` holds entries by name, at its top or below a key `contacts`."""
    path = next((each for suffix in sorted(_SUFFIXES) if (each := home / f"{name}{suffix}").is_file()), None)
    loaded = _mapping(path, home, told) if path is not None else {}
    entries = loaded.get(name, loaded)
    if not isinstance(entries, Mapping):
        return {}
    single = "link" if name == "links" else "name"
    return {
        str(key): value if isinstance(value, Mapping) else {single: value}
        for key, value in entries.items()
        if isinstance(value, Mapping | str)
    }


def _tree(folder: Path, home: Path, told: list[Diagnostic]) -> dict[str, object]:
    """`_data/ibm/oss-contacts.yml` is the entry `oss-contacts` of the entry `ibm`."""
    tree: dict[str, object] = {}
    for path in _inside(folder, home):
        if path.suffix.lower() not in _SUFFIXES:
            continue
        level = tree
        for name in path.relative_to(folder).parts[:-1]:
            inner = level.setdefault(name, {})
            level = inner if isinstance(inner, dict) else {}
        level[path.stem] = _loaded(path, home, told)
    return tree


def _includes(home: Path, told: list[Diagnostic]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in _inside(home / INCLUDES, home):
        text = _text(path, told)
        if text is not None:
            found[path.relative_to(home / INCLUDES).as_posix()] = text
    return found


def _mapping(path: Path, home: Path, told: list[Diagnostic]) -> Mapping[str, object]:
    loaded = _loaded(path, home, told)
    return {str(key): value for key, value in loaded.items()} if isinstance(loaded, Mapping) else {}


def _loaded(path: Path, home: Path, told: list[Diagnostic]) -> object:
    if not path.resolve().is_relative_to(home.resolve()):
        told.append(_problem(path, "it leads out of the folder of its runbooks", "put the file itself there"))
        return {}
    text = _text(path, told)
    if text is None:
        return {}
    try:
        loaded: object = msgspec.json.decode(text) if path.suffix.lower() == ".json" else yaml.safe_load(text)
    except (yaml.YAMLError, msgspec.DecodeError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None) or str(error)
        told.append(_problem(path, f"it cannot be read: {why}", "mend the file", line=mark.line + 1 if mark else 1))
        return {}
    if not stays_small(loaded):
        told.append(_problem(path, "its aliases stand for too many values", "write the values out"))
        return {}
    return loaded


def _text(path: Path, told: list[Diagnostic]) -> str | None:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            told.append(_problem(path, f"it is larger than {LARGEST_BYTES} bytes", "keep only what the runbooks need"))
            return None
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        told.append(_problem(path, "it is no UTF-8 text", "save it as UTF-8"))
    except OSError as error:
        told.append(_problem(path, f"it cannot be read: {error.strerror}", "check its permissions"))
    return None


def _problem(path: Path, message: str, hint: str, *, line: int = 1) -> Diagnostic:
    origin = Origin(file=str(path), line=line)
    return Diagnostic(code="runbook-data", message=message, origin=origin, hint=hint, severity=Severity.WARNING)
