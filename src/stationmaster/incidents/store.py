"""Incidents and their timelines, as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import structlog
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import Alert
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import ChannelName, EscalationPolicy, Urgency
from stationmaster.incidents.life import OPEN, Status
from stationmaster.incidents.routing import Routed
from stationmaster.incidents.timeline import Entry
from stationmaster.runtime.db import Instant, metadata

log = structlog.get_logger("incidents")

incidents = Table(
    "incident",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("title", String(500), nullable=False),
    Column("status", String(16), nullable=False),
    Column("severity", String(32), nullable=False),
    Column("service", String(128), nullable=False),
    Column("environment", String(128), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Column("region", String(128), nullable=False),
    Column("instance", String(255), nullable=False),
    Column("summary", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("urgency", String(8), nullable=False),
    Column("priority", String(16), nullable=False),
    Column("routed", Text, nullable=False),
    Column("policy", JSON(none_as_null=True)),
    Column("channels", JSON, nullable=False),
    Column("chain", Integer, nullable=False),
    Column("chain_at", Instant),
    Column("chain_severity", String(32), nullable=False),
    Column("due_at", Instant, index=True),
    Column("kept_open", Boolean, nullable=False),
    Column("merged_into", Integer, index=True),
    Column("acknowledged_at", Instant),
    Column("acknowledged_by", String(255), nullable=False),
    Column("mitigated_at", Instant),
    Column("reviewed_at", Instant),
    Index("ix_incident_status", "status"),
    sqlite_autoincrement=True,
)

timeline = Table(
    "timeline",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("incident", ForeignKey("incident.number"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("by", String(128), nullable=False),
    Column("text", Text, nullable=False),
    Column("key", String(200)),
    UniqueConstraint("incident", "key"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    number: int
    title: str
    status: Status
    severity: str
    service: str
    environment: str
    opened_at: datetime
    resolved_at: datetime | None
    region: str = ""
    instance: str = ""
    summary: str = ""
    url: str = ""
    urgency: Urgency = Urgency.HIGH
    priority: str = ""
    routed: str = ""
    """Which line of the routing decided."""
    policy: EscalationPolicy | None = None
    """As it was when the incident opened."""
    channels: tuple[ChannelName, ...] = ()
    chain: int = 0
    """How often the chain of escalation began anew by hand."""
    chain_at: datetime
    """When the clocks of the chain began to run."""
    chain_severity: str = ""
    due_at: datetime | None = None
    """When something about it may be owed; None: never, unless something happens."""
    kept_open: bool = False
    """Somebody opened it although nothing fires: only somebody ends it."""
    merged_into: int | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    mitigated_at: datetime | None = None
    reviewed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How an incident opens; `chain_at` is when its clocks begin to run."""

    title: str
    at: datetime
    chain_at: datetime
    routed: Routed
    group: Mapping[str, str] = field(default_factory=dict)
    """The labels by which it takes further alerts."""


_NOT_ROUTED = Routed(policy=None, urgency=Urgency.HIGH, channels=(), why="")


def opening(title: str, at: datetime, routed: Routed = _NOT_ROUTED) -> Opening:
    return Opening(title=title, at=at, chain_at=at, routed=routed)


async def open_incident(connection: AsyncConnection, opened: Opening, alert: Alert) -> int:
    severity = alert.labels.get("severity", "critical")
    routed = opened.routed
    result = await connection.execute(
        insert(incidents)
        .values(
            title=opened.title,
            status=Status.TRIGGERED.value,
            severity=severity,
            service=alert.labels.get("service", ""),
            environment=alert.labels.get("environment", ""),
            opened_at=opened.at,
            region=alert.labels.get("region", ""),
            instance=alert.labels.get("instance", ""),
            summary=alert.summary,
            url=alert.url,
            urgency=routed.urgency.value,
            priority="",
            routed=routed.why,
            policy=None if routed.policy is None else msgspec.to_builtins(routed.policy),
            channels=list(routed.channels),
            chain=0,
            chain_at=opened.chain_at,
            chain_severity=severity,
            due_at=opened.chain_at,
            kept_open=False,
            acknowledged_by="",
        )
        .returning(incidents.c.number)
    )
    number: int = result.scalar_one()
    return number


async def change(connection: AsyncConnection, number: int, **values: Any) -> None:
    """Sets columns of one incident."""
    await connection.execute(update(incidents).where(incidents.c.number == number).values(**values))


async def lead(connection: AsyncConnection, number: int, routed: Routed, at: datetime) -> None:
    """From now on the incident is led by the policy, and its chain begins. It becomes no less urgent."""
    policy = None if routed.policy is None else msgspec.to_builtins(routed.policy)
    values: dict[str, Any] = {"policy": policy, "routed": routed.why, "chain_at": at}
    values |= {"urgency": routed.urgency.value} if routed.urgency is Urgency.HIGH else {}
    await change(connection, number, **values)


