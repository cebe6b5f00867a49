"""Audit bundles over REST: one file with everything of an incident, or the audit trail of a time."""

import asyncio
import base64
import tempfile
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, BinaryIO

from litestar import Controller, get
from litestar.params import QueryParameter
from litestar.response import Stream

from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.routes.incident_words import IncidentNumber
from stationmaster.api.routes.oncall import in_zone, needed
from stationmaster.api.wire_oncall import BundleKey
from stationmaster.core.problem import PlatformError
from stationmaster.incidents.bundle_desk import Bundles
from stationmaster.platform import Platform
from stationmaster.runtime.db import utc_now

_READ_AT_ONCE = 256 * 1024
_MEDIA = "application/jsonl"


def bundles_of(platform: Platform) -> Bundles:
    if platform.bundles is None:
        hint = "ask the control plane of a whole platform"
        raise PlatformError("no-bundles", "no bundles are written here", hint=hint, status=503)
    return platform.bundles


class BundleRoutes(Controller):
    """A bundle is written to disk first: a client that reads slowly must not hold the store."""

    path = "/api/v1"
    tags = ("audit",)

    @get("/incidents/{number:int}/export", media_type=_MEDIA, summary="Everything of an incident, chained and signed")
    async def incident(self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber) -> Stream:
        out = _file()
        try:
            await bundles_of(platform).incident(number, out, by=caller.name)
        except BaseException:
            out.close()
            raise
        return _sent(out, f"incident-{number}.jsonl")

    @get("/audit/export", media_type=_MEDIA, summary="The audit trail and the facts of a time, chained and signed")
    async def audit(
        self,
        platform: GivenPlatform,
        caller: GivenCaller,
        since: Annotated[datetime, QueryParameter(description="RFC 3339, with its offset.")],
        until: Annotated[datetime | None, QueryParameter(description="Not included; none: now.")] = None,
    ) -> Stream:
        begins, ends = needed(since), in_zone(until) or utc_now()
        out = _file()
        try:
            await bundles_of(platform).audit(begins, ends, out, by=caller.name)
        except BaseException:
            out.close()
            raise
        return _sent(out, "audit.jsonl")

    @get("/audit/key", summary="The key by which bundles are signed")
    async def key(self, platform: GivenPlatform) -> BundleKey:
        bundles = bundles_of(platform)
        return BundleKey(
            algorithm="Ed25519",
            public_key=base64.b64encode(bundles.public).decode(),
            fingerprint=bundles.fingerprint,
        )


def _file() -> BinaryIO:
    """Gone as soon as it is closed."""
    return tempfile.TemporaryFile()


def _sent(out: BinaryIO, name: str) -> Stream:
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Stream(_chunks(out), media_type=_MEDIA, headers=headers)


async def _chunks(out: BinaryIO) -> AsyncIterator[bytes]:
    with out:
        out.seek(0)
        while chunk := await asyncio.to_thread(out.read, _READ_AT_ONCE):
            yield chunk
