"""Reviews over REST: what was learned from incidents, what is left to do, how long they took."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeAlias

from litestar import Controller, get, patch, post, put
from litestar.params import JSONBody, PathParameter, QueryParameter

from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.routes.incident_words import IncidentNumber
from stationmaster.api.routes.review_words import change_of, document_of, stats_of, summary_of, task_of
from stationmaster.api.wire_reviews import (
    DurationReport,
    FinishOrder,
    ProposalList,
    ReviewDocument,
    ReviewDraft,
    ReviewList,
    ReviewOrder,
    ReviewTask,
    ReviewTaskList,
    TaskEdit,
    TaskOrder,
)
from stationmaster.core.problem import PlatformError
from stationmaster.incidents.review.desk import Reviews
from stationmaster.incidents.review.durations import By
from stationmaster.platform import Platform

_SPAN = timedelta(days=90)
TaskNumber: TypeAlias = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]


class ReviewRoutes(Controller):
    path = "/api/v1/reviews"
    tags = ("reviews",)

    @get(summary="Reviews, those of the newest incidents first")
    async def list_all(
        self,
        platform: GivenPlatform,
        unfinished: Annotated[bool, QueryParameter(description="Only those that nobody has finished.")] = False,
        limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    ) -> ReviewList:
        found = await reviews_of(platform).all(unfinished=unfinished, limit=limit)
        return ReviewList(reviews=tuple(map(summary_of, found)))

    @get("/stats", summary="How long detecting, acknowledging, mitigating and resolving took")
    async def stats(
        self,
        platform: GivenPlatform,
        since: Annotated[str, QueryParameter(description="ISO 8601; 90 days ago where it is left out.")] = "",
        by: Annotated[str, QueryParameter(description="service, severity, month or nothing.")] = "service",
        drills: Annotated[bool, QueryParameter(description="Whether drills count as well.")] = False,
    ) -> DurationReport:
        reviews = reviews_of(platform)
        begin = _moment(since) if since else reviews.ground.clock.now() - _SPAN
        found = await reviews.stats(begin, _by(by), drills=drills)
        return DurationReport(since=begin, by=by, drills=drills, groups=tuple(map(stats_of, found)))

    @get("/{number:int}", summary="The review of an incident with every version, its tasks and durations")
    async def show(self, platform: GivenPlatform, number: IncidentNumber) -> ReviewDocument:
        return await _document(reviews_of(platform), number)

    @get("/{number:int}/draft", summary="A fresh draft, as things stand now; it is not kept")
    async def draft(self, platform: GivenPlatform, number: IncidentNumber) -> ReviewDraft:
        drafted = await reviews_of(platform).draft(number)
        return ReviewDraft(incident=number, text=drafted.text)

    @get("/{number:int}/proposals", summary="What could be better in the runbooks, as diffs")
    async def proposals(self, platform: GivenPlatform, number: IncidentNumber) -> ProposalList:
        return ProposalList(changes=tuple(map(change_of, await reviews_of(platform).proposals(number))))

    @put("/{number:int}", summary="Write it anew; what stood there is kept")
    async def write(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[ReviewOrder]
    ) -> ReviewDocument:
        reviews = reviews_of(platform)
        await reviews.write(number, data.text, by=caller.name, instead_of=data.instead_of)
        return await _document(reviews, number)

    @post("/{number:int}/finish", status_code=200, summary="The incident is reviewed from now on")
    async def finish(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[FinishOrder]
    ) -> ReviewDocument:
        reviews = reviews_of(platform)
        await reviews.finish(number, by=caller.name, why=data.why)
        return await _document(reviews, number)

    @post("/{number:int}/tasks", summary="Add a task to an incident")
    async def add_task(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[TaskOrder]
    ) -> ReviewTask:
        reviews = reviews_of(platform)
        due_at = _with_zone(data.due_at)
        made = await reviews.add_task(number, data.text, due_at=due_at, by=caller.name, owner=data.owner)
        return task_of(made, reviews.ground.clock.now())


class ReviewTaskRoutes(Controller):
    path = "/api/v1/review-tasks"
    tags = ("reviews",)

    @get(summary="What incidents left to do, by the moment at which it is due")
    async def list_all(
        self,
        platform: GivenPlatform,
        owner: Annotated[str, QueryParameter(description="Only those of somebody.")] = "",
        all_: Annotated[bool, QueryParameter(name="all", description="Those that are done as well.")] = False,
    ) -> ReviewTaskList:
        reviews = reviews_of(platform)
        found = await reviews.tasks(owner=owner, done=None if all_ else False)
        return ReviewTaskList(tasks=tuple(task_of(each, reviews.ground.clock.now()) for each in found))

    @patch("/{number:int}", summary="Do it, open it again, give it to somebody, change its text or when it is due")
    async def edit(
        self, platform: GivenPlatform, caller: GivenCaller, number: TaskNumber, data: JSONBody[TaskEdit]
    ) -> ReviewTask:
        reviews = reviews_of(platform)
        due_at = None if data.due_at is None else _with_zone(data.due_at)
        if data.done is False:
            await reviews.reopen_task(number, by=caller.name)
        task = await reviews.edit_task(number, by=caller.name, owner=data.owner, due_at=due_at, text=data.text)
        if data.done:
            task = await reviews.do_task(number, by=caller.name)
        return task_of(task, reviews.ground.clock.now())


def reviews_of(platform: Platform) -> Reviews:
    if platform.reviews is None:
        hint = "run the whole platform: `stationmaster up`"
        raise PlatformError("no-reviews", "this process keeps no reviews", hint=hint, status=503)
    return platform.reviews


async def _document(reviews: Reviews, number: int) -> ReviewDocument:
    return document_of(await reviews.show(number), reviews.ground.clock.now())


def _moment(text: str) -> datetime:
    try:
        return _with_zone(datetime.fromisoformat(text))
    except ValueError:
        hint = "write it as 2026-01-05T09:00:00Z"
        raise PlatformError("bad-moment", f"{text[:60]!r} is no moment", hint=hint) from None


def _with_zone(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _by(text: str) -> By:
    try:
        return By(text)
    except ValueError:
        known = ", ".join(each.value for each in By)
        raise PlatformError("unknown-grouping", f"there is no {text[:60]!r}", hint=f"known are {known}") from None
