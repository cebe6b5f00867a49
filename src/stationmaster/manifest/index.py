"""All entities of a platform, found by name and by what refers to what, for checks and builds of one at a time."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stationmaster.core.problem import Diagnostic, Origin, Severity
from stationmaster.core.spec import Instance, PlatformSpec, Service
from stationmaster.manifest.assemble import with_item, with_settings, without_item
from stationmaster.manifest.bodies import part_of
from stationmaster.manifest.build import Item, build_item
from stationmaster.manifest.check import check_part
from stationmaster.manifest.entity import Entity, EntityKind
from stationmaster.manifest.lookup import Lookup
from stationmaster.manifest.names import INSTANCE, REGION
from stationmaster.manifest.parts import NOUNS, Part
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.redirects import loops_through
from stationmaster.manifest.reference import Key
from stationmaster.manifest.references import references_of
from stationmaster.manifest.routes import first_segment
from stationmaster.manifest.schema import ApiDocument, SettingsDocument
from stationmaster.manifest.schema_hosts import ServiceDocument, VirtualHostDocument

_COMPARISONS = 2000
"""For hints of one check, so that a mistyped name among 10,000 costs no more than the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrer:
    """Something that names an entity: where it stands and in which field."""

    kind: EntityKind
    name: str
    field: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class _Row:
    entity: Entity
    part: Part


class Index:
    """Built once from checked entities (`join` did not raise), then kept up to date by `put` and `remove`."""

    def __init__(self, entities: Iterable[Entity]) -> None:
        self.lookup = Lookup()
        self._rows: dict[tuple[EntityKind, str], _Row] = {}
        self._next = 0
        self._services: dict[Part, Service] = {}
        for entity in entities:
            self.put(entity)

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, kind: EntityKind, name: str) -> Entity | None:
        row = self._rows.get((kind, name))
        return row.entity if row else None

    def entities(self, kind: EntityKind | None = None) -> tuple[Entity, ...]:
        """All of them, or those of a kind, in their order: a replaced one keeps its place, a new one comes last."""
        return tuple(row.entity for row in self._rows.values() if kind is None or row.entity.kind is kind)

    def put(self, entity: Entity) -> None:
        """Adds or replaces an entity that `check_against` found no error in; InvalidInputError when its body does not
        even fit."""
        key = entity.kind, entity.name
        old = self._rows.get(key)
        part = self.part(entity, old.part.position if old else self._next)
        if old is None:
            self._next += 1
        else:
            self._forget(old.part)
        self._rows[key] = _Row(entity, part)
        self.lookup.add(part)

    def remove(self, kind: EntityKind, name: str) -> None:
        """Forgets an entity that `check_removal` found no error for; KeyError when there is none."""
        self._forget(self._rows.pop((kind, name)).part)

    def _forget(self, part: Part) -> None:
        self.lookup.drop(part)
        self._services.pop(part, None)

    def part(self, entity: Entity, position: int) -> Part:
        problems = Problems(entity.origin.file)
        part = part_of(entity, position, problems)
        problems.refuse_if_any()
        if part is None:
            raise ValueError("an entity that does not fit has to leave a problem")
        return part

    def known_part(self, kind: EntityKind, name: str) -> Part | None:
        row = self._rows.get((kind, name))
        return row.part if row else None

    @property
    def last_position(self) -> int:
        """The position of what would be added now."""
        return self._next

    def referrers(self, kind: EntityKind, name: str) -> tuple[Referrer, ...]:
        """Who names it. For a service: who names one of its instances; for settings: who names a region."""
        part = self.known_part(kind, name)
        offered = {(kind.value, name)} | (set(_offered(part)) if part else set())
        found = []
        for each in self._naming(offered):
            for reference in references_of(each):
                if reference.key in offered:
                    origin = reference.origin(each)
                    found.append(Referrer(kind=each.kind, name=each.name, field=reference.field, origin=origin))
        return tuple(found)

    def _naming(self, keys: Iterable[Key]) -> list[Part]:
        parts = {part for key in keys for part in self.lookup.referrers.get(key, ())}
        return sorted(parts, key=lambda each: each.position)

    def affected(self, old: Part | None, new: Part | None) -> list[Part]:
        """The other parts in which a change from `old` to `new` may be an error."""
        keys = set(_offered(old)) | set(_offered(new))
        if new is None and old is not None:
            keys.add((old.kind.value, old.name))
        parts = set(self._naming(keys))
        for redirect in self._redirecting_into(old, new):
            parts.update(member for members in loops_through(redirect, self.lookup) for member in members)
        return sorted(parts - {old, new}, key=lambda each: each.position)

    def _redirecting_into(self, *parts: Part | None) -> set[Part]:
        paths = (
            path for part in parts if part and isinstance(part.document, ApiDocument) for path in part.document.paths
        )
        segments = {first_segment(path) for path in paths}
        shelves = self.lookup.redirects.values() if "" in segments else map(self.lookup.redirects.get, segments)
        return {each for shelf in shelves if shelf for each in shelf}

    def find_instance(self, name: str) -> tuple[Service, Instance]:
        """The item of an instance with its service; KeyError when nothing is called so."""
        row = next(iter(self.lookup.instances[name]))
        service = self._services.get(row.part)
        if service is None:
            built = build_item(row.part, self.find_instance)
            if not isinstance(built, Service):
                raise TypeError(f"{row.part.kind} has no instances")
            self._services[row.part] = service = built
        return service, service.instances[row.at]

    @contextmanager
    def changed(self, old: Part | None, new: Part | None) -> Iterator[None]:
        """The lookup as it would be after a change."""
        if old is not None:
            self.lookup.drop(old)
        if new is not None:
            self.lookup.add(new)
        try:
            yield
        finally:
            if new is not None:
                self.lookup.drop(new)
            if old is not None:
                self.lookup.add(old)


