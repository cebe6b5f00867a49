"""The parts of a filled platform: one struct each, with its kind, its name and its place in the order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from msgspec import Struct

from stationmaster.core.problem import Origin
from stationmaster.manifest.entity import SETTINGS, EntityKind
from stationmaster.manifest.places import Places
from stationmaster.manifest.schema import (
    ApiDocument,
    ApiUserDocument,
    NodeDocument,
    PlatformDocument,
    SettingsDocument,
    TokenIssuerDocument,
)
from stationmaster.manifest.schema_hosts import ServiceDocument, VirtualHostDocument
from stationmaster.manifest.schema_response import ChannelDocument, PolicyDocument, ResponderDocument, ScheduleDocument

PartDocument: TypeAlias = (
    SettingsDocument
    | NodeDocument
    | ServiceDocument
    | VirtualHostDocument
    | TokenIssuerDocument
    | ApiDocument
    | ApiUserDocument
    | ResponderDocument
    | ChannelDocument
    | ScheduleDocument
    | PolicyDocument
)

DOCUMENTS: dict[EntityKind, type[PartDocument]] = {
    EntityKind.SETTINGS: SettingsDocument,
    EntityKind.NODE: NodeDocument,
    EntityKind.SERVICE: ServiceDocument,
    EntityKind.VIRTUAL_HOST: VirtualHostDocument,
    EntityKind.TOKEN_ISSUER: TokenIssuerDocument,
    EntityKind.API: ApiDocument,
    EntityKind.USER: ApiUserDocument,
    EntityKind.RESPONDER: ResponderDocument,
    EntityKind.CHANNEL: ChannelDocument,
    EntityKind.SCHEDULE: ScheduleDocument,
    EntityKind.ESCALATION_POLICY: PolicyDocument,
}

NOUNS: dict[EntityKind, str] = {
    EntityKind.SETTINGS: "settings",
    EntityKind.NODE: "gateway node",
    EntityKind.SERVICE: "service",
    EntityKind.VIRTUAL_HOST: "virtual host",
    EntityKind.TOKEN_ISSUER: "token issuer",
    EntityKind.API: "API",
    EntityKind.USER: "API user",
    EntityKind.RESPONDER: "responder",
    EntityKind.CHANNEL: "channel",
    EntityKind.SCHEDULE: "schedule",
    EntityKind.ESCALATION_POLICY: "escalation policy",
}
"""What messages call them."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """`position` says which of two clashing parts came first."""

    kind: EntityKind
    name: str
    document: PartDocument
    places: Places
    position: int

    def origin(self, struct: Struct, *steps: str | int) -> Origin:
        return self.places.origin(struct, *steps)

    @property
    def place(self) -> Origin:
        return self.places.origin(self.document)


def parts_of(document: PlatformDocument, places: Places) -> Iterator[Part]:
    """The parts of a whole file; the settings come first."""
    lists = (
        (EntityKind.NODE, document.gateway.nodes),
        (EntityKind.SERVICE, document.services),
        (EntityKind.VIRTUAL_HOST, document.virtual_hosts),
        (EntityKind.TOKEN_ISSUER, document.token_issuers),
        (EntityKind.API, document.apis),
        (EntityKind.USER, document.api_users),
        (EntityKind.RESPONDER, document.responders),
        (EntityKind.CHANNEL, document.channels),
        (EntityKind.SCHEDULE, document.schedules),
        (EntityKind.ESCALATION_POLICY, document.escalation_policies),
    )
    yield Part(EntityKind.SETTINGS, SETTINGS, document, places, 0)
    position = 0
    for kind, documents in lists:
        for each in documents:
            position += 1
            yield Part(kind, each.name, each, places, position)
