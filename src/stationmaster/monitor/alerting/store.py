"""The table of alerts that are pending or firing: their clocks go on where they were when the platform ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, String, Table, delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.monitor.alerting.states import ActiveAlert, Phase
from stationmaster.runtime.db import metadata

alert_states = Table(
    "alert_state",
    metadata,
    Column("rule", String(64), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("labels", JSON, nullable=False),
    Column("annotations", JSON, nullable=False),
    Column("phase", String(16), nullable=False),
    Column("value", String(32), nullable=False),
    Column("active_ms", BigInteger, nullable=False),
    Column("fired_ms", BigInteger),
    Column("held_ms", BigInteger),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """`rule` is the key of its rule; `fingerprint` is that of the alert as it leaves us, external labels included."""

    rule: str
    fingerprint: str
    alert: ActiveAlert


async def keep(connection: AsyncConnection, kept: Sequence[Kept]) -> None:
    """In place of what was known of them."""
    if not kept:
        return
    row = insert(alert_states)
    changed = {each.name: row.excluded[each.name] for each in alert_states.c if not each.primary_key}
    known = [alert_states.c.rule, alert_states.c.fingerprint]
    await connection.execute(row.on_conflict_do_update(index_elements=known, set_=changed), list(map(_row, kept)))


def _row(kept: Kept) -> dict[str, Any]:
    alert = kept.alert
    return {
        "rule": kept.rule,
        "fingerprint": kept.fingerprint,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "phase": alert.phase.value,
        "value": repr(alert.value),
        "active_ms": alert.active_ms,
        "fired_ms": alert.fired_ms,
        "held_ms": alert.held_ms,
    }


async def forget(connection: AsyncConnection, rule: str, fingerprint: str) -> None:
    await connection.execute(
        delete(alert_states).where(alert_states.c.rule == rule, alert_states.c.fingerprint == fingerprint)
    )


async def kept_alerts(connection: AsyncConnection) -> Mapping[str, Sequence[Kept]]:
    """All of them, by the key of their rule."""
    made: dict[str, list[Kept]] = {}
    for row in await connection.execute(select(alert_states)):
        labels = tuple(sorted(row.labels.items()))
        alert = ActiveAlert(
            labels=labels,
            annotations=row.annotations,
            phase=Phase(row.phase),
            value=float(row.value),
            active_ms=row.active_ms,
            fired_ms=row.fired_ms,
            held_ms=row.held_ms,
        )
        made.setdefault(row.rule, []).append(Kept(rule=row.rule, fingerprint=row.fingerprint, alert=alert))
    return made