def _offered(part: Part | None) -> list[Key]:
    """What a part lets others name beside itself."""
    match part.document if part else None:
        case ServiceDocument() as service:
            return [(INSTANCE, each.name) for each in service.instances]
        case SettingsDocument() as settings:
            return [(REGION, each) for each in settings.regions]
        case _:
            return []


def check_against(index: Index, entity: Entity) -> tuple[Diagnostic, ...]:
    """What the whole check would find if the entity were added (or replaced) last: errors in it, errors that it makes
    elsewhere, and its warnings. The index stays as it is."""
    problems = Problems(entity.origin.file, _COMPARISONS)
    new = part_of(entity, index.last_position, problems)
    if new is not None:
        old = index.known_part(entity.kind, entity.name)
        with index.changed(old, new):
            check_part(new, index.lookup, problems)
            _check_affected(index, (old, new), problems)
    return problems.everything()


def check_removal(index: Index, kind: EntityKind, name: str) -> tuple[Diagnostic, ...]:
    """What the whole check would find without the entity: one error per place that refers to it."""
    old = index.known_part(kind, name)
    if old is None:
        return ()
    problems = Problems(old.places.file, _COMPARISONS)
    if kind is EntityKind.SETTINGS:
        hint = "change them instead"
        problems.add("no-settings", f"a platform has {NOUNS[kind]}", old.place, hint)
    with index.changed(old, None):
        _check_affected(index, (old, None), problems)
    return problems.everything()


def _check_affected(index: Index, change: tuple[Part | None, Part | None], problems: Problems) -> None:
    for part in index.affected(*change):
        found = Problems(part.places.file, comparisons=0)
        check_part(part, index.lookup, found)
        for each in found.everything():
            if each.severity is Severity.ERROR:
                problems.add(each.code, each.message, each.origin, each.hint)


def build_entity(entity: Entity, index: Index) -> Item:
    """The item of the spec; settings are none (ValueError). The index gives a virtual host its instances (KeyError
    where it does not know one)."""
    return build_item(index.part(entity, 0), index.find_instance)


def with_entity(spec: PlatformSpec, index: Index, entity: Entity) -> PlatformSpec:
    """The spec after `index.put(entity)`: the item in its place (a new one last), and the virtual hosts built again
    whose instances changed. Settings of all kinds come from a settings entity."""
    part = index.part(entity, 0)
    if entity.kind is EntityKind.SETTINGS:
        return with_settings(spec, part)
    spec = with_item(spec, entity.kind, build_item(part, index.find_instance))
    for host in index.affected(None, part):
        if isinstance(host.document, VirtualHostDocument):
            spec = with_item(spec, EntityKind.VIRTUAL_HOST, build_item(host, index.find_instance))
    return spec


def without_entity(spec: PlatformSpec, kind: EntityKind, name: str) -> PlatformSpec:
    """The spec after `index.remove(kind, name)`."""
    return without_item(spec, kind, name)
