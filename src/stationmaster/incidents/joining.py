"""What an alert that joins an incident brings to it: a higher severity, somebody else who has to know."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import AlertFired
from stationmaster.core.response import EscalationPolicy, Level, PolicyName, Urgency
from stationmaster.incidents import moves, opening, paper, store
from stationmaster.incidents.doing import Ground
from stationmaster.incidents.escalate import Happened, Move, Reached
from stationmaster.incidents.pages import Nobody, pages
from stationmaster.incidents.paper import What
from stationmaster.incidents.routing import Routed, route
from stationmaster.incidents.store import Incident
from stationmaster.incidents.timeline import Entry

BY = "incidents"
_RANKS = {
    **dict.fromkeys(("none", "info", "informational", "notice", "debug", "low"), 0),
    **dict.fromkeys(("warning", "warn", "minor", "ticket", "moderate", "medium"), 1),
    **dict.fromkeys(("error", "major", "high", "severe"), 2),
    **dict.fromkeys(("critical", "crit", "emergency", "fatal", "page", "disaster"), 3),
}


def is_graver(severity: str, than: str) -> bool:
    """Between words of which it is not known what they weigh nothing is graver."""
    one, other = _RANKS.get(severity.lower()), _RANKS.get(than.lower())
    return one is not None and other is not None and one > other


async def bear(connection: AsyncConnection, number: int, fact: AlertFired, *, ground: Ground, at: datetime) -> None:
    """`at` is the steady moment at which it joins."""
    await opening.raise_labelled(connection, await store.known(connection, number), fact.alert, at)
    await _graver(connection, await store.known(connection, number), fact, at)
    routed = route(ground.declared.value, fact.alert.labels)
    incident = await store.known(connection, number)
    if routed.policy is None:
        return
    if incident.policy is None:
        await _led(connection, incident, routed, when=fact.at, at=at)
    elif routed.policy.name != incident.policy.name:
        why = f"{fact.alert.name} joined #{number}, which is led by {incident.policy.name}"
        await _tell(connection, incident, routed, ground=ground, at=at, why=why)
        await _more_urgent(connection, incident, routed)
    elif await _more_urgent(connection, incident, routed):
        urgent = Routed(policy=incident.policy, urgency=Urgency.HIGH, channels=(), why=routed.why)
        why = f"{fact.alert.name} joined #{number}: it is urgent now"
        await _tell(connection, incident, urgent, ground=ground, at=at, why=why)


async def _graver(connection: AsyncConnection, incident: Incident, fact: AlertFired, at: datetime) -> None:
    severity = fact.alert.labels.get("severity", "")
    if not is_graver(severity, incident.severity):
        return
    await store.change(connection, incident.number, severity=severity)
    await moves.add(connection, incident, Happened(at=at, move=Move.SEVERITY, by=BY, value=severity))
    await store.wake(connection, incident.number, at)
    text = f"severity is {severity} now: that of {fact.alert.name}, which joined"
    await store.add_entry(connection, incident.number, Entry(at=fact.at, kind="incident.severity", by=BY, text=text))


async def _led(
    connection: AsyncConnection, incident: Incident, routed: Routed, *, when: datetime, at: datetime
) -> None:
    """An incident that paged nobody is led by the first policy that an alert leads to; its chain begins then."""
    policy = routed.policy
    if policy is None:
        return
    await store.lead(connection, incident.number, routed, at)
    await store.wake(connection, incident.number, at)
    text = f"escalation policy {policy.name} from now on, urgency {routed.urgency.value} ({routed.why})"
    await store.add_entry(connection, incident.number, Entry(at=when, kind="incident.routed", by=BY, text=text))


async def _more_urgent(connection: AsyncConnection, incident: Incident, routed: Routed) -> bool:
    if incident.urgency is Urgency.HIGH or routed.urgency is not Urgency.HIGH:
        return False
    await store.change(connection, incident.number, urgency=Urgency.HIGH.value)
    return True


async def _tell(
    connection: AsyncConnection, incident: Incident, routed: Routed, *, ground: Ground, at: datetime, why: str
) -> None:
    """Pages the first level of the policy, once for an incident: however many more alerts of it join, the keys of the
    pages are the same. Nothing more of that policy is followed."""
    policy = routed.policy
    if policy is None:
        return
    first = Reached(level=0, round=0, at=at, why=why)
    found = pages((first,), _alone(policy), ground.directory(), routed.urgency)
    told = []
    for each in found:
        if isinstance(each, Nobody):
            told.append(f"{each.target.name}, who cannot be paged: {each.why}")
            continue
        key = f"joined/{policy.name}/{routed.urgency.value}/{each.to.kind.value}/{each.to.name}/{each.contact.name}"
        await paper.write(connection, incident, What.PAGE, replace(each, key=key, level=-1))
        told.append(f"{each.to.name} by {each.contact.name}")
    if told:
        await store.wake(connection, incident.number, at)
        text = f"the first level of {policy.name} is told, {', '.join(told)}: {why}"
        key = f"told/{incident.chain}/{policy.name}/{routed.urgency.value}"
        entry = Entry(at=at, kind="incident.told", by=BY, text=text, key=key[:200])
        await store.add_entry(connection, incident.number, entry)


def _alone(policy: EscalationPolicy) -> EscalationPolicy:
    levels: tuple[Level, ...] = policy.levels[:1]
    return EscalationPolicy(name=PolicyName(policy.name), levels=levels)
