"""Decides what a new declaration changes: which entities come, go or differ, and in which fields from what to what."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from stationmaster.manifest.entity import Entity, EntityKind

Body: TypeAlias = Mapping[str, Any]

_IDENTITIES = ("name", "instance", "address")
"""What tells the items of a list apart, where they have it."""


class Action(Enum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field, by its path in the entity (`health.interval`, `targets[127.0.0.1:9000].weight`). None stands for a
    field that is not written down."""

    path: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityChange:
    """`before` is None for what is created, `after` for what is deleted; `fields` are of updates alone."""

    action: Action
    kind: EntityKind
    name: str
    fields: tuple[FieldChange, ...] = ()
    before: Body | None = None
    after: Body | None = None


def diff(before: Iterable[Entity], after: Iterable[Entity]) -> tuple[EntityChange, ...]:
    """What leads from one declaration to the other: what is new or differs in the order of `after`, then what is
    gone."""
    old = {(each.kind, each.name): each for each in before}
    new = {(each.kind, each.name): each for each in after}
    came = (compare(old.get(key), each) for key, each in new.items())
    went = (compare(each, None) for key, each in old.items() if key not in new)
    return tuple(change for change in (*came, *went) if change is not None)


def compare(before: Entity | None, after: Entity | None) -> EntityChange | None:
    """The change from one state of an entity to another; None when there is none."""
    if before is None:
        return _one(Action.CREATE, after, after=after.body) if after else None
    if after is None:
        return _one(Action.DELETE, before, before=before.body)
    if before.body == after.body:
        return None
    fields = tuple(_fields(before.body, after.body, ""))
    return _one(Action.UPDATE, after, fields=fields, before=before.body, after=after.body)


def _one(
    action: Action,
    entity: Entity,
    *,
    fields: tuple[FieldChange, ...] = (),
    before: Body | None = None,
    after: Body | None = None,
) -> EntityChange:
    return EntityChange(action=action, kind=entity.kind, name=entity.name, fields=fields, before=before, after=after)


def _fields(before: Any, after: Any, path: str) -> Iterator[FieldChange]:
    if before == after:
        return
    old, new = _parts(before), _parts(after)
    if old is None or new is None or not old.comparable(new):
        yield FieldChange(path=path, before=before, after=after)
        return
    for key in dict.fromkeys((*old.inner, *new.inner)):
        below = f"{path}[{key}]" if old.of is _Of.ITEMS else f"{path}.{key}" if path else key
        yield from _fields(old.inner.get(key), new.inner.get(key), below)
    if old.of is _Of.ITEMS and _common(old, new) != _common(new, old):
        yield FieldChange(path=f"{path} (order)", before=list(old.inner), after=list(new.inner))


def _common(one: "_Parts", other: "_Parts") -> list[str]:
    """The parts of the one that the other has too."""
    return [key for key in one.inner if key in other.inner]


class _Of(Enum):
    FIELDS = "fields"
    ITEMS = "items"


@dataclass(frozen=True, slots=True)
class _Parts:
    of: _Of
    inner: Mapping[str, Any]

    def comparable(self, other: "_Parts") -> bool:
        """Part by part. A part that is null and one that is not there could not be told apart by itself."""
        if self.of is not other.of or not self.inner or not other.inner:
            return False
        lonely = self.inner.keys() ^ other.inner.keys()
        return all(each.get(key) is not None for each in (self.inner, other.inner) for key in lonely & each.keys())


def _parts(value: Any) -> _Parts | None:
    """What a value consists of: the fields of a mapping, or the items of a list by what tells them apart."""
    if isinstance(value, Mapping):
        return _Parts(_Of.FIELDS, value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = {identity: item for item in value if (identity := _identity(item)) is not None}
        return _Parts(_Of.ITEMS, items) if len(items) == len(value) else None
    return None


def _identity(item: Any) -> str | None:
    if not isinstance(item, Mapping):
        return None
    return next((str(item[name]) for name in _IDENTITIES if isinstance(item.get(name), str)), None)
