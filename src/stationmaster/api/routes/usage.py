"""Who called which API how often, over REST."""

from datetime import datetime, timedelta
from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter

from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.routes.refusals import refusals
from stationmaster.api.wire_usage import UsageEntry, UsageList
from stationmaster.core.problem import PlatformError
from stationmaster.gateway.metrics.use_store import Question, Step, UseRow, hour_of
from stationmaster.runtime.db import utc_now

_USUAL_SPAN = timedelta(days=1)


class UsageRoutes(Controller):
    path = "/api/v1/usage"
    tags = ("usage",)

    @get(summary="Requests of API users, by API", responses=refusals(400))
    async def list_usage(
        self,
        platform: GivenPlatform,
        user: Annotated[str, QueryParameter(description="Of this API user alone.")] = "",
        api: Annotated[str, QueryParameter(description="Of this API alone.")] = "",
        since: Annotated[
            datetime | None,
            QueryParameter(description="Not before the hour of this moment (RFC 3339, with its offset); else a day."),
        ] = None,
        until: Annotated[
            datetime | None, QueryParameter(description="Hours that begin before this moment; else all until now.")
        ] = None,
        by: Annotated[
            Step, QueryParameter(description="Added up for the whole span, by UTC day or by hour.")
        ] = Step.WHOLE,
        limit: Annotated[int, QueryParameter(ge=1, le=10_000)] = 1_000,
    ) -> UsageList:
        """Requests that the gate let pass, exact, up to now. What was refused because nobody was proven, and public
        APIs, are no user's."""
        last = _with_offset(until, "until") or utc_now()
        first = hour_of(_with_offset(since, "since") or last - _USUAL_SPAN)
        await platform.gateway.usage.refresh()
        question = Question(user=user, api=api, since=first, until=last, step=by, limit=limit + 1)
        found = await platform.gateway.usage.asked(question)
        return UsageList(since=first, until=last, items=tuple(map(_entry, found[:limit])), more=len(found) > limit)


def _entry(row: UseRow) -> UsageEntry:
    return UsageEntry(
        user=row.user,
        api=row.api,
        at=row.at,
        requests=row.uses.requests,
        client_errors=row.uses.client_errors,
        server_errors=row.uses.server_errors,
    )


def _with_offset(moment: datetime | None, name: str) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise PlatformError(
            "bad-moment", f"`{name}` has no offset", hint="write it as 2026-11-21T03:00:00Z or with +01:00"
        )
    return moment
