"""Reads `.stationmaster-lint.yaml`: what a team wants to be told, and what it vouches for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import yaml

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.lint.rules import BY_CODE

FILE = ".stationmaster-lint.yaml"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`ignore` are rules that are not asked, `severity` other levels for rules, `known` places that are always filled,
    `programs` commands that the team vouches for, `exclude` globs of documents, `alerts` files of alert rules."""

    ignore: tuple[str, ...] = ()
    severity: dict[str, Literal["error", "warning", "info"]] = {}
    known: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Settings with the folder that paths in them count from."""

    settings: Settings
    folder: Path


def find_settings(start: Path) -> Found:
    """Those of the folder of `start` or of the nearest one above it that has some; otherwise none."""
    folder = start.resolve() if start.is_dir() else start.resolve().parent
    for each in (folder, *folder.parents):
        if (each / FILE).is_file():
            return read_settings(each / FILE)
    return Found(settings=Settings(), folder=folder)


def read_settings(path: Path) -> Found:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        settings = msgspec.convert(loaded or {}, Settings)
    except OSError as error:
        raise _refused(path, error.strerror or "it cannot be read") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise _refused(path, f"it is not YAML: {getattr(error, 'problem', None) or 'no UTF-8 text'}") from error
    except msgspec.ValidationError as error:
        raise _refused(path, str(error)) from error
    unknown = [code for code in (*settings.ignore, *settings.severity) if code not in BY_CODE]
    if unknown:
        raise _refused(path, f"there is no rule {', '.join(unknown)}")
    return Found(settings=settings, folder=path.resolve().parent)


def _refused(path: Path, why: str) -> PlatformError:
    return PlatformError("lint-settings", f"{path}: {why}", hint="its keys are described in docs/runbooks.md")
