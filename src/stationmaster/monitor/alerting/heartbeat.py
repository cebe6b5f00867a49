"""The dead man's switch: asks a URL for as long as rules are really evaluated, and falls silent when they are not."""

import asyncio
from collections.abc import Callable

import httpx
import structlog

from stationmaster.core.monitoring import Heartbeat

log = structlog.get_logger("heartbeat")

_LIMIT_S = 10.0
_LOOK_EVERY_S = 5.0


class HeartbeatLoop:
    """`wanted` says what is declared, `alive` whether the last cycles of all groups are recent and went well.

    `trouble` says why the last beat did not arrive; empty while all is well.
    """

    def __init__(self, wanted: Callable[[], Heartbeat | None], alive: Callable[[], bool]) -> None:
        self._wanted = wanted
        self._alive = alive
        self.trouble = ""

    async def run(self) -> None:
        """For ever."""
        async with httpx.AsyncClient(timeout=_LIMIT_S, trust_env=False, follow_redirects=False) as client:
            while True:
                heartbeat = self._wanted()
                if heartbeat is not None:
                    await self._beat(client, heartbeat)
                await asyncio.sleep(heartbeat.interval_ms / 1000 if heartbeat else _LOOK_EVERY_S)

    async def _beat(self, client: httpx.AsyncClient, heartbeat: Heartbeat) -> None:
        if not self._alive():
            self._say("rules are not evaluated: no beat is sent", heartbeat)
            return
        try:
            async with asyncio.timeout(_LIMIT_S):
                answer = await client.get(heartbeat.url)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            self._say(f"{heartbeat.url} cannot be asked: {error or type(error).__name__}", heartbeat)
            return
        self._say("" if answer.is_success else f"{heartbeat.url} answered {answer.status_code}", heartbeat)

    def _say(self, trouble: str, heartbeat: Heartbeat) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            if trouble:
                log.warning("heartbeat fails", url=heartbeat.url, why=trouble)
            else:
                log.info("heartbeat arrives", url=heartbeat.url)
