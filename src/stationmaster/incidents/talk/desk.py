"""Gives updates of incidents: drafts them, writes them into the timeline, and has channels and the public told."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Publishing
from stationmaster.incidents import store as incident_store
from stationmaster.incidents.doing import Doing, Ground, doing
from stationmaster.incidents.life import Act
from stationmaster.incidents.paper import What
from stationmaster.incidents.status.leaks import leaks
from stationmaster.incidents.talk import knowing, notices, store
from stationmaster.incidents.talk.drafts import Draft, draft, message, worded
from stationmaster.incidents.talk.moments import Moment, Template, Word, cadence_s
from stationmaster.incidents.talk.notices import Notice
from stationmaster.incidents.talk.owed import decide
from stationmaster.incidents.talk.places import Filled
from stationmaster.incidents.talk.store import Fresh, Publication, Update
from stationmaster.runtime.board import Cell

MessagesOf: TypeAlias = Callable[[int], Awaitable[Sequence[Template]]]
"""The messages of the runbook that answers an incident, by its number, and general ones behind them."""
Publish: TypeAlias = Callable[[Update], Awaitable[None]]
"""Puts the public text of an update on the status page, once for each of its ids, or raises PlatformError. It writes
the fact StatusPosted with the same incident, status and text in its transaction."""


async def no_messages(_incident: int) -> Sequence[Template]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """What somebody wants to say. Without `text` the draft is sent; `public`: users are told as well. `after` is the
    number of the last update that they had seen (0: none): where another one was given since, nothing is sent."""

    word: Word | None = None
    text: str = ""
    public: bool = False
    after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How it stands with the news of one incident. `due_at`: None where none are owed."""

    draft: Draft
    updates: Sequence[Update]
    due_at: datetime | None
    every_s: float

    @property
    def last(self) -> int:
        return self.updates[-1].id if self.updates else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """`owed` shows since when which incident owes news; None for `publish`: there is no status page."""

    ground: Ground
    messages: MessagesOf = no_messages
    publish: Publish | None = None
    owed: Cell[Mapping[int, datetime]]
    turn: asyncio.Lock
    """Held from when an update is written until it is published."""

    async def standing(self, number: int, word: Word | None = None) -> Standing:
        """The draft of the next update, and those that were given. Raises PlatformError `unknown-incident`."""
        templates = await self.messages(number)
        async with self.ground.database.read() as connection:
            return await self._standing(connection, number, templates, word)

    async def message(self, number: int, moment: Moment) -> Filled:
        """What users are told at that moment. Raises PlatformError `unknown-incident`."""
        templates = await self.messages(number)
        every_s = self.every_s(templates)
        async with self.ground.database.read() as connection:
            incident = await incident_store.known(connection, number)
            now, spec = self.ground.clock.now(), self.ground.declared.value
            known = await knowing.known(connection, incident, spec, every_s=every_s, now=now)
            return message(known, templates, moment, now)

    async def post(self, number: int, posting: Posting, *, by: str) -> Update:
        """Raises PlatformError `unknown-incident`, `update-given`, `open-places` or `no-status-page`, and then nothing
        is sent; what the status page refuses is said in the update."""
        templates = await self.messages(number)
        async with self.turn:
            update = await self._give(number, posting, templates, by)
            self.owed.set({each: since for each, since in self.owed.value.items() if each != number})
            return await self.put_out(update) if update.publication is Publication.WANTED else update

    async def _give(self, number: int, posting: Posting, templates: Sequence[Template], by: str) -> Update:
        async with doing(self.ground, number, Act.UPDATE, by) as act:
            found = await self._standing(act.connection, number, templates, posting.word)
            if posting.after is not None and posting.after != found.last:
                hint = f"`incident update {number}` shows what was said"
                raise PlatformError("update-given", "an update was given meanwhile", hint=hint, status=409)
            return await self._write(act, self._fresh(act, found, posting))

    async def put_out(self, update: Update) -> Update:
        """Puts it on the status page. That it stands there is written when its fact comes."""
        if self.publish is None:
            return update
        try:
            await self.publish(update)
        except PlatformError as refused:
            async with self.ground.database.write() as connection:
                await store.settle(connection, update.id, Publication.REFUSED, refused.message)
            return replace(update, publication=Publication.REFUSED, detail=refused.message)
        return replace(update, publication=Publication.POSTED)

    def every_s(self, templates: Sequence[Template]) -> float:
        return cadence_s(templates, self.ground.declared.value.incidents.update_every_s)

    async def _standing(
        self, connection: AsyncConnection, number: int, templates: Sequence[Template], word: Word | None
    ) -> Standing:
        incident = await incident_store.known(connection, number)
        now, spec, every_s = self.ground.clock.now(), self.ground.declared.value, self.every_s(templates)
        known = await knowing.known(connection, incident, spec, every_s=every_s, now=now)
        updates = await store.updates_of(connection, number)
        said = knowing.said_of(incident, updates[-1] if updates else None, None)
        return Standing(
            draft=draft(known, templates, now, word),
            updates=updates,
            due_at=decide(said, every_s, now).due_at,
            every_s=every_s,
        )

    def _fresh(self, act: Doing, found: Standing, posting: Posting) -> Fresh:
        automatic = self._is_automatic()
        public = posting.public or automatic
        said = Filled(text=posting.text) if posting.text and posting.public else found.draft.public
        if posting.public and self.publish is None:
            hint = "declare `status_page`, or leave out that the public is told"
            raise PlatformError("no-status-page", "there is no status page to put it on", hint=hint, status=409)
        if posting.public and not said.complete:
            hint = "write the text yourself: `-m TEXT`"
            open_ = ", ".join(said.open)
            raise PlatformError("open-places", f"nobody knows what to put for {open_}", hint=hint, status=409)
        against = self._against(said, by_hand=posting.public)
        publication = Publication.NONE
        if public:
            publication = Publication.REFUSED if against else Publication.WANTED
        return Fresh(
            incident=act.incident.number,
            at=act.at,
            word=found.draft.word,
            by=act.by,
            text=posting.text or found.draft.text,
            public_text=said.text.strip() if public else "",
            publication=publication,
            detail=against if public else "",
        )

    def _against(self, said: Filled, *, by_hand: bool) -> str:
        """Why it must not be told to users; empty where nothing is against it. Who writes by hand may name anything."""
        if not said.complete:
            return f"nobody knows what to put for {', '.join(said.open)}"
        named = () if by_hand else leaks(said.text, self.ground.declared.value)
        return f"it names what users have no business with: {', '.join(named)}" if named else ""

    def _is_automatic(self) -> bool:
        page = self.ground.declared.value.status_page
        return self.publish is not None and page.publish is Publishing.AUTOMATIC

    async def _write(self, act: Doing, fresh: Fresh) -> Update:
        number = fresh.incident
        written = await store.write(act.connection, fresh)
        act.said = f"update, {worded(fresh.word, fresh.text)}"
        if fresh.publication is not Publication.NONE:
            refused = f" (not told: {fresh.detail})" if fresh.publication is Publication.REFUSED else ""
            act.said += f"\nfor the public{refused}: {fresh.public_text}"
        act.noted = {"update": written, "publication": fresh.publication.value}
        await notices.withdraw_owed(act.connection, number, act.at)
        notice = Notice(what=What.UPDATE, key=f"update/{written}", text=worded(fresh.word, fresh.text), at=act.at)
        await notices.tell(act.connection, act.incident, act.directory, notice)
        await store.change(act.connection, number, look_at=act.at, due_at=None)
        return Update(
            id=written,
            incident=number,
            at=fresh.at,
            word=fresh.word,
            by=fresh.by,
            text=fresh.text,
            public_text=fresh.public_text,
            publication=fresh.publication,
            detail=fresh.detail,
        )
