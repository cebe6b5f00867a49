"""Takes people and programs in that want to be told, after they confirmed it, and lets them go."""

import hashlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.links import Links
from stationmaster.incidents.status import deliveries_store as rows
from stationmaster.incidents.status.deliveries_store import Subscriber, Way, What
from stationmaster.incidents.status.ids import fresh_id
from stationmaster.incidents.status.posting import checked_components
from stationmaster.incidents.status.reach import checked_url
from stationmaster.incidents.status.throttle import Throttle
from stationmaster.runtime import audit
from stationmaster.runtime.audit import Change
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database

_GOOD_FOR = timedelta(hours=24)
_ONE_LETTER_IN = timedelta(minutes=10)
_KEPT = timedelta(days=14)
_MOST_UNCONFIRMED = 2_000
_MOST_CONFIRMED = 20_000
_LONGEST_MAIL, _LONGEST_URL = 254, 2_000
_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?)+")
"""As HTML's form fields understand an address (WHATWG HTML, valid e-mail address)."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Links of subscribers, signed by the key of the links in pages, with a use of their own."""

    links: Links

    def confirm(self, number: str, now: datetime) -> str:
        return self._signer("confirm").dumps([number, int((now + _GOOD_FOR).timestamp())])

    def read_confirm(self, token: str, now: datetime) -> str:
        """Raises PlatformError `bad-link` (404), `link-ended` (410)."""
        number, ends_s = self._read("confirm", token, 2)
        if now.timestamp() > ends_s:
            raise PlatformError("link-ended", "this link was good for a day", hint="subscribe again", status=410)
        return str(number)

    def leave(self, number: str) -> str:
        """Good for ever."""
        return self._signer("leave").dumps([number])

    def read_leave(self, token: str) -> str:
        """Raises PlatformError `bad-link` (404)."""
        return str(self._read("leave", token, 1)[0])

    def _read(self, use: str, token: str, length: int) -> list[Any]:
        try:
            found = self._signer(use).loads(token)
        except BadSignature as error:
            raise _bad_link() from error
        if not isinstance(found, list) or len(found) != length:
            raise _bad_link()
        return found

    def _signer(self, use: str) -> URLSafeSerializer:
        salt = f"status-page-{use}"
        return URLSafeSerializer(self.links.key, salt=salt, signer_kwargs={"digest_method": hashlib.sha256})


