"""What the platform's own people do with the status page, over REST."""

from datetime import UTC, datetime
from typing import Annotated, Final, TypeAlias

from litestar import Controller, delete, get, post, put
from litestar.params import JSONBody, PathParameter
from litestar.status_codes import HTTP_200_OK

from stationmaster.access.roles import Role
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.routes.incident_words import IncidentNumber
from stationmaster.api.routes.status_page import pages_of
from stationmaster.api.routes.status_page_words import page_shown, preview_of, subscriber_of
from stationmaster.api.wire_status_page import (
    MaintenanceOrder,
    MaintenanceText,
    PagePreview,
    PageSubscriber,
    PageSubscriberList,
    PostOrder,
    StandingOrder,
    StatusPageShown,
    SubscriberOrder,
)
from stationmaster.core.problem import PlatformError
from stationmaster.incidents.status.deliveries_store import Way
from stationmaster.incidents.status.desk import Planned
from stationmaster.incidents.status.loop import StatusPages
from stationmaster.incidents.status.posting import Told
from stationmaster.incidents.status.words import impact_named, post_status_of, standing_of

_OK: Final = HTTP_200_OK
_OPERATOR: Final = {"role": Role.OPERATOR}

Named: TypeAlias = Annotated[str, PathParameter(max_length=200, description="A name or an id.")]
Id: TypeAlias = Annotated[str, PathParameter(max_length=64, description="As the page shows it.")]


class StatusPageDeskRoutes(Controller):
    path = "/api/v1/status-page"
    tags = ("status page",)

    @get(summary="The page as its own people see it")
    async def show(self, platform: GivenPlatform) -> StatusPageShown:
        return await page_shown(pages_of(platform))

    @post("/incidents/{number:int}/posts", opt=_OPERATOR, status_code=_OK, summary="Tell the public of an incident")
    async def publish(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[PostOrder]
    ) -> StatusPageShown:
        pages, desk = pages_of(platform), pages_of(platform).desk
        told = _told(pages, data)
        await desk.post_update(number, post_status_of(data.status), data.text, by=caller.name, told=told)
        return await _after(pages)

    @post("/incidents/{number:int}/preview", opt=_OPERATOR, status_code=_OK, summary="What a post would say")
    async def preview(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[PostOrder]
    ) -> PagePreview:
        pages, status = pages_of(platform), post_status_of(data.status)
        told = _told(pages, data)
        return preview_of(await pages.desk.preview(number, status, data.text, by=caller.name, told=told))

    @put("/components/{component:str}", opt=_OPERATOR, summary="Set how a component is, whatever incidents say")
    async def hold(
        self, platform: GivenPlatform, caller: GivenCaller, component: Named, data: JSONBody[StandingOrder]
    ) -> StatusPageShown:
        pages, standing = pages_of(platform), standing_of(data.standing)
        until = None if data.until is None else _moment(data.until)
        await pages.desk.set(component, standing, by=caller.name, why=data.why, until=until)
        return await _after(pages)

    @delete("/components/{component:str}", opt=_OPERATOR, summary="Let incidents decide again")
    async def release(self, platform: GivenPlatform, caller: GivenCaller, component: Named) -> None:
        pages = pages_of(platform)
        await pages.desk.release(component, by=caller.name)
        await pages.refresh()

    @post("/maintenances", opt=_OPERATOR, summary="Announce maintenance")
    async def announce(
        self, platform: GivenPlatform, caller: GivenCaller, data: JSONBody[MaintenanceOrder]
    ) -> StatusPageShown:
        pages = pages_of(platform)
        planned = Planned(
            title=data.title,
            body=data.text,
            components=tuple(map(pages.desk.component, data.components)),
            starts_at=_moment(data.starts_at),
            ends_at=_moment(data.ends_at),
        )
        await pages.desk.announce(planned, by=caller.name)
        return await _after(pages)

    @post("/maintenances/{number:str}/posts", opt=_OPERATOR, status_code=_OK, summary="Tell of a maintenance")
    async def tell(
        self, platform: GivenPlatform, caller: GivenCaller, number: Id, data: JSONBody[MaintenanceText]
    ) -> StatusPageShown:
        pages = pages_of(platform)
        await pages.desk.tell_of_maintenance(number, data.text, by=caller.name)
        return await _after(pages)

    @post("/maintenances/{number:str}/end", opt=_OPERATOR, status_code=_OK, summary="It is completed")
    async def end(
        self, platform: GivenPlatform, caller: GivenCaller, number: Id, data: JSONBody[MaintenanceText]
    ) -> StatusPageShown:
        pages = pages_of(platform)
        await pages.desk.end_maintenance(number, by=caller.name, body=data.text)
        return await _after(pages)

    @get("/subscribers", opt=_OPERATOR, summary="Who is told")
    async def subscribers(self, platform: GivenPlatform) -> PageSubscriberList:
        found = await pages_of(platform).subscribers.all()
        return PageSubscriberList(subscribers=tuple(map(subscriber_of, found)))

    @post("/subscribers", opt=_OPERATOR, summary="Add somebody who need not confirm it")
    async def add(
        self, platform: GivenPlatform, caller: GivenCaller, data: JSONBody[SubscriberOrder]
    ) -> PageSubscriber:
        pages = pages_of(platform)
        chosen = tuple(map(pages.desk.component, data.components))
        return subscriber_of(await pages.subscribers.add(_way(data.kind), data.address, chosen, by=caller.name))

    @delete("/subscribers/{number:str}", opt=_OPERATOR, summary="Forget somebody")
    async def remove(self, platform: GivenPlatform, caller: GivenCaller, number: Id) -> None:
        await pages_of(platform).subscribers.remove(number, by=caller.name)


async def _after(pages: StatusPages) -> StatusPageShown:
    """What was done is on the page already when it is answered."""
    await pages.refresh()
    return await page_shown(pages)


def _told(pages: StatusPages, order: PostOrder) -> Told:
    components = {pages.desk.component(name): standing_of(standing) for name, standing in order.components.items()}
    impact = impact_named(order.impact) if order.impact else None
    return Told(title=order.title, impact=impact, components=components, key=order.key)


def _moment(given: datetime) -> datetime:
    if given.tzinfo is None:
        raise PlatformError("bad-moment", "a moment has no offset", hint="write it as 2026-11-21T03:00:00Z")
    try:
        return given.astimezone(UTC)
    except OverflowError as error:
        raise PlatformError("bad-moment", f"{given} is beyond every calendar", hint="is the year right?") from error


def _way(text: str) -> Way:
    found = next((each for each in Way if each.value == text), None)
    if found is None:
        hint = "it is email or webhook"
        raise PlatformError("unknown-kind", f"{text[:40]!r} is no kind of subscriber", hint=hint)
    return found
