"""Reads from the store what the public may see."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.status import store
from stationmaster.incidents.status.ids import component_id, page_id
from stationmaster.incidents.status.store import Maintenance, Post, PublicIncident
from stationmaster.incidents.status.uptime import DAYS, Span, uptime
from stationmaster.incidents.status.view import ComponentView, IncidentView, MaintenanceView, PostView, View
from stationmaster.incidents.status.words import MaintenanceStatus, Standing, gravest, headline, impact_of
from stationmaster.incidents.telling import url_of

_MOST = 300
_LOOKED_AT = timedelta(days=DAYS + 2)


async def load(connection: AsyncConnection, spec: PlatformSpec, now: datetime) -> View:
    spans = await store.standings_since(connection, now - _LOOKED_AT)
    firsts = await store.first_standings(connection)
    public = await store.newest_public(connection, _MOST)
    planned = await store.newest_maintenances(connection, _MOST)
    posts = await store.posts_about(connection, [*(each.id for each in public), *(each.window.id for each in planned)])
    components = _components(spec, spans, firsts, now)
    incidents = tuple(_incident(each, posts.get(each.id, [])) for each in public)
    open_ = [each.impact for each in incidents if each.resolved_at is None]
    standings = [each.standing for each in components]
    indicator = gravest([*map(impact_of, standings), *open_])
    page = spec.status_page
    maintenances = tuple(_maintenance(each, posts.get(each.window.id, []), now) for each in planned if _lasts(each))
    changed = [each.updated_at for each in components]
    changed += [each.updated_at for each in incidents] + [each.updated_at for each in maintenances]
    return View(
        page_id=page_id(spec.environment),
        title=page.title or spec.environment,
        url=page_url(spec),
        zone=page.time_zone,
        updated_at=max(changed, default=now.replace(hour=0, minute=0, second=0, microsecond=0)),
        indicator=indicator,
        headline=headline(indicator, standings),
        components=components,
        incidents=incidents,
        maintenances=maintenances,
        takes_mail=spec.incidents.smtp is not None,
    )


def page_url(spec: PlatformSpec) -> str:
    """Where the overview is seen, without a slash at its end."""
    return (spec.status_page.url or f"{url_of(spec)}/status").rstrip("/")


def _components(
    spec: PlatformSpec, spans: Mapping[str, Sequence[Span]], firsts: Mapping[str, datetime], now: datetime
) -> tuple[ComponentView, ...]:
    zone = ZoneInfo(spec.status_page.time_zone)
    found = []
    for position, each in enumerate(spec.status_page.components, start=1):
        known = spans.get(each.name, ())
        last = known[-1] if known else Span(since=now, until=None, standing=Standing.OPERATIONAL)
        found.append(
            ComponentView(
                id=component_id(spec.environment, each.name),
                name=each.name,
                description=each.description,
                group=each.group,
                standing=last.standing,
                position=position,
                created_at=firsts.get(each.name, now),
                updated_at=last.since,
                uptime=uptime(known, now, zone),
            )
        )
    return tuple(found)


def _incident(each: PublicIncident, posts: Sequence[Post]) -> IncidentView:
    return IncidentView(
        id=each.id,
        title=each.title,
        impact=each.impact,
        status=each.status,
        components=each.components,
        created_at=each.created_at,
        updated_at=each.updated_at,
        monitoring_at=each.monitoring_at,
        resolved_at=each.resolved_at,
        posts=tuple(map(_post, posts)),
    )


def _maintenance(each: Maintenance, posts: Sequence[Post], now: datetime) -> MaintenanceView:
    window, status = each.window, each.window.status(now)
    reached = {
        MaintenanceStatus.SCHEDULED: window.updated_at,
        MaintenanceStatus.IN_PROGRESS: max(window.updated_at, window.starts_at),
        MaintenanceStatus.COMPLETED: max(window.updated_at, window.ended_at or window.ends_at),
    }
    return MaintenanceView(
        id=window.id,
        title=window.title,
        status=status,
        components=window.components,
        starts_at=window.starts_at,
        ends_at=window.ended_at or window.ends_at,
        created_at=window.created_at,
        updated_at=reached[status],
        posts=tuple(map(_post, posts)),
    )


def _lasts(each: Maintenance) -> bool:
    """A maintenance window that was called off before it began lasts no time."""
    return each.window.ends_at > each.window.starts_at


def _post(each: Post) -> PostView:
    return PostView(id=each.id, at=each.at, status=each.status, body=each.body, affected=each.affected)
