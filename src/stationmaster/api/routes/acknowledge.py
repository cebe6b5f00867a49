"""The page of an incident behind a link: looking at it changes nothing, as scanners of e-mail follow links too; its
buttons act in the name of whom the link went to."""

import asyncio
from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo

from litestar import Controller, Response, get, post
from litestar.params import PathParameter, QueryParameter
from litestar.status_codes import HTTP_303_SEE_OTHER, HTTP_401_UNAUTHORIZED

from stationmaster.api.guard import Public
from stationmaster.api.pages.incident import page_of, updates_of
from stationmaster.api.pages.render import page
from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.routes.incident_words import IncidentNumber
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Publishing
from stationmaster.incidents.links import Link
from stationmaster.incidents.loop import Incidents
from stationmaster.incidents.notify.message import one_line
from stationmaster.platform import Platform

_ANYONE = {"role": Public.ANYONE}
_DONE = {
    "acknowledged": "Acknowledged, {who}. Nobody else is paged for now.",
    "escalated": "The next level is asked for.",
    "updated": "The update is posted.",
    "given": "An update was given already; nothing was posted.",
    "resolved": "Resolved.",
    "before": "That was done before.",
    "allowed": "The step is allowed; what comes of it is told below.",
    "denied": "The step is left out.",
}
"""What a page says after an act: nothing that stands in its address gets onto it."""

Token: TypeAlias = Annotated[str, PathParameter(max_length=500, description="Of a link in a message.")]
Done: TypeAlias = Annotated[str, QueryParameter(max_length=20, description="What was done a moment ago.")]
Number: TypeAlias = Annotated[int, PathParameter(ge=0, le=2**63 - 1)]


class AcknowledgeRoutes(Controller):
    path = "/i/{token:str}"
    tags = ("incidents",)
    opt = _ANYONE
    security = ({},)

    @get(summary="The incident, with buttons for whom the link went to")
    async def look(self, platform: GivenPlatform, token: Token, done: Done = "") -> Response[str]:
        incidents = platform.incidents
        try:
            link = _link(incidents, token)
            return await _shown(platform, token, link, done)
        except PlatformError as error:
            return refusal_page(error)

    @post(summary="Acknowledge it in the name of whom the link went to")
    async def acknowledge(self, platform: GivenPlatform, token: Token) -> Response[str]:
        try:
            link = actor_of(platform.incidents, token)
            await platform.incidents.by_link.acknowledge(link.incident, by=link.who)
        except PlatformError as error:
            return refusal_page(error)
        return _back(token, "acknowledged")

    @post("/escalate/{level:int}", summary="Page that level of the escalation policy")
    async def escalate(self, platform: GivenPlatform, token: Token, level: Number) -> Response[str]:
        try:
            link = actor_of(platform.incidents, token)
            fresh = await platform.incidents.by_link.escalate(link.incident, level, by=link.who)
        except PlatformError as error:
            return refusal_page(error)
        return _back(f"../../{token}", "escalated" if fresh else "before")

    @get("/update", summary="The draft of an update, before it is posted")
    async def draft(self, platform: GivenPlatform, token: Token) -> Response[str]:
        return await _asked(platform.incidents, token, "update")

    @post("/update/{after:int}", summary="Post the draft, unless another update was given since")
    async def update(self, platform: GivenPlatform, token: Token, after: Number) -> Response[str]:
        try:
            link = actor_of(platform.incidents, token)
            fresh = await platform.incidents.by_link.give_update(link.incident, after, by=link.who)
        except PlatformError as error:
            return refusal_page(error)
        return _back(f"../../{token}", "updated" if fresh else "given")

    @get("/resolve", summary="Whether it is really to be resolved")
    async def confirm(self, platform: GivenPlatform, token: Token) -> Response[str]:
        return await _asked(platform.incidents, token, "resolve")

    @post("/resolve", summary="Resolve it in the name of whom the link went to")
    async def resolve(self, platform: GivenPlatform, token: Token) -> Response[str]:
        try:
            link = actor_of(platform.incidents, token)
            fresh = await platform.incidents.by_link.resolve(link.incident, by=link.who)
        except PlatformError as error:
            return refusal_page(error)
        return _back(f"../{token}", "resolved" if fresh else "before")

    @get("/runbook", summary="The runbook that answers it, as it stands now")
    async def runbook(self, platform: GivenPlatform, token: Token) -> Response[str]:
        try:
            link = _link(platform.incidents, token)
            found = await platform.incidents.runbook(link.incident)
            if found is None:
                hint = f"`stm incident show {link.incident}` says why"
                raise PlatformError("no-runbook", "no runbook answers this incident", hint=hint, status=404)
            text = await asyncio.to_thread(found.read)
        except PlatformError as error:
            return refusal_page(error)
        return page("said.html", title=one_line(found.title), paragraphs=[], text=text, back=f"../{token}")


