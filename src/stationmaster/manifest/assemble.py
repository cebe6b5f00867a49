"""Checked parts put together: the spec of them all, and one item changed in it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from stationmaster.core.response import Channel, EscalationPolicy, Responder, Schedule
from stationmaster.core.spec import Api, ApiUser, GatewayNode, Instance, PlatformSpec, Service, TokenIssuer, VirtualHost
from stationmaster.manifest.build import Item, build_item, build_settings
from stationmaster.manifest.entity import EntityKind
from stationmaster.manifest.parts import Part
from stationmaster.manifest.schema import SettingsDocument

FIELDS: dict[EntityKind, tuple[str, type[Item]]] = {
    EntityKind.NODE: ("nodes", GatewayNode),
    EntityKind.SERVICE: ("services", Service),
    EntityKind.VIRTUAL_HOST: ("virtual_hosts", VirtualHost),
    EntityKind.TOKEN_ISSUER: ("token_issuers", TokenIssuer),
    EntityKind.API: ("apis", Api),
    EntityKind.USER: ("api_users", ApiUser),
    EntityKind.RESPONDER: ("responders", Responder),
    EntityKind.CHANNEL: ("channels", Channel),
    EntityKind.SCHEDULE: ("schedules", Schedule),
    EntityKind.ESCALATION_POLICY: ("escalation_policies", EscalationPolicy),
}
"""Where the spec holds the items of a kind."""


def assemble(parts: Iterable[Part]) -> PlatformSpec:
    """The spec of all parts; there has to be one of settings."""
    by_kind: dict[EntityKind, list[Part]] = {kind: [] for kind in EntityKind}
    for part in parts:
        by_kind[part.kind].append(part)
    (settings,) = by_kind[EntityKind.SETTINGS]
    running: dict[str, tuple[Service, Instance]] = {}
    items: dict[str, tuple[Any, ...]] = {}
    for kind, (field, _) in FIELDS.items():  # services come before the virtual hosts that need them
        items[field] = tuple(build_item(part, running.__getitem__) for part in by_kind[kind])
        if kind is EntityKind.SERVICE:
            running = {each.name: (service, each) for service in items[field] for each in service.instances}
    return replace(spec_of_settings(settings), **items)  # type: ignore[arg-type]


def spec_of_settings(part: Part) -> PlatformSpec:
    """A spec without items."""
    if not isinstance(part.document, SettingsDocument):
        raise TypeError(f"{part.kind} is no settings")
    return build_settings(part.document, part.places)


def with_settings(spec: PlatformSpec, part: Part) -> PlatformSpec:
    kept = {field: getattr(spec, field) for field, _ in FIELDS.values()}
    return replace(spec_of_settings(part), **kept)


def with_item(spec: PlatformSpec, kind: EntityKind, item: Item) -> PlatformSpec:
    """The item in the place of its namesake, or last."""
    field, _ = FIELDS[kind]
    items: list[Item] = list(getattr(spec, field))
    at = next((at for at, each in enumerate(items) if each.name == item.name), None)
    if at is None:
        items.append(item)
    else:
        items[at] = item
    return replace(spec, **{field: tuple(items)})  # type: ignore[arg-type]


def without_item(spec: PlatformSpec, kind: EntityKind, name: str) -> PlatformSpec:
    field, _ = FIELDS[kind]
    kept = tuple(each for each in getattr(spec, field) if each.name != name)
    return replace(spec, **{field: kept})  # type: ignore[arg-type]
