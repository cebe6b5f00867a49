"""The catalog: what is declared now, changed as a whole or one entity at a time, by one writer after another."""

import asyncio
import codecs
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.catalog import store
from stationmaster.catalog.conditions import ANYHOW, Condition, etag_of
from stationmaster.catalog.diff import Action, EntityChange, compare, diff
from stationmaster.catalog.filters import Wanted, matching
from stationmaster.catalog.merge import merge
from stationmaster.catalog.refusals import refuse_errors, refuse_removal, refuse_restart, unknown
from stationmaster.catalog.store import Declared, Revision
from stationmaster.core.problem import Diagnostic
from stationmaster.core.spec import PlatformSpec
from stationmaster.manifest.entities import Parsed, parse_document, read_entity, to_yaml
from stationmaster.manifest.entity import Entity, EntityKind
from stationmaster.manifest.index import (
    Index,
    check_against,
    with_entity,
    without_entity,
)
from stationmaster.runtime import audit
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now

Key = tuple[EntityKind, str]
Edit = Callable[[Mapping[str, Any]], Mapping[str, Any]]
Overlay = Callable[[PlatformSpec], PlatformSpec]
Consent = Callable[[Sequence[EntityChange]], None]
Leaving = Callable[[AsyncConnection, Sequence[Key]], Awaitable[None]]


def consented(_changes: Sequence[EntityChange]) -> None:
    """Whoever asks may change everything."""


async def unnoticed(_connection: AsyncConnection, _removed: Sequence[Key]) -> None:
    """Nobody has to know."""


def as_declared(spec: PlatformSpec) -> PlatformSpec:
    return spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a text comes from: what its problems call it, and the folder of the files that it names, if it may."""

    file: str
    folder: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a whole file changed (or would change), and the revision that stands now."""

    changes: tuple[EntityChange, ...]
    revision: int
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One entity after a change; `change` is None when it was so already."""

    now: Declared
    change: EntityChange | None
    revision: int
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some entities in the order of their names; `more` says whether others follow, `total` counts all that match."""

    entries: tuple[Declared, ...]
    total: int
    more: bool


