"""Reads what drafts are made from: the incident, its timeline, its last update and when the next one is owed."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.response import Urgency
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import linked, responders
from stationmaster.incidents import store as incident_store
from stationmaster.incidents.store import Incident
from stationmaster.incidents.talk import store
from stationmaster.incidents.talk.drafts import Known
from stationmaster.incidents.talk.owed import Said
from stationmaster.incidents.talk.store import Update

_MOST_ALERTS = 1000


def said_of(incident: Incident, last: Update | None, told_at: datetime | None) -> Said:
    """Acknowledged or not: users wait for news all the same."""
    return Said(
        owes=not incident.status.is_over and incident.urgency is Urgency.HIGH,
        since=incident.chain_at,
        updated_at=None if last is None else last.at,
        told_at=told_at,
    )


async def known(
    connection: AsyncConnection, incident: Incident, spec: PlatformSpec, *, every_s: float, now: datetime
) -> Known:
    """`every_s` is how often news are owed; the next ones come so long after those that are given now."""
    last = await store.last_of(connection, incident.number)
    alerts = await linked.alerts_of(connection, incident.number, limit=_MOST_ALERTS)
    at_work = await responders.of(connection, incident.number)
    owes = said_of(incident, last, None).owes and every_s > 0
    return Known(
        number=incident.number,
        title=incident.title,
        status=incident.status,
        severity=incident.severity,
        service=incident.service,
        environment=incident.environment,
        region=incident.region,
        instance=incident.instance,
        url=incident.url,
        since=incident.opened_at,
        ended_at=incident.resolved_at,
        update_at=None if last is None else last.at,
        word=None if last is None else last.word,
        next_at=now + timedelta(seconds=every_s) if owes else None,
        entries=tuple(await incident_store.entries(connection, incident.number)),
        firing=tuple(each.summary for each in alerts if each.firing),
        at_work=tuple(each.name for each in at_work),
        components=tuple(each.name for each in spec.status_page.components if incident.service in each.services),
        zone=ZoneInfo(spec.status_page.time_zone),
    )