class IncidentPageRoutes(Controller):
    path = "/incidents/{number:int}"
    tags = ("incidents",)
    opt = _ANYONE
    security = ({},)

    @get(summary="How to get to the page of an incident")
    async def look(self, number: IncidentNumber) -> Response[str]:
        """Says nothing of whether there is such an incident."""
        said = [
            "Incidents are shown to those who were told of them: open the link of the newest message.",
            f"On a terminal that is logged in: `stm incident show {number}`.",
        ]
        headers = {"www-authenticate": 'Bearer realm="stationmaster"'}
        title = f"Incident #{number}"
        return _said(title, said, status=HTTP_401_UNAUTHORIZED, headers=headers)


def _link(incidents: Incidents, token: str) -> Link:
    return incidents.links.read(token, incidents.clock.now())


def actor_of(incidents: Incidents, token: str) -> Link:
    """Raises PlatformError `look-only` (403)."""
    link = _link(incidents, token)
    if not link.who:
        hint = f"use the link of a page that was sent to you, or `stm incident ack {link.incident}`"
        raise PlatformError("look-only", "this link is for looking", hint=hint, status=403)
    return link


async def _shown(platform: Platform, token: str, link: Link, done: str) -> Response[str]:
    incidents, approvals = platform.incidents, platform.approvals
    asked = [] if approvals is None else await approvals.open(incident=link.incident)
    story = await incidents.story(link.incident)
    standing = await incidents.talk.standing(link.incident)
    runbook = await incidents.runbook(link.incident)
    now, zone = incidents.clock.now(), _zone(incidents)
    it = page_of(story, zone, now)
    return page(
        "incident.html",
        title=f"#{it.number} {it.title}",
        it=it,
        asked=asked,
        updates=updates_of(standing, zone, now),
        token=token,
        who=link.who,
        done=_DONE.get(done, "").format(who=link.who),
        runbook="" if runbook is None else one_line(runbook.title),
        seen=now.astimezone(zone).strftime("%H:%M:%S %Z"),
    )


async def _asked(incidents: Incidents, token: str, act: str) -> Response[str]:
    """The page before an act that is not to happen by a slip of the thumb."""
    try:
        link = actor_of(incidents, token)
        story = await incidents.story(link.incident)
        standing = await incidents.talk.standing(link.incident)
    except PlatformError as error:
        return refusal_page(error)
    if act == "resolve" and story.incident.status.is_over:
        return _back(f"../{token}", "before")
    now, zone = incidents.clock.now(), _zone(incidents)
    return page(
        "ask.html",
        title="Resolve it?" if act == "resolve" else "Post this update?",
        act=act,
        it=page_of(story, zone, now),
        updates=updates_of(standing, zone, now),
        firing=sum(each.firing for each in story.alerts),
        token=token,
        who=link.who,
        automatic=incidents.declared.value.status_page.publish is Publishing.AUTOMATIC,
    )


def _zone(incidents: Incidents) -> ZoneInfo:
    return ZoneInfo(incidents.declared.value.status_page.time_zone)


def _back(place: str, done: str) -> Response[str]:
    """To the page itself, so that looking again does nothing again."""
    return _said("Done", [], status=HTTP_303_SEE_OTHER, headers={"location": f"{place}?done={done}"})


def refusal_page(error: PlatformError) -> Response[str]:
    return _said("Not possible", [f"{error.message}.", error.hint], status=error.status)


def _said(title: str, said: list[str], *, status: int, headers: dict[str, str] | None = None) -> Response[str]:
    return page("said.html", status=status, headers=headers, title=title, paragraphs=said, text="", back="")
