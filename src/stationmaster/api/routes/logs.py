"""The logs of all processes over REST: lines that match, whoever wrote them."""

import asyncio
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter

from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.wire_logs import LogLineShown, LogSearch
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.fleet.log_search import LinePattern, LogLine, found, newest

_NODES = "gateway"
_AT_ONCE = 4
"""Logs that are read together."""
_LIMIT_S = 10.0


class LogRoutes(Controller):
    path = "/api/v1/logs"
    tags = ("instances",)

    @get(summary="Find lines in the logs of all instances and gateway nodes")
    async def search(
        self,
        platform: GivenPlatform,
        pattern: Annotated[str, QueryParameter(max_length=1000, description="A regular expression (RE2).")],
        service: Annotated[str, QueryParameter(max_length=255, description="Of this one; `gateway`: nodes.")] = "",
        instance: Annotated[str, QueryParameter(max_length=255, description="Of this one alone.")] = "",
        since: Annotated[datetime | None, QueryParameter(description="Not what is known to be older.")] = None,
        fixed: Annotated[bool, QueryParameter(description="The pattern is plain text.")] = False,
        ignore_case: Annotated[bool, QueryParameter(description="Capitals do not count.")] = False,
        tail: Annotated[int, QueryParameter(ge=1, le=10_000, description="Lines of each log that are read.")] = 10_000,
        limit: Annotated[int, QueryParameter(ge=1, le=10_000, description="Lines that are told.")] = 200,
    ) -> LogSearch:
        """Reads the end of each log; what is not there any more is not found."""
        wanted = LinePattern(re.escape(pattern) if fixed else pattern, ignore_case=ignore_case)
        if since is not None and since.tzinfo is None:
            raise PlatformError("bad-moment", "`since` names no offset", hint="as 2026-11-21T10:00:00Z")
        names = _named(platform.spec, service, instance)
        turns = asyncio.Semaphore(_AT_ONCE)

        async def of_one(name: str) -> list[LogLine] | None:
            async with turns:
                try:
                    async with asyncio.timeout(_LIMIT_S):
                        text = await platform.fleet.logs(name, tail=tail)
                except (PlatformError, TimeoutError, OSError):
                    return None
            return await asyncio.to_thread(lambda: list(found(name, text, wanted, since=since)))

        read = dict(zip(names, await asyncio.gather(*map(of_one, names)), strict=True))
        lines = [line for each in read.values() if each is not None for line in each]
        return LogSearch(
            lines=tuple(LogLineShown(instance=x.instance, at=x.at, text=x.text) for x in newest(lines, limit)),
            found=len(lines),
            searched=tuple(name for name, each in read.items() if each is not None),
            unread=tuple(name for name, each in read.items() if each is None),
        )


def _named(spec: PlatformSpec, service: str, instance: str) -> tuple[str, ...]:
    """Raises PlatformError `unknown-service`, `unknown-instance`."""
    groups = {str(each.name): [str(one.name) for one in each.instances] for each in spec.services}
    groups.setdefault(_NODES, []).extend(str(each.name) for each in spec.nodes)
    if service and service not in groups:
        hint = f"known are {', '.join(groups)}"
        raise PlatformError("unknown-service", f"there is no service {service!r}", hint=hint, status=404)
    every = tuple(_flat(groups, service))
    if instance and instance not in every:
        hint = f"known are {', '.join(every)}"
        raise PlatformError("unknown-instance", f"there is no instance {instance!r} there", hint=hint, status=404)
    return (instance,) if instance else every


def _flat(groups: dict[str, list[str]], service: str) -> Iterator[str]:
    for name, inside in groups.items():
        if service in ("", name):
            yield from inside
