"""The table of foreign alerts: one row for each, as it is now."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Row,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.incidents.intake.decide import Kept, Told
from stationmaster.incidents.intake.flapping import Flaps
from stationmaster.incidents.intake.foreign import ForeignAlert
from stationmaster.runtime.db import Instant, metadata

_AT_ONCE = 500
"""How many values one statement names."""

foreign_alerts = Table(
    "foreign_alert",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("source", String(64), nullable=False),
    Column("labels", JSON, nullable=False),
    Column("annotations", JSON, nullable=False),
    Column("url", Text, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant),
    Column("is_timeout", Boolean, nullable=False),
    Column("firing", Boolean, nullable=False),
    Column("told", String(16), nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("changes", JSON, nullable=False),
    Column("flapping", Boolean, nullable=False),
    Column("due_at", Instant),
    Index("ix_foreign_alert_due_at", "due_at"),
    Index("ix_foreign_alert_firing_told", "firing", "told"),
)

# Many rows in one statement are one way to the thread of the store and back, however many there are.
_given = func.json_each(bindparam("rows")).table_valued("value")


def _field(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return _given.c.value.op("->" if isinstance(column.type, JSON) else "->>")(column.key)


_rows = upsert(foreign_alerts).from_select(
    [each.name for each in foreign_alerts.c], select(*map(_field, foreign_alerts.c)).where(true())
)
_KEEP = _rows.on_conflict_do_update(
    index_elements=[foreign_alerts.c.key],
    set_={each.name: _rows.excluded[each.name] for each in foreign_alerts.c if each.name != "key"},
)
_PROLONG = (
    update(foreign_alerts)
    .where(foreign_alerts.c.key == _field(foreign_alerts.c.key))
    .values(
        {
            each.name: _field(each)
            for each in (foreign_alerts.c.ends_at, foreign_alerts.c.updated_at, foreign_alerts.c.due_at)
        }
    )
)


async def of_keys(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, Kept]:
    found: dict[str, Kept] = {}
    for start in range(0, len(keys), _AT_ONCE):
        wanted = select(foreign_alerts).where(foreign_alerts.c.key.in_(keys[start : start + _AT_ONCE]))
        found |= {row.key: _kept(row) for row in await connection.execute(wanted)}
    return found


async def keep(connection: AsyncConnection, kept: Sequence[Kept]) -> None:
    """Writes them, over those of the same keys."""
    if kept:
        await connection.execute(_KEEP, {"rows": _encoded(map(_values, kept))})


async def prolong(connection: AsyncConnection, kept: Sequence[Kept]) -> None:
    """Writes the times of alerts of which nothing else changed: all in one statement, which is one wait."""
    if kept:
        await connection.execute(_PROLONG, {"rows": _encoded(map(_times, kept))})


async def due(connection: AsyncConnection, now: datetime, limit: int) -> Sequence[Kept]:
    wanted = select(foreign_alerts).where(foreign_alerts.c.due_at <= now).order_by(foreign_alerts.c.due_at)
    return [_kept(row) for row in await connection.execute(wanted.limit(limit))]


async def wake_untold(connection: AsyncConnection, now: datetime) -> None:
    """Whatever fires and was not told of is looked at again: silences have changed."""
    untold = (foreign_alerts.c.firing, foreign_alerts.c.told != Told.FIRED.value)
    await connection.execute(update(foreign_alerts).where(*untold).values(due_at=now))


async def lapsed(connection: AsyncConnection, now: datetime) -> Sequence[Kept]:
    """Those that fire and should have ended by now."""
    wanted = select(foreign_alerts).where(foreign_alerts.c.firing, foreign_alerts.c.ends_at <= now)
    return [_kept(row) for row in await connection.execute(wanted)]


async def updated_after(connection: AsyncConnection, moment: datetime) -> Sequence[Kept]:
    wanted = select(foreign_alerts).where(foreign_alerts.c.updated_at > moment)
    return [_kept(row) for row in await connection.execute(wanted)]


async def all_firing(connection: AsyncConnection) -> Sequence[Kept]:
    """What fires, in the order in which it began."""
    wanted = select(foreign_alerts).where(or_(foreign_alerts.c.firing, foreign_alerts.c.flapping))
    return [_kept(row) for row in await connection.execute(wanted.order_by(foreign_alerts.c.starts_at))]


async def forget_ended(connection: AsyncConnection, before: datetime) -> None:
    over = (foreign_alerts.c.firing.is_(False), foreign_alerts.c.told != Told.FIRED.value)
    await connection.execute(delete(foreign_alerts).where(*over, foreign_alerts.c.ended_at < before))


def _encoded(rows: Iterable[Mapping[str, Any]]) -> str:
    return msgspec.json.encode(list(rows)).decode()


def _times(kept: Kept) -> Mapping[str, Any]:
    return {
        "key": kept.given.key,
        "ends_at": _stamp(kept.given.ends_at),
        "updated_at": kept.updated_at.timestamp(),
        "due_at": _stamp(kept.due_at),
    }


def _stamp(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _values(kept: Kept) -> Mapping[str, Any]:
    given = kept.given
    return {
        **_times(kept),
        "source": given.source,
        "labels": dict(given.labels),
        "annotations": dict(given.annotations),
        "url": given.url,
        "starts_at": given.starts_at.timestamp(),
        "is_timeout": given.is_timeout,
        "firing": kept.firing,
        "told": kept.told.value,
        "ended_at": _stamp(kept.ended_at),
        "changes": [each.timestamp() for each in kept.flaps.changes],
        "flapping": kept.flaps.flapping,
    }


def _kept(row: Row[Any]) -> Kept:
    given = ForeignAlert(
        key=row.key,
        source=row.source,
        labels=row.labels,
        annotations=row.annotations,
        url=row.url,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        is_timeout=row.is_timeout,
    )
    changes = tuple(datetime.fromtimestamp(each, UTC) for each in row.changes)
    return Kept(
        given=given,
        firing=row.firing,
        told=Told(row.told),
        updated_at=row.updated_at,
        ended_at=row.ended_at,
        flaps=Flaps(changes=changes, flapping=row.flapping),
        due_at=row.due_at,
    )
