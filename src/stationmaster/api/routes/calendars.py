"""Calendars of shifts over REST: the feed that calendar programs fetch, its links, and files that are read."""

from typing import Annotated, TypeAlias

from litestar import Controller, Response, get, post
from litestar.params import HeaderParameter, PathParameter, QueryParameter, RawBody
from litestar.status_codes import HTTP_200_OK, HTTP_304_NOT_MODIFIED

from stationmaster.access.roles import Role
from stationmaster.api.guard import Public
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.routes.oncall import ScheduleInPath, oncall_of
from stationmaster.api.routes.oncall_words import imported_of
from stationmaster.api.wire_oncall import CalendarImported, CalendarLink
from stationmaster.core.problem import PlatformError
from stationmaster.incidents.calendar_desk import Calendars
from stationmaster.incidents.calendar_import import import_calendar
from stationmaster.incidents.calendars import CalendarKind, Subject, etag_of, no_such_feed
from stationmaster.platform import Platform

_OPERATOR = {"role": Role.OPERATOR}
_ANYONE = {"role": Public.ANYONE}
_ENDING = ".ics"
_CALENDAR = "text/calendar"
_HEADERS = {
    "cache-control": "private, max-age=300",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
    "x-content-type-options": "nosniff",
}

Token: TypeAlias = Annotated[str, PathParameter(max_length=1000, description="Of a link, with `.ics` behind it.")]
KindInPath: TypeAlias = Annotated[str, PathParameter(max_length=20, description="schedule or responder.")]
NameInPath: TypeAlias = Annotated[str, PathParameter(max_length=255)]
IfNoneMatch: TypeAlias = Annotated[str, HeaderParameter(name="If-None-Match")]


def calendars_of(platform: Platform) -> Calendars:
    if platform.calendars is None:
        hint = "ask the control plane of a whole platform"
        raise PlatformError("no-on-call", "no schedules are kept here", hint=hint, status=503)
    return platform.calendars


class CalendarFeedRoutes(Controller):
    """Calendar programs cannot log in: whoever has the link reads it."""

    path = "/api/v1/calendar"
    tags = ("on-call",)
    security = ({},)

    @get(
        "/{token:str}", opt=_ANYONE, media_type=_CALENDAR, summary="Shifts of 90 days back and 180 ahead, as iCalendar"
    )
    async def feed(self, platform: GivenPlatform, token: Token, if_none_match: IfNoneMatch = "") -> Response[bytes]:
        if not token.endswith(_ENDING):
            raise no_such_feed()
        content = await calendars_of(platform).read(token.removesuffix(_ENDING))
        etag = etag_of(content)
        headers = {**_HEADERS, "etag": etag}
        if etag in (each.strip().removeprefix("W/") for each in if_none_match.split(",")):
            return Response(b"", status_code=HTTP_304_NOT_MODIFIED, headers=headers, media_type=_CALENDAR)
        return Response(content, headers=headers, media_type=_CALENDAR)


class CalendarRoutes(Controller):
    path = "/api/v1/calendars/{kind:str}/{name:str}"
    tags = ("on-call",)
    opt = _OPERATOR

    @get(summary="The link to the calendar of a schedule or a responder")
    async def link(self, platform: GivenPlatform, kind: KindInPath, name: NameInPath) -> CalendarLink:
        subject = _subject(kind, name)
        return CalendarLink(subject=subject.key, url=await calendars_of(platform).link(subject))

    @post("/revoke", status_code=HTTP_200_OK, summary="End every link to it that was handed out, and make a new one")
    async def revoke(
        self, platform: GivenPlatform, caller: GivenCaller, kind: KindInPath, name: NameInPath
    ) -> CalendarLink:
        subject = _subject(kind, name)
        return CalendarLink(subject=subject.key, url=await calendars_of(platform).revoke(subject, by=caller.name))


class CalendarImportRoutes(Controller):
    path = "/api/v1/schedules/{name:str}/import"
    tags = ("on-call",)

    @post(opt=_OPERATOR, status_code=HTTP_200_OK, summary="Turn the events of an iCalendar file into overrides")
    async def read(
        self,
        platform: GivenPlatform,
        caller: GivenCaller,
        name: ScheduleInPath,
        body: RawBody,
        dry_run: Annotated[bool, QueryParameter(description="Only say what would come of it.")] = False,
    ) -> CalendarImported:
        oncall = oncall_of(platform)
        imported = await import_calendar(oncall, name, _text(body), by=caller.name, dry_run=dry_run)
        return imported_of(imported, platform.spec, oncall.now(), dry_run=dry_run)


def _subject(kind: str, name: str) -> Subject:
    try:
        return Subject(kind=CalendarKind(kind), name=name)
    except ValueError:
        hint = "known are schedule and responder"
        raise PlatformError("unknown-calendar", f"there is no calendar of a {kind!r}", hint=hint, status=404) from None


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "iCalendar files are written in UTF-8 (RFC 5545, 3.1.4)"
        raise PlatformError("bad-calendar", f"byte {error.start + 1} of the file is no UTF-8", hint=hint) from error
