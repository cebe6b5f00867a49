"""The room's face in the control plane: credentials of API users, signing keys, revocations, foreign issuers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from stationmaster.config import StateDir
from stationmaster.core.names import UserName
from stationmaster.core.problem import NOWHERE, Diagnostic, PlatformError, Severity
from stationmaster.core.proofs import Proofs
from stationmaster.core.spec import PlatformSpec
from stationmaster.keys import signing_store
from stationmaster.keys.credentials import IssuedCredentials
from stationmaster.keys.desk import Desk
from stationmaster.keys.index import IndexWriter
from stationmaster.keys.issue import Grant, issue
from stationmaster.keys.issuers import Issuers
from stationmaster.keys.ledger import Ledger
from stationmaster.keys.signing import KeySet, SigningAlgorithm, SigningKey, make_signing_key
from stationmaster.keys.spool import Revocation, Revoked, Spool
from stationmaster.keys.succession import LEAD_S, Activate, Make, Remove, Wait, Wanted, next_step
from stationmaster.keys.uses import Uses
from stationmaster.keys.verify import Expected, Refused, verify
from stationmaster.runtime import rewrap
from stationmaster.runtime.audit import Change, record
from stationmaster.runtime.board import Cell, Pulse
from stationmaster.runtime.cipher import Cipher
from stationmaster.runtime.db import Database, metadata, utc_now
from stationmaster.runtime.master_key import MasterKeySource, Origin
from stationmaster.runtime.rewrap import SealedCount
from stationmaster.runtime.tasks import supervise

log = structlog.get_logger("keys")

_SPOOL_EVERY_S, _INDEX_EVERY_S, _USES_EVERY_S = 0.1, 1.0, 2.0
_LONGEST_WAIT_S = 60.0
_ACKNOWLEDGED_WITHIN = timedelta(seconds=60)
PROBE_TOKEN_S = 300
PLATFORM = "platform"
"""Who did what the platform does by itself."""

Published = Callable[[], Awaitable[bool]]


async def nobody_to_tell() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class CipherStatus:
    """`source` names where the master key comes from; `unfinished`: older keys are still in use."""

    key_id: str
    origin: Origin
    source: str
    secrets: SealedCount
    unfinished: bool


class Keys:
    """`public` is empty until `start` has run. Users that are no longer declared lose what they have for good.

    `desk` makes, rotates and revokes API keys and client secrets; `uses` is told when keys are used; `issuers.problems`
    tells of foreign issuers.
    """

    def __init__(
        self,
        *,
        database: Database,
        cipher: Cipher,
        state_dir: StateDir,
        declared: Cell[PlatformSpec],
        lead_s: float = LEAD_S,
    ) -> None:
        self._database, self._cipher, self._declared = database, cipher, declared
        self._source = MasterKeySource(state_dir.master_key)
        self._spool = Spool(state_dir.key_spool)
        self._lead = timedelta(seconds=lead_s)
        self._ledger = Ledger(database, cipher, IndexWriter(state_dir.key_index), declared)
        self.uses = Uses(self._ledger.holds_key)
        self.desk = Desk(self._ledger, self.uses)
        self.issuers = Issuers(database=database, declared=declared, show=self._ledger.show_issuers)
        self.public: Cell[Proofs] = self._ledger.public
        self._stirred = Pulse()

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        """What a person should know: key sets that cannot be had, a signing key that nodes do not acknowledge."""
        waiting = [key for key in self._ledger.keys.keys if key.active_from is None]
        late = [key for key in waiting if utc_now() - key.created_at > _ACKNOWLEDGED_WITHIN]
        return (*self.issuers.problems.value, *map(_waits, late))

    async def start(self) -> None:
        """Makes the first signing key where there is none, writes the key service's database and shows the proofs.

        Raises PlatformError when stored secrets do not open under this master key or files cannot be written.
        """
        if self._cipher.older and self._source.origin is Origin.FILE:
            log.warning("an unfinished rotation of the master key is gone on with")
            await self.rotate_master_key(by=PLATFORM)
        await self._ledger.open()
        await self.issuers.open()

    async def run(self, published: Published = nobody_to_tell) -> None:
        """For ever. `published` says whether every gateway node has acknowledged what `public` shows."""
        loops: dict[str, Callable[[], Awaitable[None]]] = {
            "keys: declaration": self._follow_declared,
            "keys: expiry": self._expire,
            "keys: signing": partial(self._succeed, published),
            "keys: revocations": self._take_up,
            "keys: database": self._tend_index,
            "keys: uses": self._store_uses,
            "keys: issuers": self.issuers.run,
        }
        # Each by itself: what keeps one from its work, as a full disk, must not keep a key from expiring.
        async with asyncio.TaskGroup() as group:
            for name, loop in loops.items():
                group.create_task(supervise(name, loop), name=name)

    async def create_credentials(self, user: UserName, *, by: str = PLATFORM) -> IssuedCredentials:
        """New credentials of a declared user, shown this once; its older client secrets and API keys hold no longer.
        Tokens that were issued stay good until they expire."""
        return await self.desk.replace_all(user, by=by)

    async def revoke_token(self, token: str, *, by: str) -> str:
        """Returns the id of the token. Raises PlatformError `unusable-token`: there is nothing to revoke."""
        terms = self._ledger.terms
        expected = Expected(keys=self._ledger.keys.verifiers, issuer=terms.issuer, audience=terms.audience)
        verdict = verify(token, expected, utc_now())
        if isinstance(verdict, Refused) or verdict.token_id is None:
            why = verdict.why if isinstance(verdict, Refused) else "it has no id"
            raise PlatformError("unusable-token", f"nothing to revoke: {why}", hint="it opens nothing as it is")
        revocation = Revocation(
            kind=Revoked.TOKEN, id=verdict.token_id, user=verdict.user, at=utc_now(), until=verdict.ends_at
        )
        await self.desk.take_up((revocation,), by=by)
        return verdict.token_id

    def probe_token(self, user: UserName, now: datetime) -> str | None:
        """A token of a few minutes for a request that the platform makes in a user's name, to see whether it gets
        through; None where no key signs yet."""
        signer = self._ledger.keys.signer(now)
        if signer is None:
            return None
        terms = replace(self._ledger.terms, lifetime_s=PROBE_TOKEN_S)
        return issue(signer, terms, Grant(user=user), now).token

    @property
    def signing_keys(self) -> KeySet:
        return self._ledger.keys

    async def rotate_signing_key(self, *, by: str) -> SigningKey:
        """A new key, which signs as soon as everybody knows it; one that waits for that already is returned."""
        waiting = [key for key in self._ledger.keys.keys if key.active_from is None]
        return waiting[-1] if waiting else await self._make_signing_key(by=by, at_once=False)

    async def cipher_status(self) -> CipherStatus:
        async with self._database.read() as connection:
            secrets = await rewrap.count(connection, metadata, self._cipher)
        return CipherStatus(
            key_id=self._cipher.key_id.hex(),
            origin=self._source.origin,
            source=self._source.name,
            secrets=secrets,
            unfinished=bool(self._cipher.older),
        )

    async def rotate_master_key(self, *, by: str) -> int:
        """Says how many stored secrets were sealed anew. Cut off anywhere, the next start finishes it."""
        done = await rewrap.rotate(self._database, self._cipher, self._source, resealed=self._ledger.build_index)
        async with self._database.write() as connection:
            after = {"key_id": self._cipher.key_id.hex(), "secrets": done}
            change = Change(at=utc_now(), who=by, action="rotate", kind="master-key", name="master-key", after=after)
            await record(connection, change)
        return done

    async def _follow_declared(self) -> None:
        async for _ in self._declared.changes(tick=_LONGEST_WAIT_S):
            await self._ledger.follow_declared()
            self._stirred.beat()

    async def _expire(self) -> None:
        while True:
            seen = self.public.changed.count
            await self._ledger.expire()
            moment = self._ledger.next_expiry()
            left_s = _LONGEST_WAIT_S if moment is None else (moment - utc_now()).total_seconds()
            await self.public.changed.beyond(seen, min(max(left_s, 0.001), _LONGEST_WAIT_S))

    async def _succeed(self, published: Published) -> None:
        """Walks the signing keys through their lives."""
        while True:
            seen, keys = self._stirred.count, self._ledger.keys
            pending = any(key.active_from is None for key in keys.keys)
            told = not pending or (await published() and keys is self._ledger.keys)
            step = next_step(keys, self._wanted(), utc_now(), published=told)
            match step:
                case Make(at_once=at_once):
                    await self._make_signing_key(by=PLATFORM, at_once=at_once)
                case Activate(kid=kid):
                    await self._activate(kid)
                case Remove(kids=kids):
                    await self._remove(kids)
                case Wait(until=until):
                    left_s = (until - utc_now()).total_seconds()
                    await self._stirred.beyond(seen, min(max(left_s, 0.05), _LONGEST_WAIT_S))

    def _wanted(self) -> Wanted:
        tokens = self._declared.value.tokens
        every = timedelta(seconds=tokens.rotate_every_s)
        return Wanted(algorithm=SigningAlgorithm(tokens.algorithm), every=every, lead=self._lead)

    async def _make_signing_key(self, *, by: str, at_once: bool) -> SigningKey:
        now, tokens = utc_now(), self._declared.value.tokens
        made = await asyncio.to_thread(
            make_signing_key,
            SigningAlgorithm(tokens.algorithm),
            now,
            active_from=now if at_once else None,
            lifetime_s=tokens.lifetime_s,
        )
        async with self._ledger.change() as draft:
            await signing_store.add(draft.connection, self._cipher, made)
            draft.signing_keys = True
            after = {"algorithm": made.algorithm.value}
            await record(draft.connection, _signing_change("create", made.kid, by, after=after))
        self._stirred.beat()
        log.info("signing key made", kid=made.kid, algorithm=made.algorithm.value)
        return made

    async def _activate(self, kid: str) -> None:
        async with self._ledger.change() as draft:
            await signing_store.activate(draft.connection, kid, draft.now)
            draft.signing_keys = True
            await record(draft.connection, _signing_change("activate", kid, PLATFORM))
        log.info("signing key signs", kid=kid)

    async def _remove(self, kids: tuple[str, ...]) -> None:
        async with self._ledger.change() as draft:
            await signing_store.remove(draft.connection, kids)
            draft.signing_keys = True
            await record(draft.connection, *(_signing_change("delete", kid, PLATFORM) for kid in kids))
        log.info("signing keys removed", kids=kids)

    async def _take_up(self) -> None:
        while True:
            waiting = await asyncio.to_thread(self._spool.waiting)
            if waiting:
                await self.desk.take_up([each.revocation for each in waiting])
                await asyncio.to_thread(self._spool.taken, waiting)
            await asyncio.sleep(_SPOOL_EVERY_S)

    async def _tend_index(self) -> None:
        while True:
            await self._ledger.tend_index()
            await asyncio.sleep(_INDEX_EVERY_S)

    async def _store_uses(self) -> None:
        """When the loop ends, all that waits is stored."""
        try:
            while True:
                await asyncio.sleep(_USES_EVERY_S)
                if due := self.uses.due(utc_now()):
                    await self.desk.note_use(due)
        finally:
            if waiting := self.uses.waiting():
                await self.desk.note_use(waiting)


def _signing_change(action: str, kid: str, by: str, after: dict[str, str] | None = None) -> Change:
    return Change(at=utc_now(), who=by, action=action, kind="signing-key", name=kid, after=after)


def _waits(key: SigningKey) -> Diagnostic:
    return Diagnostic(
        code="signing-key-waits",
        message=f"the new signing key {key.kid} does not sign: not every gateway node has acknowledged it",
        origin=NOWHERE,
        hint="`stationmaster get nodes` shows which node is away; the old key goes on signing",
        severity=Severity.WARNING,
    )
