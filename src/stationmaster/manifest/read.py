"""A platform's YAML file to its spec: all of it or a refusal that lists every problem with its line."""

import codecs
from pathlib import Path
from typing import NamedTuple

from stationmaster.core.problem import Diagnostic, InvalidInputError, Origin
from stationmaster.core.spec import PlatformSpec
from stationmaster.manifest.assemble import assemble
from stationmaster.manifest.bodies import entity_of
from stationmaster.manifest.check import check
from stationmaster.manifest.document import compose
from stationmaster.manifest.entity import Entity
from stationmaster.manifest.files import absolute, check_files
from stationmaster.manifest.lookup import Lookup
from stationmaster.manifest.names import declared_names
from stationmaster.manifest.parts import Part, parts_of
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.schema import PlatformDocument
from stationmaster.manifest.shape import fill

MOST_BYTES = 16 * 1024 * 1024


class Parsed(NamedTuple):
    """A whole file. `warnings` are diagnostics of severity WARNING; they forbid nothing."""

    spec: PlatformSpec
    entities: tuple[Entity, ...]
    warnings: tuple[Diagnostic, ...]


def load(path: Path) -> PlatformSpec:
    """The spec that the file declares; files that it names are found from the file's folder.

    Raises InvalidInputError with every problem found.
    """
    return load_document(path).spec


def parse(text: str, *, file: str, folder: Path) -> PlatformSpec:
    """The spec of YAML text; `file` is what diagnostics call it, relative file names are looked for in `folder`.

    Raises InvalidInputError with every problem found.
    """
    return parse_document(text, file=file, folder=folder).spec


def load_document(path: Path) -> Parsed:
    """`parse_document` of a file; also raises InvalidInputError when it cannot be read."""
    return parse_document(read_text(path), file=str(path), folder=path.absolute().parent)


def parse_document(text: str, *, file: str, folder: Path) -> Parsed:
    """Spec and entities of YAML text; relative file names are looked for in `folder`, and have to exist.

    Raises InvalidInputError with every problem (and warning) found.
    """
    refuse_too_large(len(text.encode(errors="surrogatepass")), Path(file))
    problems = Problems(file)
    parts = _parts(text, folder, problems)
    problems.refuse_if_any()
    parts = [absolute(part, folder) for part in parts]
    return Parsed(assemble(parts), tuple(map(entity_of, parts)), problems.warnings)


def _parts(text: str, folder: Path, problems: Problems) -> list[Part]:
    root = compose(text, problems)
    if root is None:
        return []
    document, places = fill(root, PlatformDocument, problems)
    if document is None:
        return []
    parts = list(parts_of(document, places))
    lookup = Lookup(also=declared_names(root))
    for part in parts:
        lookup.add(part)
    check(parts, lookup, problems)
    for part in parts:
        check_files(part, folder, problems)
    return parts


def read_text(path: Path) -> str:
    """The decoded file without its byte order mark; InvalidInputError when it cannot be read."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _refused(path, "unreadable-file", f"cannot read the file: {reason}", "name a YAML file") from error
    refuse_too_large(len(raw), path)
    try:
        return raw.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        message = f"byte {error.start} (0x{raw[error.start]:02x}) is no UTF-8"
        raise _refused(path, "not-utf8", message, "save the file as UTF-8", line) from error


def refuse_too_large(size: int, path: Path) -> None:
    """Raises InvalidInputError where a file of so many bytes is too large; `path` is what it is called."""
    if size > MOST_BYTES:
        message = f"the file is larger than {MOST_BYTES // 1024 // 1024} MB"
        raise _refused(path, "file-too-large", message, "split the platform")


def _refused(path: Path, code: str, message: str, hint: str, line: int = 1) -> InvalidInputError:
    diagnostic = Diagnostic(code=code, message=message, origin=Origin(file=str(path), line=line), hint=hint)
    return InvalidInputError((diagnostic,), what=str(path))
