"""Takes up what went wrong while an incident was worked: restarts that did not help, runs without a cure, asking."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import EscalationAsked, RunEnded
from stationmaster.core.response import ConditionKind
from stationmaster.incidents import linked, moves, store
from stationmaster.incidents.escalate import Happened, Move
from stationmaster.incidents.store import Incident

RUNBOOKS = "runbooks"
_CURED = "cured"


async def asked(connection: AsyncConnection, fact: EscalationAsked, at: datetime) -> None:
    """A level counts from 1; one beyond the last of the policy means the last."""
    incident = await store.incident(connection, fact.incident)
    if incident is None or incident.status.is_over:
        return
    last = len(incident.policy.levels) if incident.policy else 1
    level = min(max(fact.level, 1), last) - 1
    await _add(connection, incident, Happened(at=at, move=Move.ESCALATED, by=RUNBOOKS, level=level))


async def run_ended(connection: AsyncConnection, incident: Incident, fact: RunEnded, at: datetime) -> None:
    """Without a cure: the condition holds, and what was restarted meanwhile did not help."""
    if fact.outcome == _CURED or incident.status.is_over:
        return
    raised = Happened(at=at, move=Move.RAISED, by=RUNBOOKS, condition=ConditionKind.RUN_FAILED)
    await _add(connection, incident, raised)
    await failed_again(connection, incident, fact.fingerprint, at)


async def restarted(connection: AsyncConnection, number: int, instance: str, at: datetime) -> None:
    """A restart is needed again only where the one before did not help."""
    incident = await store.incident(connection, number)
    if incident is not None and not incident.status.is_over and await linked.try_restart(connection, number, instance):
        await _add(connection, incident, Happened(at=at, move=Move.RESTART_FAILED, by=RUNBOOKS))


async def failed_again(connection: AsyncConnection, incident: Incident, fingerprint: str, at: datetime) -> None:
    """The alert of the incident fires once more, or still; without a fingerprint any of them."""
    if await linked.restart_failed(connection, incident.number, fingerprint):
        await _add(connection, incident, Happened(at=at, move=Move.RESTART_FAILED, by=RUNBOOKS))


async def _add(connection: AsyncConnection, incident: Incident, happened: Happened) -> None:
    await moves.add(connection, incident, happened)
    await store.wake(connection, incident.number, happened.at)
