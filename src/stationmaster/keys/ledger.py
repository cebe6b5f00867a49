"""Keeps the store, the key service's database and the proofs of the gateway at one state: every change goes through
here, one at a time."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.names import UserName
from stationmaster.core.proofs import IssuerProof, Proofs
from stationmaster.core.spec import PlatformSpec
from stationmaster.keys import departures, revoked_store, signing_store, store
from stationmaster.keys.book import Book, Held
from stationmaster.keys.credentials import ApiKey, ClientSecret
from stationmaster.keys.departures import Renewed
from stationmaster.keys.index import IndexChange, IndexWriter
from stationmaster.keys.issue import IssuerTerms
from stationmaster.keys.roster import Roster, RosterChange, change
from stationmaster.keys.signing import KeySet, SigningAlgorithm, make_signing_key
from stationmaster.keys.verify import LEEWAY_S
from stationmaster.runtime.board import Cell
from stationmaster.runtime.cipher import Cipher
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("keys")


@dataclass(slots=True, kw_only=True)
class Draft:
    """What one transaction changes; it takes effect everywhere when the transaction has committed."""

    connection: AsyncConnection
    now: datetime
    roster: Roster
    api_keys: list[ApiKey] = field(default_factory=list)
    secrets: list[ClientSecret] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    ends: dict[str, datetime | None] = field(default_factory=dict)
    """Keys that go on holding, with another end."""
    revoked: dict[str, datetime] = field(default_factory=dict)
    signing_keys: bool = False
    terms: IssuerTerms | None = None
    people: RosterChange = field(default_factory=RosterChange)
    returned: Set[UserName] = frozenset()
    """Users that are declared now and were not in between."""
    renewed: dict[UserName, Renewed] = field(default_factory=dict)

    @property
    def is_seen_outside(self) -> bool:
        """Whether anybody but the store has to know of it."""
        return bool(self.api_keys or self.secrets or self.revoked or self.signing_keys or self.terms or self.people)


class Ledger:
    """`open` reads everything. Afterwards `change` is the one way to change anything."""

    def __init__(self, database: Database, cipher: Cipher, index: IndexWriter, declared: Cell[PlatformSpec]) -> None:
        self.database, self.cipher, self.index = database, cipher, index
        self.declared = declared
        self.public: Cell[Proofs] = Cell(Proofs())
        self.keys = KeySet(())
        self._turn = asyncio.Lock()
        self._roster = Roster.of(declared.value)
        self._book = Book()
        self._barred: dict[UserName, datetime] = {}
        self._renewed: dict[UserName, Renewed] = {}
        self._revoked: dict[str, datetime] = {}
        self._issuers: tuple[IssuerProof, ...] = ()
        self._index_is_sound = False

    @property
    def terms(self) -> IssuerTerms:
        spec = self._roster.spec
        return IssuerTerms(issuer=spec.issuer, audience=spec.environment, lifetime_s=spec.tokens.lifetime_s)

    async def open(self) -> None:
        """Makes the first signing key where there is none, and the key service's database anew.

        Raises PlatformError when stored secrets do not open under this master key or files cannot be written.
        """
        async with self._turn:
            self._roster, now = Roster.of(self.declared.value), utc_now()
            await self._open_users(now)
            await self._open_signing_keys(now)
            async with self.database.read() as connection:
                held = await store.held_keys(connection, self.cipher, now)
                self._revoked = dict(await revoked_store.revoked(connection, now))
                self._renewed = dict(await revoked_store.renewed(connection, now))
            self._book = Book()
            self._book.put(held)
            await self._build_index()
            self._show(now)

    async def _open_users(self, now: datetime) -> None:
        async with self.database.write() as connection:
            known = await store.known_users(connection)
            declared = self._roster.users.keys()
            await store.put_users(connection, [name for name in declared if known.get(name, now) is not None])
            again = [name for name in declared if known.get(name) is not None]
            await revoked_store.renew(connection, again, until=self._barred_until(now), now=now)
            gone = [name for name, until in known.items() if until is None and name not in declared]
            await store.bar_users(connection, gone, self._barred_until(now))
            lose = (await store.holders(connection, now) - declared).union(again)
            await departures.revoke_all(connection, lose, now)
            known = await store.known_users(connection)
        self._barred = {name: until for name, until in known.items() if until is not None and until > now}

    async def _open_signing_keys(self, now: datetime) -> None:
        tokens = self._roster.spec.tokens
        async with self.database.read() as connection:
            known = await signing_store.key_set(connection, self.cipher)
        first = None
        if not known.keys:
            algorithm = SigningAlgorithm(tokens.algorithm)
            first = await asyncio.to_thread(
                make_signing_key, algorithm, now, active_from=now, lifetime_s=tokens.lifetime_s
            )
        async with self.database.write() as connection:
            if first is not None:
                await signing_store.add(connection, self.cipher, first)
            await signing_store.lengthen(connection, tokens.lifetime_s)
            self.keys = await signing_store.key_set(connection, self.cipher)

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Draft]:
        """One transaction. What the block puts into the draft is in the store, with the key service and in `public`
        when the block has been left; when it raises, or something cannot be written, nothing has changed.

        Follows the newest declaration first: a user that was declared a moment ago is known.
        """
        async with self._turn:
            await self._follow_declared()
            async with self._drafted() as draft:
                yield draft

    def holds_key(self, key_id: str) -> bool:
        """Whether gateway nodes are told of a key with this id."""
        return self._book.holds(key_id)

    def is_declared(self, user: UserName) -> bool:
        newest = self.declared.value
        return user in (self._roster if newest is self._roster.spec else self._roster.next(newest)).users

    async def follow_declared(self) -> None:
        async with self._turn:
            await self._follow_declared()

    async def _follow_declared(self) -> None:
        spec = self.declared.value
        if spec is self._roster.spec:
            return
        before, after = self._roster, self._roster.next(spec)
        people = change(before, after)
        terms_before = self.terms
        self._roster = after
        try:
            async with self._drafted() as draft:
                draft.people = await self._with_returned(draft, people)
                if self.terms != terms_before:
                    draft.terms, draft.signing_keys = self.terms, True
                    await signing_store.lengthen(draft.connection, self.terms.lifetime_s)
                await self._move_users(draft, {user.name for user in people.users} - before.users.keys())
        except BaseException:
            self._roster = before
            raise

    async def _with_returned(self, draft: Draft, people: RosterChange) -> RosterChange:
        """Users that left and were declared again before anybody looked, both have left and have come."""
        draft.returned = await store.barred_users(draft.connection) & self._roster.users.keys()
        unseen = draft.returned - {user.name for user in people.users}
        return replace(
            people,
            users=(*people.users, *(self._roster.users[name] for name in unseen)),
            gone_users=(*people.gone_users, *draft.returned),
        )

    async def _move_users(self, draft: Draft, new: Set[UserName]) -> None:
        """Users that leave lose what they have; those that come back start with nothing."""
        until, again = self._barred_until(draft.now), draft.returned
        await store.bar_users(draft.connection, draft.people.gone_users, until)
        await store.put_users(draft.connection, new | again)
        await revoked_store.renew(draft.connection, again, until=until, now=draft.now)
        draft.renewed = dict.fromkeys(again, Renewed(since_s=departures.first_second(draft.now), until=until))
        lost = await departures.revoke_all(draft.connection, draft.people.gone_users, draft.now)
        draft.api_keys += lost.api_keys
        draft.secrets += lost.secrets

    @asynccontextmanager
    async def _drafted(self) -> AsyncIterator[Draft]:
        if not self._index_is_sound:
            await self._build_index()
        async with self.database.write() as connection:
            draft = Draft(connection=connection, now=utc_now(), roster=self._roster)
            yield draft
            if not draft.is_seen_outside:
                return
            keys = await signing_store.key_set(connection, self.cipher) if draft.signing_keys else self.keys
            number = await store.bump(connection)
            # From here on the index may be ahead of the store; it is level again when the commit is done.
            self._index_is_sound = False
            await asyncio.to_thread(self.index.apply, number, await self._index_change(draft))
        self._index_is_sound = True
        self.keys = keys
        self._take(draft)
        self._show(draft.now)

    async def _index_change(self, draft: Draft) -> IndexChange:
        people = draft.people
        return IndexChange(
            terms=draft.terms,
            signing_keys=await signing_store.sealed(draft.connection) if draft.signing_keys else None,
            api_keys=draft.api_keys,
            secrets=draft.secrets,
            users=people.users,
            gone_users=people.gone_users,
            renewed=[(user, each.since_s) for user, each in draft.renewed.items()],
            apis=people.apis,
            gone_apis=people.gone_apis,
            revoked=tuple(draft.revoked.items()),
            forget_before=draft.now,
        )

    def _take(self, draft: Draft) -> None:
        for user in draft.people.gone_users:
            self._book.drop_user(user)
            self._barred[user] = self._barred_until(draft.now)
            self._renewed.pop(user, None)
        for each in draft.people.users:
            self._barred.pop(each.name, None)
        self._renewed.update(draft.renewed)
        self._book.drop(draft.dropped)
        self._book.put(draft.held)
        for key_id, end in draft.ends.items():
            self._book.end(key_id, end)
        self._revoked.update(draft.revoked)

    async def tend_index(self) -> None:
        """Makes the key service's database anew when it is not what it should be."""
        async with self._turn:
            if not self._index_is_sound or not await asyncio.to_thread(self.index.in_place):
                log.warning("key index is made anew")
                await self._build_index()

    async def build_index(self) -> None:
        async with self._turn:
            await self._build_index()

    async def _build_index(self) -> None:
        async with self.database.read() as connection:
            number = await store.revision(connection)
            whole = IndexChange(
                terms=self.terms,
                signing_keys=await signing_store.sealed(connection),
                api_keys=await store.every_key(connection),
                secrets=await store.every_secret(connection),
                users=self._roster.spec.api_users,
                apis=self._roster.spec.apis,
                renewed=[(user, each.since_s) for user, each in self._renewed.items()],
                revoked=tuple(self._revoked.items()),
            )
        await asyncio.to_thread(self.index.build, number, whole)
        self._index_is_sound = True

    def show_issuers(self, issuers: tuple[IssuerProof, ...]) -> None:
        self._issuers = issuers
        self._show(utc_now())

    async def expire(self) -> None:
        """Takes out what holds no longer by now, and forgets what need not be remembered."""
        async with self._turn:
            now = utc_now()
            ends = (*self._barred.values(), *self._revoked.values(), *(each.until for each in self._renewed.values()))
            over = any(until <= now for until in ends)
            self._show(now)
            if over:
                async with self.database.write() as connection:
                    await store.forget_barred(connection, now)
                    await revoked_store.forget(connection, now)

    def next_expiry(self) -> datetime | None:
        """Nothing that is shown now stops holding by itself before that moment."""
        return min(
            (
                each
                for each in (self._book.next_expiry, _first(self._barred), _first(self._revoked))
                if each is not None
            ),
            default=None,
        )

    def _show(self, now: datetime) -> None:
        self._book.expire(now)
        _forget(self._barred, now)
        _forget(self._revoked, now)
        self._renewed = {user: each for user, each in self._renewed.items() if each.until > now}
        self.public.set(
            Proofs(
                jwks=self.keys.jwks,
                shards=self._book.shards(),
                issuers=self._issuers,
                revoked_tokens=frozenset(self._revoked),
                barred_users=frozenset(self._barred),
                renewed_users={user: each.since_s for user, each in self._renewed.items()},
            )
        )

    def _barred_until(self, now: datetime) -> datetime:
        return now + max(departures.SHORTEST_BAR, timedelta(seconds=self.terms.lifetime_s + 2 * LEEWAY_S))


def _forget(known: dict[Any, datetime], now: datetime) -> None:
    for name in [name for name, until in known.items() if until <= now]:
        del known[name]


def _first(known: Mapping[Any, datetime]) -> datetime | None:
    return min(known.values(), default=None)
