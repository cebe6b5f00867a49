"""What people do with the status page: post, set and release components, announce maintenance."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.status import posting, store
from stationmaster.incidents.status.deliveries_store import owe_post
from stationmaster.incidents.status.ids import component_id, fresh_id
from stationmaster.incidents.status.leaks import leaks
from stationmaster.incidents.status.neutral import Moment, listed
from stationmaster.incidents.status.posting import MOST_TEXT, MOST_TITLE, Draft, Told, Wanted, checked_components
from stationmaster.incidents.status.standing import Hold
from stationmaster.incidents.status.store import Maintenance, Post
from stationmaster.incidents.status.windows import Window
from stationmaster.incidents.status.words import MaintenanceStatus, PostStatus, Standing
from stationmaster.runtime import audit
from stationmaster.runtime.audit import Change
from stationmaster.runtime.board import Cell, Pulse
from stationmaster.runtime.db import Database, utc_now

_NOTHING = Told()
_LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a post would say, and what of it the public has no business with."""

    drafted: Draft
    leaks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Maintenance that somebody announces; `body` is the first that is told of it."""

    title: str
    body: str
    components: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class StatusDesk:
    """`changed` beats after everything that is done here."""

    database: Database
    declared: Cell[PlatformSpec]
    now: Callable[[], datetime] = utc_now
    changed: Pulse = field(default_factory=Pulse)

    async def post_update(
        self,
        incident: int,
        status: PostStatus,
        body: str,
        *,
        by: str,
        told: Told = _NOTHING,
        moment: Moment | None = None,
    ) -> Post:
        """Tells the public something of an incident; without a text in neutral words.

        Raises PlatformError `unknown-incident`, `unknown-component`, `too-long`, or `not-now` (409).
        """
        async with self.database.write() as connection:
            wanted = Wanted(incident=incident, status=status, body=body, by=by, told=told, at=self.now(), moment=moment)
            drafted = await posting.draft(connection, self.declared.value, wanted)
            if not drafted.stood_already:
                await posting.write(connection, wanted, drafted)
        self.changed.beat()
        return drafted.post

    async def preview(self, incident: int, status: PostStatus, body: str, *, by: str, told: Told = _NOTHING) -> Preview:
        """What `post_update` would do, without doing it."""
        async with self.database.read() as connection:
            wanted = Wanted(incident=incident, status=status, body=body, by=by, told=told, at=self.now())
            drafted = await posting.draft(connection, self.declared.value, wanted)
        text = f"{drafted.public.title}\n{drafted.post.body}"
        return Preview(drafted=drafted, leaks=leaks(text, self.declared.value))

    async def seen(self, incident: int, moment: Moment) -> None:
        """That moment needs no post any more."""
        async with self.database.write() as connection:
            known = await store.public_incident(connection, incident)
            if known is not None:
                await store.keep_public(connection, replace(known, seen=moment))

    async def set(
        self, component: str, standing: Standing, *, by: str, why: str = "", until: datetime | None = None
    ) -> Hold:
        """Holds a component there, whatever incidents say. `component` is a name or an id.

        Raises PlatformError `unknown-component`, `bad-moment`.
        """
        name, now = self.component(component), self.now()
        if until is not None and until <= now:
            raise PlatformError("bad-moment", "it would be released at once", hint="name a moment that is to come")
        held = Hold(component=name, standing=standing, at=now, by=by, why=why.strip(), until=until)
        async with self.database.write() as connection:
            await store.hold(connection, held)
            after = {"standing": standing.value, "why": held.why, "until": None if until is None else until.isoformat()}
            await audit.record(connection, _change(now, by, "set", name, after))
        self.changed.beat()
        return held

    async def release(self, component: str, *, by: str) -> None:
        """Lets incidents decide again. Raises PlatformError `unknown-component`, `not-held` (409)."""
        name = self.component(component)
        async with self.database.write() as connection:
            if not await store.release(connection, name):
                hint = "`status-page show` says what is held"
                raise PlatformError("not-held", f"nobody has set {name}", hint=hint, status=409)
            await audit.record(connection, _change(self.now(), by, "release", name, None))
        self.changed.beat()

    async def announce(self, planned: Planned, *, by: str) -> Maintenance:
        """Raises PlatformError `bad-maintenance`, `unknown-component`, `too-long`."""
        now = self.now()
        self._check(planned, now)
        window = Window(
            id=fresh_id(),
            title=planned.title.strip() or f"Maintenance of {listed(planned.components)}",
            components=planned.components,
            starts_at=planned.starts_at,
            ends_at=planned.ends_at,
            created_at=now,
            updated_at=now,
        )
        kept = Maintenance(window=window)
        async with self.database.write() as connection:
            await store.keep_maintenance(connection, kept)
            await self._tell(connection, window, planned.body, by)
            await audit.record(connection, _change(now, by, "announce", window.id, _told(window)))
        self.changed.beat()
        return kept

    async def tell_of_maintenance(self, number: str, body: str, *, by: str) -> Maintenance:
        """Raises PlatformError `unknown-maintenance`, `empty-post`, `too-long`."""
        if not body.strip():
            raise PlatformError("empty-post", "it says nothing", hint="write what is to be told")
        async with self.database.write() as connection:
            known = await _known(connection, number)
            window = replace(known.window, updated_at=max(self.now(), known.window.updated_at))
            await store.keep_maintenance(connection, replace(known, window=window))
            await self._tell(connection, window, body, by)
            await audit.record(connection, _change(window.updated_at, by, "tell", number, {"text": body}))
        self.changed.beat()
        return replace(known, window=window)

    async def end_maintenance(self, number: str, *, by: str, body: str = "") -> Maintenance:
        """One that has not begun is ended as well, and is then over. Raises PlatformError `unknown-maintenance`,
        `not-now` (409)."""
        now = self.now()
        async with self.database.write() as connection:
            known = await _known(connection, number)
            _may_end(known, now)
            window = replace(known.window, ended_at=now, updated_at=now)
            await store.keep_maintenance(connection, replace(known, window=window))
            await self._tell(connection, window, body or "The maintenance is completed.", by)
            await audit.record(connection, _change(now, by, "end", number, _told(window)))
        self.changed.beat()
        return replace(known, window=window)

    def component(self, named: str) -> str:
        """The name of the component of that name or id. Raises PlatformError `unknown-component`."""
        spec = self.declared.value
        for each in spec.status_page.components:
            if named in (each.name, component_id(spec.environment, each.name)):
                return each.name
        checked_components(spec, [named])
        return named

    async def _tell(self, connection: AsyncConnection, window: Window, body: str, by: str) -> None:
        if len(body) > MOST_TEXT:
            raise PlatformError("too-long", "the text is too long", hint=f"it has at most {MOST_TEXT:,} characters")
        if not body.strip():
            return
        at = window.updated_at
        post = Post(
            id=fresh_id(),
            about=window.id,
            at=at,
            status=window.status(at).value,
            body=body.strip(),
            by=by,
            key=fresh_id(),
        )
        await store.add_post(connection, post)
        await owe_post(connection, post, window.components, at)

    def _check(self, planned: Planned, now: datetime) -> None:
        checked_components(self.declared.value, planned.components)
        if not planned.components:
            raise _bad("no component is named", "name what it is about")
        if planned.ends_at <= max(planned.starts_at, now):
            raise _bad("it would be over already", "give it a later end")
        if planned.ends_at - planned.starts_at > _LONGEST:
            raise _bad("it would last longer than a year", "give it an earlier end")
        if len(planned.title) > MOST_TITLE:
            raise PlatformError("too-long", "the title is too long", hint=f"it has at most {MOST_TITLE} characters")


def _may_end(known: Maintenance, now: datetime) -> None:
    if known.silence is not None:
        hint = f"`silence expire {known.silence}` ends it, and lets alerts through again"
        raise PlatformError("not-now", "it comes from a maintenance window of silences", hint=hint, status=409)
    if known.window.status(now) is MaintenanceStatus.COMPLETED:
        raise PlatformError("not-now", "it is over", hint="`status-page show` says what is planned", status=409)


async def _known(connection: AsyncConnection, number: str) -> Maintenance:
    found = await store.maintenance(connection, number)
    if found is None:
        hint = "`status-page show` lists them"
        raise PlatformError("unknown-maintenance", f"there is no maintenance {number[:40]!r}", hint=hint, status=404)
    return found


def _bad(message: str, hint: str) -> PlatformError:
    return PlatformError("bad-maintenance", message, hint=hint)


def _told(window: Window) -> dict[str, Any]:
    return {
        "title": window.title,
        "components": list(window.components),
        "starts_at": window.starts_at.isoformat(),
        "ends_at": (window.ended_at or window.ends_at).isoformat(),
    }


def _change(at: datetime, by: str, action: str, name: str, after: Any) -> Change:
    return Change(at=at, who=by, action=action, kind="status-page", name=name, after=after)
