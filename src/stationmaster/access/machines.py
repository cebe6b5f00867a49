"""Tokens of machines: made, listed and revoked."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from stationmaster.access import store
from stationmaster.access.bearer import MACHINE_PREFIX, digest, new_token, shown_part
from stationmaster.access.live import Live
from stationmaster.access.roles import Role
from stationmaster.access.store import MachineToken
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.audit import Change, record
from stationmaster.runtime.db import Database, utc_now

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Machines:
    """`by` names who asks. Every change and its line in the audit trail are one transaction."""

    def __init__(self, database: Database, live: Live) -> None:
        self._database = database
        self._live = live

    async def all(self) -> Sequence[MachineToken]:
        """The newest first, revoked and expired ones too."""
        async with self._database.read() as connection:
            return [self._fresh(each) for each in await store.all_tokens(connection)]

    async def find(self, number: str) -> MachineToken:
        """Raises PlatformError `unknown-token`."""
        async with self._database.read() as connection:
            found = await store.find_token(connection, number)
        if found is None:
            raise _unknown(number)
        return self._fresh(found)

    async def create(self, name: str, role: Role, expires_at: datetime | None, *, by: str) -> tuple[MachineToken, str]:
        """The row, and the token itself, which is shown this once.

        Raises PlatformError: `bad-name`, `bad-expiry`, `token-exists` when one that holds has the name.
        """
        now, secret = utc_now(), new_token(MACHINE_PREFIX)
        _check(name, expires_at, now)
        token = MachineToken(
            id=secrets.token_hex(6),
            name=name,
            role=role,
            prefix=shown_part(secret),
            digest=digest(secret),
            created_at=now,
            created_by=by,
            expires_at=expires_at,
        )
        async with self._database.write() as connection:
            if any(each.holds(now) for each in await store.tokens_named(connection, name)):
                hint = "revoke that one first, or choose another name"
                raise PlatformError("token-exists", f"there is a token named {name!r}", hint=hint, status=409)
            await store.add_token(connection, token)
            await record(connection, _change("create", by, token, after=_told(token)))
        self._live.know_token(token)
        return token, secret

    async def revoke(self, number: str, *, by: str) -> MachineToken:
        """Refused from the next request on; revoking again changes nothing. Raises PlatformError `unknown-token`."""
        async with self._database.write() as connection:
            token = await store.find_token(connection, number)
            if token is None:
                raise _unknown(number)
            if token.revoked_at is not None:
                return token
            revoked = replace(token, revoked_at=utc_now())
            await store.revoke_token(connection, number, revoked.revoked_at or utc_now())
            await record(connection, _change("revoke", by, token, before=_told(token)))
        self._live.know_token(revoked)
        return revoked

    def _fresh(self, token: MachineToken) -> MachineToken:
        return replace(token, last_used_at=self._live.last_use(token.digest) or token.last_used_at)


def _check(name: str, expires_at: datetime | None, now: datetime) -> None:
    if not _NAME.fullmatch(name):
        hint = "1 to 64 of a-z, 0-9, dot, dash and underscore, a letter or digit first"
        raise PlatformError("bad-name", f"{name!r} cannot be the name of a token", hint=hint)
    if expires_at is not None and expires_at <= now:
        raise PlatformError("bad-expiry", "the token would have expired already", hint="name a later moment")


def _unknown(number: str) -> PlatformError:
    hint = "`stationmaster access tokens list` shows their ids"
    return PlatformError("unknown-token", f"no token has the id {number!r}", hint=hint, status=404)


def _change(action: str, by: str, token: MachineToken, *, before: Any = None, after: Any = None) -> Change:
    return Change(at=utc_now(), who=by, action=action, kind="token", name=token.name, before=before, after=after)


def _told(token: MachineToken) -> dict[str, Any]:
    expires = None if token.expires_at is None else token.expires_at.isoformat()
    return {"id": token.id, "role": token.role.value, "prefix": token.prefix, "expires_at": expires}