class Catalog:
    """`declared` shows the platform as it is declared now. A refused change changes nothing."""

    def __init__(
        self,
        database: Database,
        spec: PlatformSpec,
        *,
        rows: Iterable[Declared] = (),
        revision: int = 0,
        overlay: Overlay = as_declared,
        leaving: Leaving = unnoticed,
    ) -> None:
        """`spec` is what `rows` declare; `overlay` makes of it what the platform sees (more gateway nodes, say).
        `leaving` is told of entities that are deleted, in the transaction that does it: what is deleted and declared
        again at once may never be seen to be missing from `declared`, which shows the latest alone."""
        self._leaving = leaving
        self._database = database
        self._turn = asyncio.Lock()
        self._rows: dict[Key, Declared] = {(each.entity.kind, each.entity.name): each for each in rows}
        self._index = Index(each.entity for each in self._rows.values())
        self._last_position = max((row.position for row in self._rows.values()), default=-1)
        self._spec = spec
        self._overlay = overlay
        self.declared = Cell(overlay(spec))
        self.revision = revision
        self.told: tuple[Diagnostic, ...] = ()
        """What is wrong with the file of the last start, if it was left aside."""

    async def apply(
        self, text: str, *, source: Source, who: str, dry_run: bool = False, consent: Consent = consented
    ) -> Applied:
        """Makes the declaration what the text says; with `dry_run` only says what that would change. `consent` raises
        when these changes may not be made; then nothing is.

        Raises InvalidInputError with every problem of the text, and with what cannot change while the platform runs.
        """
        folder = source.folder or Path.cwd()
        parsed = await asyncio.to_thread(parse_document, text, file=source.file, folder=folder)
        refuse_restart(self._index.entities(EntityKind.SETTINGS), parsed.entities)
        if not dry_run:
            digest = digest_of(text.encode())
            return await self.take(parsed, who=who, file=source.file, digest=digest, consent=consent)
        changes = await asyncio.to_thread(diff, self._index.entities(), parsed.entities)
        return Applied(changes=changes, revision=self.revision, warnings=parsed.warnings)

    async def take(self, parsed: Parsed, *, who: str, file: str, digest: str, consent: Consent = consented) -> Applied:
        """Makes the declaration what was read, whatever that changes; `digest` is of the file's text."""
        async with self._turn:
            changes = await asyncio.to_thread(diff, self._index.entities(), parsed.entities)
            consent(changes)
            revision = Revision(at=utc_now(), by=who, file=file, digest=digest, **_counted(changes))
            await self._replace(parsed, changes, revision)
            return Applied(changes=changes, revision=self.revision, warnings=parsed.warnings)

    async def put(
        self, kind: EntityKind, name: str, text: str, *, source: Source, who: str, condition: Condition = ANYHOW
    ) -> Written:
        """Creates or replaces one entity from its YAML or JSON body.

        Raises InvalidInputError with every problem, PlatformError `precondition-failed`.
        """
        async with self._turn:
            self._check(condition, kind, name)
            entity = read_entity(kind, text, file=source.file, name=name, folder=source.folder)
            return await self._write(entity, who)

    async def edit(
        self, kind: EntityKind, name: str, change: Edit, *, source: Source, who: str, condition: Condition = ANYHOW
    ) -> Written:
        """Puts what `change` makes of the body of an entity. Raises as `put` and what `change` raises; PlatformError
        `unknown-...` when there is none."""
        async with self._turn:
            before = self.find(kind, name)
            self._check(condition, kind, name)
            text = msgspec.json.format(msgspec.json.encode(change(before.entity.body))).decode()
            entity = read_entity(kind, text, file=source.file, name=name, folder=source.folder)
            return await self._write(entity, who)

    async def patch(
        self,
        kind: EntityKind,
        name: str,
        patch: Mapping[str, Any],
        *,
        source: Source,
        who: str,
        condition: Condition = ANYHOW,
    ) -> Written:
        """`edit` by a JSON merge patch (RFC 7396)."""
        return await self.edit(kind, name, lambda body: merge(body, patch), source=source, who=who, condition=condition)

    async def delete(self, kind: EntityKind, name: str, *, who: str, condition: Condition = ANYHOW) -> Written:
        """Raises PlatformError `unknown-...`, `precondition-failed`, or `in-use` (InUseError) naming who refers to
        it."""
        async with self._turn:
            before = self.find(kind, name)
            self._check(condition, kind, name)
            refuse_removal(self._index, kind, name)
            change = compare(before.entity, None)
            revision = Revision(at=utc_now(), by=who, deleted=1)
            number = await self._record(revision, [change] if change else [], removed=[(kind, name)])
            spec = without_entity(self._spec, kind, name)
            self._index.remove(kind, name)
            del self._rows[kind, name]
            self._show(spec, number)
            return Written(now=before, change=change, revision=number)

    def find(self, kind: EntityKind, name: str) -> Declared:
        """Raises PlatformError `unknown-...`."""
        found = self._rows.get((kind, name))
        if found is None:
            raise unknown(kind, name, [each.name for each in self._index.entities(kind)])
        return found

    def page(self, kind: EntityKind, wanted: Wanted, *, limit: int = 100, after: str = "") -> Page:
        """At most `limit` of the entities that are wanted, those whose names come after `after`."""
        names = sorted(each.name for each in matching(kind, wanted, self._index))
        left = [name for name in names if name > after]
        entries = tuple(self._rows[kind, name] for name in left[:limit])
        return Page(entries=entries, total=len(names), more=len(left) > limit)

    def document(self) -> str:
        """The whole declaration as one YAML."""
        return to_yaml(self._index.entities())

    async def digest_applied(self, file: str) -> str | None:
        """The digest of the file when it was applied last."""
        async with self._database.read() as connection:
            return await store.last_digest(connection, file)

    async def changes(self, asked: audit.Asked) -> Sequence[tuple[int, audit.Change]]:
        """The audit trail of the platform, the newest first."""
        async with self._database.read() as connection:
            return await audit.changes(connection, asked)

    def _check(self, condition: Condition, kind: EntityKind, name: str) -> None:
        before = self._rows.get((kind, name))
        what = kind.value if kind is EntityKind.SETTINGS else f"{kind.value} {name}"
        condition.check(what, before.etag if before else None)

    async def _write(self, entity: Entity, who: str) -> Written:
        problems = check_against(self._index, entity)
        refuse_errors(problems, entity.origin.file)
        if entity.kind is EntityKind.SETTINGS:
            refuse_restart(self._index.entities(EntityKind.SETTINGS), [entity])
        before = self._rows.get((entity.kind, entity.name))
        change = compare(before.entity if before else None, entity)
        if before and not change:
            return Written(now=before, change=None, revision=self.revision, warnings=problems)
        now = _row(entity, before.position if before else self._last_position + 1, who, utc_now())
        revision = Revision(at=now.changed_at, by=who, created=int(before is None), updated=int(before is not None))
        number = await self._record(revision, [change] if change else [], written=[now])
        self._index.put(entity)
        self._rows[entity.kind, entity.name] = now
        self._last_position = max(self._last_position, now.position)
        self._show(with_entity(self._spec, self._index, entity), number)
        return Written(now=now, change=change, revision=number, warnings=problems)

    async def _replace(self, parsed: Parsed, changes: tuple[EntityChange, ...], revision: Revision) -> None:
        changed = {(each.kind, each.name) for each in changes}
        rows = self._placed(parsed.entities, changed, revision)
        moved = [row for key, row in rows.items() if key not in changed and _place(self._rows[key]) != _place(row)]
        if not changes and not moved and await self.digest_applied(revision.file) == revision.digest:
            return
        index = await asyncio.to_thread(Index, parsed.entities)
        written = [row for key, row in rows.items() if key in changed]
        removed = [key for key in self._rows if key not in rows]
        number = await self._record(revision, changes, written=written, moved=moved, removed=removed)
        self._rows, self._index, self._last_position = rows, index, len(rows)
        self._show(parsed.spec, number)

    def _placed(self, entities: Iterable[Entity], changed: Set[Key], revision: Revision) -> dict[Key, Declared]:
        """The rows of a whole declaration: what did not change keeps who changed it and when."""
        rows: dict[Key, Declared] = {}
        for position, entity in enumerate(entities):
            key = (entity.kind, entity.name)
            rows[key] = (
                _row(entity, position, revision.by, revision.at)
                if key in changed
                else replace(self._rows[key], entity=entity, position=position)
            )
        return rows

    async def _record(
        self,
        revision: Revision,
        changes: Iterable[EntityChange],
        *,
        written: Sequence[Declared] = (),
        moved: Sequence[Declared] = (),
        removed: Sequence[Key] = (),
    ) -> int:
        """Entities, revision and audit trail in one transaction."""
        async with self._database.write() as connection:
            await store.keep(connection, written)
            await store.place(connection, moved)
            await store.remove(connection, removed)
            await self._leaving(connection, removed)
            await audit.record(connection, *(_audited(each, revision) for each in changes))
            return await store.record_revision(connection, revision)

    def _show(self, spec: PlatformSpec, revision: int) -> None:
        self.revision, self._spec = revision, spec
        self.declared.set(self._overlay(spec))


def digest_of(text: bytes) -> str:
    """SHA-256 of the text of a file, without its byte order mark, in hexadecimal."""
    return hashlib.sha256(text.removeprefix(codecs.BOM_UTF8)).hexdigest()


def _row(entity: Entity, position: int, who: str, at: datetime) -> Declared:
    return Declared(entity=entity, position=position, etag=etag_of(entity.body), changed_at=at, changed_by=who)


def _place(row: Declared) -> tuple[int, str, int]:
    return row.position, row.entity.origin.file, row.entity.origin.line


def _audited(change: EntityChange, revision: Revision) -> audit.Change:
    return audit.Change(
        at=revision.at,
        who=revision.by,
        action=change.action.value,
        kind=change.kind.value,
        name=change.name,
        before=change.before,
        after=change.after,
    )


def _counted(changes: Iterable[EntityChange]) -> dict[str, int]:
    actions = [each.action for each in changes]
    return {
        "created": actions.count(Action.CREATE),
        "updated": actions.count(Action.UPDATE),
        "deleted": actions.count(Action.DELETE),
    }