@dataclass(frozen=True, slots=True)
class Subscribers:
    database: Database
    declared: Cell[PlatformSpec]
    links: Links
    now: Callable[[], datetime]
    throttle: Throttle = field(default_factory=Throttle)

    @property
    def tokens(self) -> Tokens:
        return Tokens(self.links)

    async def ask(self, way: Way, address: str, components: Sequence[str], *, from_address: str) -> None:
        """Somebody wants to be told. What happens is the same to look at whether the address is known or not: it gets
        a message, and whoever reads it decides.

        Raises PlatformError `bad-address`, `unknown-component`, `no-mail`, or `too-many` (429).
        """
        wanted = await self._checked(way, address, components)
        wait_s = self.throttle.wait_s(from_address, time.monotonic())
        if wait_s > 0:
            hint = f"try again in {max(1, round(wait_s))} s"
            raise PlatformError("too-many", "too many want to subscribe at this moment", hint=hint, status=429)
        async with self.database.write() as connection:
            known = await rows.find(connection, way, wanted.address)
            if known is None and await rows.count(connection, confirmed=False) >= _MOST_UNCONFIRMED:
                hint = "try again tomorrow"
                raise PlatformError("too-many", "too many have not confirmed yet", hint=hint, status=429)
            if known is None:
                known = wanted
                await rows.keep(connection, known)
            elif known.confirmed_at is None:
                known = replace(known, components=wanted.components, created_at=wanted.created_at)
                await rows.keep(connection, known)
            what = What.CONFIRM if known.confirmed_at is None else What.KNOWN
            last = await rows.last_owed(connection, known.id, What.CONFIRM, What.KNOWN)
            if last is None or self.now() - last >= _ONE_LETTER_IN:
                await rows.owe(connection, [known.id], what, fresh_id(), self.now())

    async def add(self, way: Way, address: str, components: Sequence[str], *, by: str) -> Subscriber:
        """Somebody of the platform adds it: nothing has to be confirmed, and a webhook may lie in a private network.

        Raises PlatformError as `ask` does, and `subscribed-already` (409).
        """
        wanted = await self._checked(way, address, components, inner=True)
        async with self.database.write() as connection:
            known = await rows.find(connection, way, wanted.address)
            if known is not None and known.confirmed_at is not None:
                hint = "`status-page subscribers list` shows it"
                raise PlatformError("subscribed-already", "it is a subscriber already", hint=hint, status=409)
            fresh = replace(wanted, id=known.id if known is not None else wanted.id, confirmed_at=self.now())
            await rows.keep(connection, fresh)
            await audit.record(connection, self._change(by, "subscribe", fresh))
        return fresh

    async def pending(self, token: str) -> Subscriber:
        """Who would be confirmed. Raises PlatformError `bad-link`, `link-ended`."""
        number = self.tokens.read_confirm(token, self.now())
        async with self.database.read() as connection:
            found = await rows.by_id(connection, number)
        if found is None:
            raise PlatformError("link-ended", "this link is good no longer", hint="subscribe again", status=410)
        return found

    async def confirm(self, token: str) -> Subscriber:
        """Raises PlatformError `bad-link`, `link-ended`, `too-many`."""
        found = await self.pending(token)
        if found.confirmed_at is not None:
            return found
        async with self.database.write() as connection:
            if await rows.count(connection, confirmed=True) >= _MOST_CONFIRMED:
                hint = "subscribe to the feed in its place"
                raise PlatformError("too-many", "no more subscribers are taken", hint=hint, status=429)
            confirmed = replace(found, confirmed_at=self.now())
            await rows.keep(connection, confirmed)
        return confirmed

    async def leave(self, token: str) -> None:
        """Leaving twice is no error. Raises PlatformError `bad-link`."""
        number = self.tokens.read_leave(token)
        async with self.database.write() as connection:
            await rows.remove(connection, number)

    async def remove(self, number: str, *, by: str) -> None:
        """Raises PlatformError `unknown-subscriber`."""
        async with self.database.write() as connection:
            found = await rows.by_id(connection, number)
            if found is None:
                hint = "`status-page subscribers list` shows them"
                text = f"there is no subscriber {number[:40]!r}"
                raise PlatformError("unknown-subscriber", text, hint=hint, status=404)
            await rows.remove(connection, number)
            await audit.record(connection, self._change(by, "unsubscribe", found))

    async def all(self) -> Sequence[Subscriber]:
        async with self.database.read() as connection:
            return await rows.everybody(connection)

    async def sweep(self) -> None:
        """Those who did not confirm in time are forgotten, and so is what was sent long ago."""
        async with self.database.write() as connection:
            before = self.now() - _GOOD_FOR
            await rows.forget(connection, unconfirmed_before=before, ended_before=self.now() - _KEPT)

    async def _checked(self, way: Way, address: str, components: Sequence[str], *, inner: bool = False) -> Subscriber:
        checked_components(self.declared.value, components)
        if way is Way.EMAIL:
            address = _mail(address)
            if self.declared.value.incidents.smtp is None:
                hint = "declare `incidents.smtp`, or subscribe to the feed"
                raise PlatformError("no-mail", "no letters are sent from here", hint=hint, status=409)
        else:
            address = checked_url(address.strip()[: _LONGEST_URL + 1], inner=inner)
        return Subscriber(
            id=fresh_id() + fresh_id(),
            way=way,
            address=address,
            created_at=self.now(),
            components=tuple(dict.fromkeys(components)),
            inner=inner,
        )

    def _change(self, by: str, action: str, each: Subscriber) -> Change:
        after = {"kind": each.way.value, "address": each.address, "components": list(each.components)}
        return Change(at=self.now(), who=by, action=action, kind="status-page", name=each.id, after=after)


def _mail(address: str) -> str:
    """The part behind the @ is the same in any case (RFC 5321, 2.4); that before it is not."""
    text = address.strip()
    if len(text) > _LONGEST_MAIL or _MAIL.fullmatch(text) is None:
        raise PlatformError("bad-address", f"{text[:60]!r} is no e-mail address", hint="write it as ada@example.org")
    local, _, domain = text.rpartition("@")
    return f"{local}@{domain.lower()}"


def _bad_link() -> PlatformError:
    return PlatformError("bad-link", "this link is not one of ours", hint="use the newest message", status=404)
