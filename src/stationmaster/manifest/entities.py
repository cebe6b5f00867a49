"""The parts of a platform one at a time: read, joined, written; the room's public face beside `read` and `index`."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from stationmaster.core.problem import Diagnostic, Origin
from stationmaster.core.spec import PlatformSpec
from stationmaster.manifest.assemble import assemble
from stationmaster.manifest.bodies import entity_of, part_of, wrong_name
from stationmaster.manifest.build import Item
from stationmaster.manifest.check import check
from stationmaster.manifest.document import compose
from stationmaster.manifest.entity import SETTINGS, Entity, EntityKind
from stationmaster.manifest.files import absolute
from stationmaster.manifest.files import check_files as check_files_of
from stationmaster.manifest.lookup import Lookup
from stationmaster.manifest.nodes import Mapping, Node, Scalar, ScalarKind, node_of
from stationmaster.manifest.parts import DOCUMENTS, Part
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.read import Parsed, load_document, parse_document
from stationmaster.manifest.shape import fill
from stationmaster.manifest.text import entity_yaml, to_yaml

__all__ = [
    "SETTINGS",
    "Entity",
    "EntityKind",
    "Item",
    "Parsed",
    "check_files",
    "entity_yaml",
    "join",
    "load_document",
    "parse_document",
    "read_entity",
    "to_yaml",
]

_STORED = "the stored platform"


def join(entities: Iterable[Entity]) -> PlatformSpec:
    """The spec of stored entities, in their order; the inverse of `parse_document`. Looks at no files.

    Raises InvalidInputError with every problem, located at the origin of its entity.
    """
    problems = Problems(_STORED)
    read = (part_of(entity, at, problems) for at, entity in enumerate(entities))
    parts = [part for part in read if part is not None]
    lookup = Lookup()
    for part in parts:
        lookup.add(part)
    if sum(part.kind is EntityKind.SETTINGS for part in parts) != 1 and not problems:
        origin = Origin(file=_STORED, line=1)
        problems.add("no-settings", "one entity has to hold the settings", origin, "declare `environment: <name>`")
    check(parts, lookup, problems)
    problems.refuse_if_any()
    return assemble(parts)


def check_files(entities: Iterable[Entity]) -> tuple[Diagnostic, ...]:
    """What is wrong with the files and folders that entities name (certificate, key, key sets, runbooks) now."""
    problems = Problems(_STORED)
    for entity in entities:
        if entity.kind in (EntityKind.SETTINGS, EntityKind.TOKEN_ISSUER):
            part = part_of(entity, 0, problems)
            if part is not None:
                check_files_of(part, None, problems)
    return problems.everything()


def read_entity(
    kind: EntityKind, text: str, *, file: str, name: str | None = None, folder: Path | None = None
) -> Entity:
    """The entity of one YAML or JSON body, checked in shape and in the files that it names, not against the rest.

    `name` is the name that the address of the request says: the body may leave it out, and may not say another one.
    Without `folder`, relative file names are refused. Raises InvalidInputError with every problem, located in the body
    (`file` is what they call it).
    """
    problems = Problems(file)
    part = _read_part(kind, text, name, problems)
    if part is not None:
        check_files_of(part, folder, problems)
    problems.refuse_if_any()
    if part is None:
        raise ValueError("a body that cannot be read has to leave a problem")
    return entity_of(absolute(part, folder))


def _read_part(kind: EntityKind, text: str, name: str | None, problems: Problems) -> Part | None:
    root = _root(text, problems)
    if root is None:
        return None
    if kind is not EntityKind.SETTINGS and name is not None and isinstance(root, Mapping):
        _settle_name(root, name, problems)
    document, places = fill(root, DOCUMENTS[kind], problems)
    if document is None:
        return None
    return Part(kind, str(getattr(document, "name", SETTINGS)), document, places, 0)


def _root(text: str, problems: Problems) -> Node | None:
    """JSON is YAML but for escaped surrogate pairs, so it is read as JSON where it is no YAML."""
    found = Problems(problems.file)
    root = compose(text, found)
    if root is None:
        try:
            return node_of(msgspec.json.decode(text), 1, 1)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            problems.take(found)
            return None
    problems.take(found)
    return root


def _settle_name(root: Mapping, name: str, problems: Problems) -> None:
    written = root.entries.get("name")
    if written is None:
        scalar = Scalar(name, ScalarKind.TEXT, root.line, root.column)
        root.entries["name"], root.keys["name"] = scalar, scalar
    elif isinstance(written, Scalar) and written.text != name:
        origin = Origin(file=problems.file, line=written.line, column=written.column, path="name")
        wrong_name(name, written.text, origin, problems)
