"""Which targets somebody took out of their virtual host, drained or put back: the last word on each, whether it holds
against what is automatic, and whether it was told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import JSON, Boolean, Column, Integer, Row, String, Table, Text, false, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import BalancerState, TargetChanged
from stationmaster.runtime.db import Instant, metadata

overrides = Table(
    "balancer_override",
    metadata,
    Column("virtual_host", String(255), primary_key=True),
    Column("target", String(255), primary_key=True),
    Column("state", String(8), nullable=False),
    Column("by", String(255), nullable=False),
    Column("why", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("incident", Integer),
    Column("acknowledged", JSON, nullable=False),
    Column("pending", JSON, nullable=False),
    Column("told", Boolean, nullable=False),
    Column("manual", Boolean, nullable=False, server_default=false()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """`acknowledged` and `pending` are final once it was `told`, that is, once its fact is in the outbox. A `manual`
    one is changed by people alone, until somebody releases it."""

    virtual_host: str
    target: str
    state: BalancerState
    by: str
    why: str
    at: datetime
    incident: int | None = None
    acknowledged: Mapping[str, float] = field(default_factory=dict)
    pending: tuple[str, ...] = ()
    told: bool = False
    manual: bool = False

    def fact(self) -> TargetChanged:
        return TargetChanged(
            at=self.at,
            virtual_host=self.virtual_host,
            target=self.target,
            state=self.state,
            by=self.by,
            why=self.why,
            acknowledged=self.acknowledged,
            pending=self.pending,
            incident=self.incident,
            manual=self.manual,
        )


async def find(connection: AsyncConnection, virtual_host: str, target: str) -> Override | None:
    query = select(overrides).where(overrides.c.virtual_host == virtual_host, overrides.c.target == target)
    row = (await connection.execute(query)).one_or_none()
    return _override(row) if row else None


async def everything(connection: AsyncConnection) -> tuple[Override, ...]:
    rows = await connection.execute(select(overrides).order_by(overrides.c.virtual_host, overrides.c.target))
    return tuple(_override(row) for row in rows)


async def states(connection: AsyncConnection) -> Mapping[tuple[str, str], BalancerState]:
    """The state of every target that somebody has ever changed, by the virtual host and the address."""
    query = select(overrides.c.virtual_host, overrides.c.target, overrides.c.state)
    return {(row.virtual_host, row.target): BalancerState(row.state) for row in await connection.execute(query)}


async def held_in(connection: AsyncConnection) -> frozenset[tuple[str, str]]:
    """What somebody holds in rotation by hand, by the virtual host and the address."""
    held = (overrides.c.state == BalancerState.IN.value) & overrides.c.manual
    query = select(overrides.c.virtual_host, overrides.c.target).where(held)
    return frozenset((row.virtual_host, row.target) for row in await connection.execute(query))


async def keep(connection: AsyncConnection, override: Override) -> None:
    """Writes the last word on a target."""
    values = {
        "virtual_host": override.virtual_host,
        "target": override.target,
        "state": override.state.value,
        "by": override.by,
        "why": override.why,
        "at": override.at,
        "incident": override.incident,
        "acknowledged": dict(override.acknowledged),
        "pending": list(override.pending),
        "told": override.told,
        "manual": override.manual,
    }
    key = [overrides.c.virtual_host, overrides.c.target]
    await connection.execute(upsert(overrides).values(values).on_conflict_do_update(index_elements=key, set_=values))


async def mark_told(connection: AsyncConnection, override: Override) -> bool:
    """Fills in who acknowledged; False when it was told already or is no longer the last word."""
    result = await connection.execute(
        update(overrides)
        .where(
            overrides.c.virtual_host == override.virtual_host,
            overrides.c.target == override.target,
            overrides.c.at == override.at,
            overrides.c.told.is_(False),
        )
        .values(told=True, acknowledged=dict(override.acknowledged), pending=list(override.pending))
    )
    return result.rowcount == 1


def _override(row: Row[tuple[object, ...]]) -> Override:
    return Override(
        virtual_host=row.virtual_host,
        target=row.target,
        state=BalancerState(row.state),
        by=row.by,
        why=row.why,
        at=row.at,
        incident=row.incident,
        acknowledged=row.acknowledged,
        pending=tuple(row.pending),
        told=row.told,
        manual=row.manual,
    )
