"""What is done to the credentials of API users: made, rotated with an overlap, revoked; each with its audit entry."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from stationmaster.core.names import ApiName, UserName
from stationmaster.core.problem import PlatformError
from stationmaster.core.proofs import ApiKeyProof
from stationmaster.keys import revoked_store, store
from stationmaster.keys.book import Held
from stationmaster.keys.credentials import (
    ApiKey,
    ClientSecret,
    CredentialState,
    IssuedCredentials,
    MadeKey,
    MadeSecret,
    Term,
    digest,
    make_key,
    make_secret,
)
from stationmaster.keys.ledger import Draft, Ledger
from stationmaster.keys.roster import Roster
from stationmaster.keys.spool import Revocation, Revoked
from stationmaster.keys.uses import Uses
from stationmaster.runtime.audit import Change, record
from stationmaster.runtime.db import utc_now

KEY_SERVICE = "key-service"
_LONGEST_NOTE = 500
_MOST_KEYS = 100
_LONGEST_LIFE = timedelta(days=36_500)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOrder:
    """`expires_in` None: it holds until it is revoked. No scopes: it opens all that its user may call."""

    scopes: tuple[ApiName, ...] = ()
    expires_in: timedelta | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """Raises PlatformError `unknown-api-user`, `unknown-key`, `key-ended`, `unknown-scope`, `too-many-keys` or
    `bad-key-order`; then nothing has changed. Keys and secrets that are returned are shown this once."""

    ledger: Ledger
    uses: Uses

    async def create_key(self, user: UserName, order: KeyOrder, *, by: str) -> MadeKey:
        async with self.ledger.change() as draft:
            _check_order(draft.roster, user, order)
            kept = await store.keys_of(draft.connection, user)
            if sum(_holds(each, draft.now) for each in kept) >= _MOST_KEYS:
                hint = "revoke keys that nobody uses; `stationmaster key list` shows them"
                raise PlatformError("too-many-keys", f"{user} has {_MOST_KEYS} keys", hint=hint, status=409)
            made = make_key(user, _term(draft.now, order.expires_in), scopes=order.scopes, note=order.note)
            await self._put_key(draft, made)
            await _tell(draft, by, action="create", kind="key", name=made.key.id, after=_described(made.key))
        return made

    async def rotate_key(
        self, user: UserName, key_id: str, *, overlap: timedelta, by: str, expires_in: timedelta | None = None
    ) -> MadeKey:
        """A new key of the same scopes and note; the old one holds for `overlap` more, or less where it would have
        expired before. Without `expires_in` the new key gets as long a life as the old one had."""
        async with self.ledger.change() as draft:
            _check_declared(draft.roster, user)
            old = await self._live_key(draft, user, key_id)
            _check_span("overlap", overlap)
            whole_life = old.term.expires_at - old.term.created_at if old.term.expires_at is not None else None
            term = _term(draft.now, expires_in if expires_in is not None else whole_life)
            made = make_key(user, term, scopes=old.scopes, note=old.note)
            await self._put_key(draft, made)
            ended = replace(old, term=_shortened(old.term, draft.now + overlap), replaced_by=made.key.id)
            await self._end_key(draft, ended)
            await _tell(
                draft, by, action="rotate", kind="key", name=key_id, before=_described(old), after=_described(made.key)
            )
        return made

    async def revoke_key(self, user: UserName, key_id: str, *, by: str) -> ApiKey:
        """Also of a user that is declared no longer. A key that was revoked before stays as it is."""
        async with self.ledger.change() as draft:
            found = await store.find_key(draft.connection, user, key_id)
            if found is None:
                raise _unknown_key(user, key_id)
            (old,) = self.uses.known((found,))
            if old.term.revoked_at is not None:
                return old
            ended = replace(old, term=replace(old.term, revoked_at=draft.now))
            await self._end_key(draft, ended)
            await _tell(
                draft, by, action="revoke", kind="key", name=key_id, before=_described(old), after=_described(ended)
            )
        return ended

    async def keys_of(self, user: UserName) -> tuple[ApiKey, ...]:
        """Every key that the user ever had, the newest first."""
        self._check_known(user)
        async with self.ledger.database.read() as connection:
            return self.uses.known(await store.keys_of(connection, user))

    async def find_key(self, user: UserName, key_id: str) -> ApiKey:
        async with self.ledger.database.read() as connection:
            found = await store.find_key(connection, user, key_id)
        if found is None:
            raise _unknown_key(user, key_id)
        return self.uses.known((found,))[0]

    async def secrets_of(self, user: UserName) -> tuple[ClientSecret, ...]:
        self._check_known(user)
        async with self.ledger.database.read() as connection:
            return await store.secrets_of(connection, user)

    async def create_secret(
        self, user: UserName, *, by: str, overlap: timedelta = timedelta(), unless_there: bool = False
    ) -> MadeSecret | None:
        """A new client secret; older ones hold for `overlap` more. With `unless_there`, a user that has a secret
        keeps it, and the answer is None."""
        async with self.ledger.change() as draft:
            _check_declared(draft.roster, user)
            _check_span("overlap", overlap)
            older = [each for each in await store.secrets_of(draft.connection, user) if _holds(each, draft.now)]
            if older and unless_there:
                return None
            made = await self._put_secret(draft, user)
            for each in older:
                ended = replace(each, term=_shortened(each.term, draft.now + overlap), replaced=True)
                await self._end_secret(draft, ended)
            action = "rotate" if older else "create"
            await _tell(
                draft, by, action=action, kind="client-secret", name=user, after={"overlap_s": overlap.total_seconds()}
            )
        return made

    async def revoke_secrets(self, user: UserName, *, by: str) -> int:
        """Says how many held until now."""
        async with self.ledger.change() as draft:
            done = await self._revoke_secrets(draft, user)
            if done:
                await _tell(draft, by, action="revoke", kind="client-secret", name=user, before={"secrets": done})
        return done

    async def replace_all(self, user: UserName, *, by: str) -> IssuedCredentials:
        """A new API key and a new client secret; all older ones of the user hold no longer."""
        async with self.ledger.change() as draft:
            _check_declared(draft.roster, user)
            for old in await store.keys_of(draft.connection, user):
                if _holds(old, draft.now):
                    await self._end_key(draft, replace(old, term=replace(old.term, revoked_at=draft.now)))
            await self._revoke_secrets(draft, user)
            key = make_key(user, Term(created_at=draft.now))
            await self._put_key(draft, key)
            secret = await self._put_secret(draft, user)
            await _tell(draft, by, action="create", kind="credentials", name=user, after=_described(key.key))
        return IssuedCredentials(user=user, client_id=secret.client_id, client_secret=secret.text, api_key=key.text)

    async def take_up(self, revocations: Iterable[Revocation], *, by: str = KEY_SERVICE) -> None:
        """What the owners of tokens and keys revoked at the key service."""
        async with self.ledger.change() as draft:
            for each in revocations:
                await self._take_up(draft, each, by)

    async def note_use(self, seen: Mapping[str, datetime]) -> None:
        """When keys were last used, by id; earlier moments than are stored change nothing."""
        async with self.ledger.database.write() as connection:
            await store.note_uses(connection, seen)
        self.uses.stored(seen, utc_now())

    async def _take_up(self, draft: Draft, asked: Revocation, by: str) -> None:
        if asked.kind is Revoked.TOKEN:
            if asked.until is None or asked.until <= draft.now:
                return
            await revoked_store.revoke(draft.connection, asked.id, until=asked.until, now=asked.at)
            draft.revoked[asked.id] = asked.until
            await _tell(draft, by, action="revoke", kind="token", name=asked.id, before={"user": asked.user})
            return
        old = await store.find_key(draft.connection, UserName(asked.user), asked.id)
        if old is not None and old.term.revoked_at is None:
            await self._end_key(draft, replace(old, term=replace(old.term, revoked_at=draft.now)))
            await _tell(draft, by, action="revoke", kind="key", name=asked.id, before=_described(old))

    async def _revoke_secrets(self, draft: Draft, user: UserName) -> int:
        older = [each for each in await store.secrets_of(draft.connection, user) if _holds(each, draft.now)]
        for each in older:
            await self._end_secret(draft, replace(each, term=replace(each.term, revoked_at=draft.now)))
        return len(older)

    async def _live_key(self, draft: Draft, user: UserName, key_id: str) -> ApiKey:
        found = await store.find_key(draft.connection, user, key_id)
        if found is None:
            raise _unknown_key(user, key_id)
        state = found.state(draft.now)
        if state is not CredentialState.ACTIVE:
            hint = "rotate the key that stands in its place, or create a new one"
            raise PlatformError("key-ended", f"the key {key_id} of {user} is {state.value}", hint=hint, status=409)
        return found

    async def _put_key(self, draft: Draft, made: MadeKey) -> None:
        await store.add_key(draft.connection, self.ledger.cipher, made)
        draft.api_keys.append(made.key)
        proof = ApiKeyProof(key=made.text, key_id=made.key.id, user=made.key.user, apis=made.key.scopes or None)
        draft.held.append(Held(proof=proof, expires_at=made.key.term.expires_at))

    async def _end_key(self, draft: Draft, ended: ApiKey) -> None:
        await store.end_key(draft.connection, ended)
        draft.api_keys.append(ended)
        if _holds(ended, draft.now):
            draft.ends[ended.id] = ended.term.expires_at
        else:
            draft.dropped.append(ended.id)

    async def _put_secret(self, draft: Draft, user: UserName) -> MadeSecret:
        made = make_secret(user)
        await store.add_secret(draft.connection, made, draft.now)
        draft.secrets.append(ClientSecret(user=user, digest=digest(made.text), term=Term(created_at=draft.now)))
        return made

    async def _end_secret(self, draft: Draft, ended: ClientSecret) -> None:
        await store.end_secret(draft.connection, ended)
        draft.secrets.append(ended)

    def _check_known(self, user: UserName) -> None:
        if not self.ledger.is_declared(user):
            raise _unknown_user(user)


def _check_declared(roster: Roster, user: UserName) -> None:
    if user not in roster.users:
        raise _unknown_user(user)


def _unknown_user(user: UserName) -> PlatformError:
    hint = "`stationmaster get users` lists those that are declared"
    return PlatformError("unknown-api-user", f"no API user is named {user!r}", hint=hint, status=404)


def _unknown_key(user: UserName, key_id: str) -> PlatformError:
    hint = f"`stationmaster key list {user}` shows the user's keys"
    return PlatformError("unknown-key", f"{user} has no key {key_id!r}", hint=hint, status=404)


def _check_order(roster: Roster, user: UserName, order: KeyOrder) -> None:
    _check_declared(roster, user)
    closed = [each for each in order.scopes if not roster.may_call(user, each)]
    if closed:
        hint = "a scope is the name of an API that the user may call"
        raise PlatformError("unknown-scope", f"{user} may not call {', '.join(sorted(closed))}", hint=hint)
    if len(order.note) > _LONGEST_NOTE:
        hint = "shorten it"
        raise PlatformError("bad-key-order", f"a note has at most {_LONGEST_NOTE} characters", hint=hint)
    if order.expires_in is not None and order.expires_in <= timedelta():
        raise PlatformError("bad-key-order", "a key has to hold for some time", hint="name a positive expiry")
    _check_span("expiry", order.expires_in or timedelta())


def _check_span(what: str, span: timedelta) -> None:
    if not timedelta() <= span <= _LONGEST_LIFE:
        raise PlatformError("bad-key-order", f"the {what} is between 0 and 100 years", hint="name a shorter time")


def _term(now: datetime, life: timedelta | None) -> Term:
    return Term(created_at=now, expires_at=None if life is None else now + life)


def _shortened(term: Term, end: datetime) -> Term:
    return replace(term, expires_at=end if term.expires_at is None else min(end, term.expires_at))


def _holds(each: ApiKey | ClientSecret, now: datetime) -> bool:
    return each.term.holds_at(now)


def _described(key: ApiKey) -> dict[str, Any]:
    """What the audit trail may keep."""
    ends = {"expires_at": key.term.expires_at, "revoked_at": key.term.revoked_at}
    return {
        "user": key.user,
        "prefix": key.prefix,
        "scopes": list(key.scopes),
        "note": key.note,
        **{name: moment.isoformat() for name, moment in ends.items() if moment is not None},
    }


async def _tell(
    draft: Draft, by: str, *, action: str, kind: str, name: str, before: Any = None, after: Any = None
) -> None:
    change = Change(at=draft.now, who=by, action=action, kind=kind, name=name, before=before, after=after)
    await record(draft.connection, change)
