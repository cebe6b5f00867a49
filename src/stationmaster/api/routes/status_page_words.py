"""Says in the words of the REST API what its own people see of the status page."""

from collections.abc import Mapping, Sequence

from stationmaster.api.wire_status_page import (
    PageComponent,
    PageIncident,
    PageMaintenance,
    PagePost,
    PagePreview,
    PageSubscriber,
    StatusPageShown,
)
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Component
from stationmaster.incidents.status import deliveries_store, store
from stationmaster.incidents.status.deliveries_store import Subscriber
from stationmaster.incidents.status.desk import Preview
from stationmaster.incidents.status.loop import StatusPages
from stationmaster.incidents.status.standing import Hold
from stationmaster.incidents.status.store import Maintenance, Post, PublicIncident
from stationmaster.incidents.status.view import ComponentView, View

_MOST = 20


async def page_shown(pages: StatusPages) -> StatusPageShown:
    """Raises PlatformError `not-ready` (503) before the page was prepared for the first time."""
    view, spec = pages.view, pages.declared.value
    if view is None:
        hint = "try again in a second"
        raise PlatformError("not-ready", "the status page is being prepared", hint=hint, status=503)
    async with pages.database.read() as connection:
        holds = await store.all_holds(connection)
        public = await store.newest_public(connection, _MOST)
        planned = await store.newest_maintenances(connection, _MOST)
        ids = [*(each.id for each in public), *(each.window.id for each in planned)]
        posts = await store.posts_about(connection, ids)
        subscribers = await deliveries_store.count(connection, confirmed=True)
        messages = await deliveries_store.counts(connection)
    declared = {each.name: each for each in spec.status_page.components}
    return StatusPageShown(
        title=view.title,
        url=view.url,
        publish=spec.status_page.publish.value,
        indicator=view.indicator.value,
        headline=view.headline,
        components=tuple(
            _component(each, declared[each.name], holds.get(each.name))
            for each in view.components
            if each.name in declared
        ),
        incidents=tuple(_incident(each, posts.get(each.id, ())) for each in public),
        maintenances=tuple(_maintenance(each, view, posts) for each in planned),
        subscribers=subscribers,
        messages=messages,
    )


def preview_of(preview: Preview) -> PagePreview:
    drafted = preview.drafted
    return PagePreview(
        incident=_incident(drafted.public, ()),
        post=_post(drafted.post),
        leaks=preview.leaks,
        is_new=drafted.is_new,
    )


def subscriber_of(each: Subscriber) -> PageSubscriber:
    return PageSubscriber(
        id=each.id,
        kind=each.way.value,
        address=each.address,
        components=each.components,
        created_at=each.created_at,
        confirmed_at=each.confirmed_at,
        lost=each.lost,
    )


def _component(each: ComponentView, declared: Component, hold: Hold | None) -> PageComponent:
    return PageComponent(
        id=each.id,
        name=each.name,
        group=each.group,
        standing=each.standing.value,
        since=each.updated_at,
        uptime_percent=None if each.uptime.percent is None else round(each.uptime.percent, 4),
        services=declared.services,
        apis=declared.apis,
        held_by="" if hold is None else hold.by,
        held_until=None if hold is None else hold.until,
        held_why="" if hold is None else hold.why,
    )


def _incident(each: PublicIncident, posts: Sequence[Post]) -> PageIncident:
    return PageIncident(
        id=each.id,
        incident=each.incident,
        title=each.title,
        status=each.status.value,
        impact=each.impact.value,
        components=each.components,
        created_at=each.created_at,
        resolved_at=each.resolved_at,
        posts=tuple(map(_post, posts)),
    )


def _maintenance(each: Maintenance, view: View, posts: Mapping[str, Sequence[Post]]) -> PageMaintenance:
    window = each.window
    status = next((one.status.value for one in view.maintenances if one.id == window.id), "completed")
    return PageMaintenance(
        id=window.id,
        title=window.title,
        status=status,
        components=window.components,
        starts_at=window.starts_at,
        ends_at=window.ended_at or window.ends_at,
        silence=each.silence,
        posts=tuple(map(_post, posts.get(window.id, ()))),
    )


def _post(each: Post) -> PagePost:
    return PagePost(id=each.id, at=each.at, status=each.status, by=each.by, text=each.body)
