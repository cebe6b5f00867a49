"""Parts as entities and back: bodies of builtins without defaults."""

from functools import cache
from typing import Any

import msgspec
from msgspec import Struct, inspect

from stationmaster.core.problem import Origin
from stationmaster.manifest.entity import Entity, EntityKind
from stationmaster.manifest.nodes import node_of
from stationmaster.manifest.parts import DOCUMENTS, Part
from stationmaster.manifest.places import Places
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.schema import GatewaySettingsDocument, PlatformDocument, SettingsDocument
from stationmaster.manifest.shape import fill
from stationmaster.manifest.sound import sound_document

Holes = tuple[tuple[str, "Holes"], ...]
"""Fields whose default is a struct, with those below them: an empty mapping there says nothing."""


def entity_of(part: Part) -> Entity:
    document = part.document
    if isinstance(document, PlatformDocument):
        document = _settings_of(document)
    body: dict[str, Any] = msgspec.to_builtins(document)
    _drop_empty(body, _holes(type(document)))
    return Entity(kind=part.kind, name=part.name, body=body, origin=part.place)


def _settings_of(document: PlatformDocument) -> SettingsDocument:
    gateway = GatewaySettingsDocument(tls=document.gateway.tls, limits=document.gateway.limits)
    return SettingsDocument(
        environment=document.environment,
        regions=document.regions,
        issuer=document.issuer,
        control=document.control,
        gateway=gateway,
        tokens=document.tokens,
        healing=document.healing,
        monitoring=document.monitoring,
        incidents=document.incidents,
        status_page=document.status_page,
        runbooks=document.runbooks,
        drills=document.drills,
        reviews=document.reviews,
    )


def part_of(entity: Entity, position: int, problems: Problems) -> Part | None:
    """The part of an entity; None when its body does not fit, and why is among the problems."""
    document = sound_document(entity.body, DOCUMENTS[entity.kind])
    if document is not None and _named_alike(entity, document):
        return Part(entity.kind, entity.name, document, Places(entity.origin.file, entity.origin), position)
    _explain(entity, problems)
    return None


def _named_alike(entity: Entity, document: Struct) -> bool:
    return entity.kind is EntityKind.SETTINGS or getattr(document, "name", None) == entity.name


def _explain(entity: Entity, problems: Problems) -> None:
    found = Problems(entity.origin.file)
    root = node_of(entity.body, entity.origin.line, entity.origin.column)
    document, _ = fill(root, DOCUMENTS[entity.kind], found, entity.origin.path)
    if not found and document is not None:
        wrong_name(entity.name, getattr(document, "name", ""), entity.origin, found)
    problems.take(found)


def wrong_name(expected: str, written: str, origin: Origin, problems: Problems) -> None:
    message = f"the body is named '{written[:60]}', and stands in the place of '{expected[:60]}'"
    problems.add("wrong-name", message, origin, "names stay: remove it and add it under the other name")


def _drop_empty(body: dict[str, Any], holes: Holes) -> None:
    for name, below in holes:
        value = body.get(name)
        if value is not None:
            _drop_empty(value, below)
            if not value:
                del body[name]


@cache
def _holes(kind: type[Struct]) -> Holes:
    info = inspect.type_info(kind)
    fields = info.fields if isinstance(info, inspect.StructType) else ()
    return tuple((field.name, _holes(field.type.cls)) for field in fields if isinstance(field.type, inspect.StructType))
