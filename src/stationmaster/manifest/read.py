"""A platform's YAML file to its spec: all of it or a refusal that lists every problem with its line."""

import codecs
from pathlib import Path

from stationmaster.core.problem import Diagnostic, InvalidInputError, Origin
from stationmaster.core.spec import PlatformSpec
from stationmaster.manifest.build import build
from stationmaster.manifest.check import check
from stationmaster.manifest.document import compose
from stationmaster.manifest.names import declared_names
from stationmaster.manifest.nodes import quoted
from stationmaster.manifest.places import Places
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.schema import PlatformDocument
from stationmaster.manifest.shape import fill

MOST_BYTES = 16 * 1024 * 1024


def load(path: Path) -> PlatformSpec:
    """The spec that the file declares; folders of runbooks are found from the file's folder.

    Raises InvalidInputError with every problem found.
    """
    return parse(_text(path), file=str(path), folder=path.absolute().parent)


def parse(text: str, *, file: str, folder: Path) -> PlatformSpec:
    """The spec of YAML text; `file` is what diagnostics call it, relative folders are looked for in `folder`.

    Raises InvalidInputError with every problem found.
    """
    problems = Problems(file)
    root = compose(text, problems)
    if root is None:
        problems.refuse_if_any()
        raise ValueError("text without a root has to leave a problem")
    document, places = fill(root, PlatformDocument, problems)
    if document is None:
        problems.refuse_if_any()
        raise ValueError("a document that cannot be filled has to leave a problem")
    check(document, places, declared_names(root), problems)
    runbooks = _runbooks(document, folder, places, problems)
    problems.refuse_if_any()
    return build(document, places, runbooks)


def _runbooks(document: PlatformDocument, folder: Path, places: Places, problems: Problems) -> tuple[Path, ...]:
    found = []
    for at, name in enumerate(document.runbooks):
        try:
            path = (folder / name).resolve()
            wrong = "" if path.is_dir() else "is no folder" if path.exists() else "does not exist"
        except (OSError, RuntimeError) as error:  # RuntimeError: symbolic links that lead in a circle
            path, wrong = folder, f"cannot be read: {getattr(error, 'strerror', error)}"
        if wrong:
            message = f"the runbook folder {quoted(name)} {wrong}"
            hint = f"folders are looked for from {folder}"
            problems.add("no-runbook-folder", message, places.origin(document, "runbooks", at), hint)
        found.append(path)
    return tuple(found)


def _text(path: Path) -> str:
    """The decoded file without its byte order mark."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _refused(path, "unreadable-file", f"cannot read the file: {reason}", "name a YAML file") from error
    if len(raw) > MOST_BYTES:
        message = f"the file is larger than {MOST_BYTES // 1024 // 1024} MB"
        raise _refused(path, "file-too-large", message, "split the platform")
    try:
        return raw.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        message = f"byte {error.start} (0x{raw[error.start]:02x}) is no UTF-8"
        raise _refused(path, "not-utf8", message, "save the file as UTF-8", line) from error


def _refused(path: Path, code: str, message: str, hint: str, line: int = 1) -> InvalidInputError:
    diagnostic = Diagnostic(code=code, message=message, origin=Origin(file=str(path), line=line), hint=hint)
    return InvalidInputError((diagnostic,), what=str(path))
