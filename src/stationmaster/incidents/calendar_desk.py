"""Hands out links to calendars of shifts, takes them back, and serves what stands behind them."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from stationmaster.incidents import duty_asking, duty_store
from stationmaster.incidents.calendars import CalendarKind, CalendarLinks, Subject, feed, no_such_feed
from stationmaster.incidents.duty import OnCall
from stationmaster.incidents.telling import url_of
from stationmaster.runtime.audit import Change, record

_BACK = timedelta(days=100)
PATH = "/api/v1/calendar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendars:
    oncall: OnCall
    links: CalendarLinks

    async def link(self, subject: Subject) -> str:
        """The URL that calendar programs subscribe to. Raises PlatformError `unknown-schedule`, `unknown-responder`."""
        self._known(subject)
        async with self.oncall.database.read() as connection:
            generation = await duty_store.generation(connection, subject.key)
        return self._url(subject, generation)

    async def revoke(self, subject: Subject, *, by: str) -> str:
        """Every link that was handed out ends; returns the new one. Raises as `link` does."""
        self._known(subject)
        async with self.oncall.database.write() as connection:
            generation = await duty_store.raise_generation(connection, subject.key)
            change = Change(at=self.oncall.now(), who=by, action="revoke", kind="calendar", name=subject.key)
            await record(connection, change)
        return self._url(subject, generation)

    async def read(self, token: str) -> bytes:
        """The feed. Raises PlatformError `bad-link` (404)."""
        subject, generation = self.links.read(token)
        now = self.oncall.now()
        async with self.oncall.database.read() as connection:
            if generation != await duty_store.generation(connection, subject.key):
                raise no_such_feed()
            overrides = await self.oncall.counting(connection, now - _BACK)
        return await asyncio.to_thread(feed, self.oncall.declared.value, overrides, subject, now)

    def _url(self, subject: Subject, generation: int) -> str:
        return f"{url_of(self.oncall.declared.value)}{PATH}/{self.links.token(subject, generation)}.ics"

    def _known(self, subject: Subject) -> None:
        spec = self.oncall.declared.value
        match subject.kind:
            case CalendarKind.SCHEDULE:
                duty_asking.schedule_of(spec, subject.name)
            case CalendarKind.RESPONDER:
                duty_asking.known_responder(spec, subject.name)