async def wake(connection: AsyncConnection, number: int, at: datetime) -> None:
    """What is owed about the incident is looked at then, or sooner."""
    sooner = or_(incidents.c.due_at.is_(None), incidents.c.due_at > at)
    await connection.execute(update(incidents).where(incidents.c.number == number, sooner).values(due_at=at))


async def due(connection: AsyncConnection, now: datetime, limit: int) -> tuple[int, ...]:
    """Incidents about which something may be owed, the longest due first."""
    wanted = (
        select(incidents.c.number).where(incidents.c.due_at <= now).order_by(incidents.c.due_at, incidents.c.number)
    )
    return tuple((await connection.execute(wanted.limit(limit))).scalars())


async def next_due(connection: AsyncConnection) -> datetime | None:
    """When something may be owed next; None: never, unless something happens."""
    found: datetime | None = (await connection.execute(select(func.min(incidents.c.due_at)))).scalar_one()
    return found


async def merged_with(connection: AsyncConnection, number: int) -> tuple[int, ...]:
    """Every incident that was merged into it, also by way of others."""
    found: list[int] = []
    wave = [number]
    while wave:
        wanted = select(incidents.c.number).where(incidents.c.merged_into.in_(wave))
        wave = [each for each in (await connection.execute(wanted)).scalars() if each not in found]
        found += wave
    return tuple(sorted(found))


_ADD_ENTRY = upsert(timeline).on_conflict_do_nothing()


async def add_entry(connection: AsyncConnection, number: int, entry: Entry) -> None:
    row = {"at": entry.at, "kind": entry.kind, "by": entry.by, "text": entry.text, "key": entry.key}
    await connection.execute(_ADD_ENTRY, {"incident": number, **row})


async def all_incidents(
    connection: AsyncConnection, *, statuses: Sequence[Status] = (), limit: int = 100
) -> Sequence[Incident]:
    """Incidents, the newest first."""
    wanted = select(incidents).order_by(incidents.c.number.desc()).limit(limit)
    if statuses:
        wanted = wanted.where(incidents.c.status.in_([each.value for each in statuses]))
    return [incident_of(row) for row in await connection.execute(wanted)]


async def incident(connection: AsyncConnection, number: int) -> Incident | None:
    row = (await connection.execute(select(incidents).where(incidents.c.number == number))).one_or_none()
    return None if row is None else incident_of(row)


async def known(connection: AsyncConnection, number: int) -> Incident:
    """Raises PlatformError `unknown-incident`."""
    found = await incident(connection, number)
    if found is None:
        hint = "`incident list` shows them"
        raise PlatformError("unknown-incident", f"there is no incident #{number}", hint=hint, status=404)
    return found


async def count_open(connection: AsyncConnection) -> int:
    wanted = select(func.count()).where(incidents.c.status.in_([each.value for each in OPEN]))
    found: int = (await connection.execute(wanted)).scalar_one()
    return found


async def entries(connection: AsyncConnection, number: int) -> Sequence[Entry]:
    """The incident's timeline, by time and, within a moment, in the order of writing."""
    wanted = select(timeline).where(timeline.c.incident == number).order_by(timeline.c.at, timeline.c.id)
    rows = await connection.execute(wanted)
    return [Entry(at=row.at, kind=row.kind, by=row.by, text=row.text, key=row.key) for row in rows]


async def entries_of(connection: AsyncConnection, number: int, kind: str, limit: int = 3) -> tuple[Entry, ...]:
    """The last of one kind, the newest first."""
    wanted = select(timeline).where(timeline.c.incident == number, timeline.c.kind == kind)
    rows = await connection.execute(wanted.order_by(timeline.c.at.desc(), timeline.c.id.desc()).limit(limit))
    return tuple(Entry(at=row.at, kind=row.kind, by=row.by, text=row.text, key=row.key) for row in rows)


def incident_of(row: Row[Any]) -> Incident:
    return Incident(
        number=row.number,
        title=row.title,
        status=Status(row.status),
        severity=row.severity,
        service=row.service,
        environment=row.environment,
        opened_at=row.opened_at,
        resolved_at=row.resolved_at,
        region=row.region,
        instance=row.instance,
        summary=row.summary,
        url=row.url,
        urgency=Urgency(row.urgency),
        priority=row.priority,
        routed=row.routed,
        policy=_policy(row.number, row.policy),
        channels=tuple(ChannelName(each) for each in row.channels),
        chain=row.chain,
        chain_at=row.chain_at or row.opened_at,
        chain_severity=row.chain_severity,
        due_at=row.due_at,
        kept_open=row.kept_open,
        merged_into=row.merged_into,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        mitigated_at=row.mitigated_at,
        reviewed_at=row.reviewed_at,
    )


def _policy(number: int, frozen: Any) -> EscalationPolicy | None:
    """One that cannot be read must not keep the pages of all other incidents back."""
    try:
        return None if frozen is None else msgspec.convert(frozen, EscalationPolicy)
    except msgspec.ValidationError as error:
        log.error("escalation policy unreadable", incident=number, why=str(error))
        return None
