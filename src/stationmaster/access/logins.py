"""Logins: a name and a password become a session, slowly for those who guess."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import TypeAlias

from stationmaster.access import store
from stationmaster.access.bearer import SESSION_PREFIX, digest, new_token
from stationmaster.access.live import Kind, Live, Proof
from stationmaster.access.passwords import Passwords
from stationmaster.access.roles import Caller
from stationmaster.access.store import Person, StoredSession
from stationmaster.access.throttle import LoginThrottle
from stationmaster.runtime.audit import Change, record
from stationmaster.runtime.db import Database, utc_now

UNKNOWN = "(unknown)"
"""Stands in the audit trail for a name that nobody has: people type passwords into the wrong field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Shown once; only a digest of the token is kept."""

    caller: Caller
    token: str = field(repr=False)
    expires_at: datetime


class Why(Enum):
    WRONG = "wrong"
    """Unknown name, wrong password, or shut out: a caller does not learn which."""
    TOO_MANY = "too-many"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    why: Why
    retry_after_s: float = 0.0


Outcome: TypeAlias = Session | Refused


class Logins:
    def __init__(
        self,
        database: Database,
        live: Live,
        passwords: Passwords,
        *,
        throttle: LoginThrottle | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._live = live
        self._passwords = passwords
        self._throttle = throttle or LoginThrottle()
        self._clock = clock

    async def login(self, name: str, password: str, address: str) -> Outcome:
        """`address` is the caller's IP address, for the limits and the audit trail.

        Raises PlatformError `login-busy`.
        """
        known = await self._checked(name, password, address)
        if isinstance(known, Refused):
            return known
        fresh = await self._rehashed(known, password)
        return await self._begun(known, fresh, address)

    async def confirm(self, name: str, password: str, address: str) -> Refused | None:
        """Whether the person who is logged in knows the password; None when so. Limited as a login is."""
        known = await self._checked(name, password, address)
        return known if isinstance(known, Refused) else None

    async def logout(self, proof: Proof) -> bool:
        """Ends a session; False for a credential that is none."""
        if proof.kind is not Kind.SESSION:
            return False
        async with self._database.write() as connection:
            await store.remove_sessions(connection, [proof.digest])
            await record(connection, _told(utc_now(), "logout", proof.caller.name))
        self._live.forget_sessions([proof.digest])
        return True

    async def _checked(self, name: str, password: str, address: str) -> Person | Refused:
        wait_s = self._throttle.admit(name, address, self._clock())
        if wait_s > 0:
            return Refused(why=Why.TOO_MANY, retry_after_s=wait_s)
        async with self._database.read() as connection:
            known = await store.find_person(connection, name)
        matches = await self._passwords.verify(known.password_hash if known else None, password)
        if known is None or not matches or not known.enabled:
            return await self._refused(known, address)
        self._throttle.succeeded(name)
        return known

    async def _refused(self, known: Person | None, address: str) -> Refused:
        told = _told(utc_now(), "login-refused", known.name if known else UNKNOWN, address)
        async with self._database.write() as connection:
            await record(connection, told)
        return Refused(why=Why.WRONG)

    async def _rehashed(self, known: Person, password: str) -> str:
        """Hashes made with older parameters are made anew when the password is at hand."""
        if not self._passwords.outdated(known.password_hash):
            return known.password_hash
        return await self._passwords.hash(password)

    async def _begun(self, known: Person, fresh: str, address: str) -> Outcome:
        token, now = new_token(SESSION_PREFIX), utc_now()
        session = StoredSession(
            digest=digest(token),
            person=known.name,
            address=address[:64],
            created_at=now,
            last_used_at=now,
            expires_at=now + self._live.terms.longest,
        )
        async with self._database.write() as connection:
            person = await store.find_person(connection, known.name)
            # While the password was checked, somebody may have changed it or shut the person out.
            if person is None or not person.enabled or person.password_hash != known.password_hash:
                return Refused(why=Why.WRONG)
            await store.replace_person(connection, replace(person, password_hash=fresh, last_login_at=now))
            await store.add_session(connection, session)
            await record(connection, _told(now, "login", person.name, address))
        self._live.know_session(session)
        caller = Caller(name=person.name, role=person.role)
        return Session(caller=caller, token=token, expires_at=session.expires_at)


def _told(at: datetime, action: str, name: str, address: str = "") -> Change:
    after = {"address": address} if address else None
    return Change(at=at, who=name, action=action, kind="session", name=name, after=after)
