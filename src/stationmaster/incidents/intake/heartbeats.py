"""Heartbeats of foreign programs: what has to be heard from within its interval, and is alerted of if it is not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Integer, Row, String, Table, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.problem import PlatformError
from stationmaster.incidents.intake.foreign import Ended, ForeignAlert
from stationmaster.runtime.db import Instant, metadata

ALERT = "HeartbeatMissing"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,57}")
_LONGEST_S = 366 * 86_400

heartbeats = Table(
    "foreign_heartbeat",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("interval_s", Integer, nullable=False),
    Column("grace_s", Integer, nullable=False),
    Column("service", String(128), nullable=False),
    Column("severity", String(64), nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("beat_at", Instant),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """It beats at least every `interval_s` seconds and is missed `grace_s` seconds later."""

    name: str
    interval_s: int
    grace_s: int
    service: str
    severity: str
    created_by: str
    created_at: datetime
    beat_at: datetime | None = None

    def missed_at(self, up_since: datetime, now: datetime) -> datetime:
        """`up_since`: nothing could be heard before; a beat that lies ahead was dated by a clock set back since."""
        heard = max(min(self.beat_at or self.created_at, now), up_since)
        return heard + timedelta(seconds=self.interval_s + self.grace_s)

    @property
    def key(self) -> str:
        return f"beat-{self.name}"


def alert_of(beat: Heartbeat, now: datetime) -> ForeignAlert:
    labels = {"alertname": ALERT, "heartbeat": beat.name, "service": beat.service, "severity": beat.severity}
    last = "never" if beat.beat_at is None else f"at {beat.beat_at:%Y-%m-%d %H:%M:%S UTC}"
    said = f"{beat.name} was heard last {last}; it beats every {beat.interval_s} s"
    return ForeignAlert(
        key=beat.key,
        source="heartbeat",
        labels={name: value for name, value in labels.items() if value},
        annotations={"summary": said},
        starts_at=now,
        ends_at=None,
    )


def over(beat: Heartbeat, at: datetime) -> Ended:
    return Ended(key=beat.key, at=at)


def checked(beat: Heartbeat) -> Heartbeat:
    """Raises PlatformError `bad-heartbeat`."""
    if not _NAME.fullmatch(beat.name):
        hint = "1 to 58 of a-z, 0-9, dot, dash and underscore, a letter or digit first"
        raise PlatformError("bad-heartbeat", f"{beat.name[:70]!r} cannot be the name of a heartbeat", hint=hint)
    if not 1 <= beat.interval_s <= _LONGEST_S or not 0 <= beat.grace_s <= _LONGEST_S:
        raise PlatformError("bad-heartbeat", "the interval is no length of time", hint="1 second to 366 days")
    return beat


async def keep(connection: AsyncConnection, beat: Heartbeat) -> None:
    values = {name: getattr(beat, name) for name in Heartbeat.__dataclass_fields__}
    row = upsert(heartbeats).values(**values)
    await connection.execute(row.on_conflict_do_update(index_elements=[heartbeats.c.name], set_=values))


async def all_of(connection: AsyncConnection) -> Sequence[Heartbeat]:
    return [_beat(row) for row in await connection.execute(select(heartbeats).order_by(heartbeats.c.name))]


async def known(connection: AsyncConnection, name: str) -> Heartbeat:
    """Raises PlatformError `unknown-heartbeat`."""
    row = (await connection.execute(select(heartbeats).where(heartbeats.c.name == name))).one_or_none()
    if row is None:
        hint = f"`heartbeat set {name[:64]} --every 1h` makes it"
        raise PlatformError("unknown-heartbeat", f"no heartbeat {name[:70]!r}", hint=hint, status=404)
    return _beat(row)


async def forget(connection: AsyncConnection, name: str) -> None:
    await connection.execute(delete(heartbeats).where(heartbeats.c.name == name))


def beaten(beat: Heartbeat, at: datetime) -> Heartbeat:
    return replace(beat, beat_at=at)


def _beat(row: Row[Any]) -> Heartbeat:
    return Heartbeat(
        name=row.name,
        interval_s=row.interval_s,
        grace_s=row.grace_s,
        service=row.service,
        severity=row.severity,
        created_by=row.created_by,
        created_at=row.created_at,
        beat_at=row.beat_at,
    )
