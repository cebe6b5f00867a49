"""The parts of a platform found by name, by who refers to them, and by the addresses and routes that they take."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stationmaster.manifest.entity import SETTINGS, EntityKind
from stationmaster.manifest.listeners import Listener, listeners_of
from stationmaster.manifest.names import INSTANCE, REGION, Names
from stationmaster.manifest.parts import Part
from stationmaster.manifest.reference import Key
from stationmaster.manifest.references import references_of
from stationmaster.manifest.routes import Route, RouteKey, first_segment, redirect_path, routes_of
from stationmaster.manifest.schema import ApiUserDocument, SettingsDocument, TokenIssuerDocument
from stationmaster.manifest.schema_hosts import InstanceDocument, ServiceDocument, VirtualHostDocument


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """One instance as the `at`-th of its service."""

    part: Part
    at: int

    @property
    def document(self) -> InstanceDocument:
        if not isinstance(self.part.document, ServiceDocument):
            raise TypeError(f"{self.part.kind} has no instances")
        return self.part.document.instances[self.at]

    @property
    def order(self) -> tuple[int, int]:
        return self.part.position, self.at


@dataclass(slots=True)
class Lookup:
    """Changes by `add` and `drop` alone; every table is a set of values (a dict's keys) for each of its keys.

    `also` are names of parts that are declared, though broken.
    """

    also: Names = field(default_factory=Names)
    named: dict[Key, dict[Part, None]] = field(default_factory=dict)
    instances: dict[str, dict[InstanceRow, None]] = field(default_factory=dict)
    regions: dict[str, dict[Part, None]] = field(default_factory=dict)
    referrers: dict[Key, dict[Part, None]] = field(default_factory=dict)
    listeners: dict[tuple[int, str], dict[Listener, None]] = field(default_factory=dict)
    hosts_of_port: dict[int, dict[Listener, None]] = field(default_factory=dict)
    routes: dict[RouteKey, dict[Route, None]] = field(default_factory=dict)
    redirects: dict[str, dict[Part, None]] = field(default_factory=dict)
    """APIs that redirect, by the first segment of the path that they lead to."""
    users_of_api: dict[str, dict[Part, None]] = field(default_factory=dict)
    users_of_group: dict[str, dict[Part, None]] = field(default_factory=dict)
    users: dict[str, dict[Part, None]] = field(default_factory=dict)
    folded: dict[str, dict[Part, None]] = field(default_factory=dict)
    """Virtual hosts by their names in small letters."""
    issuers: dict[str, dict[Part, None]] = field(default_factory=dict)
    """Token issuers, and the settings for the platform's own, by what their tokens name."""

    def add(self, part: Part) -> None:
        for table, key, value in self._rows(part):
            table.setdefault(key, {})[value] = None

    def drop(self, part: Part) -> None:
        for table, key, value in self._rows(part):
            values = table.get(key, {})
            values.pop(value, None)
            if not values:
                table.pop(key, None)

    def find(self, kind: EntityKind, name: str) -> Part | None:
        return next(iter(self.named.get((kind.value, name), ())), None)

    def settings(self) -> SettingsDocument | None:
        part = self.find(EntityKind.SETTINGS, SETTINGS)
        return part.document if part and isinstance(part.document, SettingsDocument) else None

    def knows(self, key: Key) -> bool:
        word, name = key
        table: Mapping[str, object] = self.regions if word == REGION else self.instances if word == INSTANCE else {}
        return name in table or key in self.named or name in self.also.of.get(word, ())

    def names(self, word: str) -> list[str]:
        """All names of a kind, for hints."""
        tables: dict[str, dict[str, Any]] = {REGION: self.regions, INSTANCE: self.instances}
        declared = tables[word] if word in tables else [name for kind, name in self.named if kind == word]
        return [*declared, *(self.also.of.get(word, frozenset()) - set(declared))]

    def _rows(self, part: Part) -> Iterator[tuple[dict[Any, Any], Hashable, Hashable]]:
        yield self.named, (part.kind.value, part.name), part
        for reference in references_of(part):
            yield self.referrers, reference.key, part
        for listener in listeners_of(part):
            yield self.listeners, (listener.address.port, listener.host), listener
            yield self.hosts_of_port, listener.address.port, listener
        yield from self._rows_of_kind(part)

    def _rows_of_kind(self, part: Part) -> Iterator[tuple[dict[Any, Any], Hashable, Hashable]]:
        match part.document:
            case SettingsDocument() as settings:
                yield self.issuers, settings.issuer, part
                for region in settings.regions:
                    yield self.regions, region, part
            case TokenIssuerDocument() as issuer:
                yield self.issuers, issuer.issuer, part
            case ServiceDocument() as service:
                for at, instance in enumerate(service.instances):
                    yield self.instances, instance.name, InstanceRow(part, at)
            case VirtualHostDocument() as host:
                yield self.folded, host.name.lower(), part
            case ApiUserDocument() as user:
                yield self.users, user.name, part
                for name in user.apis:
                    yield self.users_of_api, name, part
                for group in user.groups:
                    yield self.users_of_group, group, part
            case _:
                yield from self._rows_of_routes(part)

    def _rows_of_routes(self, part: Part) -> Iterator[tuple[dict[Any, Any], Hashable, Hashable]]:
        for key, route in routes_of(part):
            yield self.routes, key, route
        leads_to = redirect_path(part)
        if leads_to is not None:
            yield self.redirects, first_segment(leads_to), part
