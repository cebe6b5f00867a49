"""The audit trail over REST: who changed what, when, from what to what."""

from datetime import datetime
from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter

from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.told import audit_entry
from stationmaster.api.wire_catalog import AuditList
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.audit import Asked

_LARGEST_NUMBER = 2**63 - 1


class AuditRoutes(Controller):
    path = "/api/v1/audit"
    tags = ("audit",)

    @get(summary="Changes, the newest first")
    async def list_changes(
        self,
        platform: GivenPlatform,
        who: Annotated[str, QueryParameter(description="Whose changes.")] = "",
        kind: Annotated[str, QueryParameter(description="Of what: api, user, virtual-host, target, key ...")] = "",
        name: Annotated[str, QueryParameter(description="The whole name of what was changed.")] = "",
        since: Annotated[
            datetime | None, QueryParameter(description="Not before this moment (RFC 3339, with its offset).")
        ] = None,
        before: Annotated[
            int | None, QueryParameter(ge=1, le=_LARGEST_NUMBER, description="Older ones than this number.")
        ] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    ) -> AuditList:
        if since is not None and since.tzinfo is None:
            raise PlatformError(
                "bad-moment", "`since` has no offset", hint="write it as 2026-11-21T03:00:00Z or with +01:00"
            )
        asked = Asked(who=who, kind=kind, name=name, since=since, below=before, limit=limit + 1)
        found = await platform.catalog.changes(asked)
        items = tuple(audit_entry(number, change) for number, change in found[:limit])
        return AuditList(items=items, next=items[-1].number if len(found) > limit else None)
