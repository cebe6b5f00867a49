"""People: made, given roles and passwords, shut out and removed; one enabled administrator always remains."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.access import store
from stationmaster.access.live import Live
from stationmaster.access.passwords import Passwords, check_strength, generate
from stationmaster.access.roles import Role
from stationmaster.access.store import Person
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.audit import Change, record
from stationmaster.runtime.db import Database, utc_now

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


class Standing(Enum):
    ENABLED = "enabled"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """What is to change about a person; None leaves it. `keep_session` is a session's digest that outlives a new
    password, which ends all others."""

    role: Role | None = None
    password: str | None = field(default=None, repr=False)
    standing: Standing | None = None
    keep_session: str = ""


class People:
    """`by` names who asks. Every change and its line in the audit trail are one transaction."""

    def __init__(self, database: Database, live: Live, passwords: Passwords) -> None:
        self._database = database
        self._live = live
        self._passwords = passwords

    async def all(self) -> Sequence[Person]:
        async with self._database.read() as connection:
            return await store.all_people(connection)

    async def find(self, name: str) -> Person:
        """Raises PlatformError `unknown-person`."""
        async with self._database.read() as connection:
            return await _found(connection, name)

    async def create(self, name: str, role: Role, password: str | None, *, by: str) -> tuple[Person, str]:
        """The person, and the password: the given one, or one that is generated and shown this once.

        Raises PlatformError: `bad-name`, `weak-password`, `person-exists`.
        """
        _check_name(name)
        chosen = generate() if password is None else password
        check_strength(name, chosen)
        hashed = await self._passwords.hash(chosen)
        person = Person(name=name, role=role, password_hash=hashed, created_at=utc_now(), created_by=by)
        async with self._database.write() as connection:
            if await store.find_person(connection, name) is not None:
                hint = "choose another name, or change the person that is there"
                raise PlatformError("person-exists", f"there is a person named {name!r}", hint=hint, status=409)
            await store.add_person(connection, person)
            await record(connection, _change("create", by, None, person))
        self._live.know_person(person)
        return person, chosen

    async def amend(self, name: str, asked: Amendment, *, by: str) -> Person:
        """A new role counts from the next request on; a new password and being disabled end the person's sessions.

        Raises PlatformError: `unknown-person`, `weak-password`, `last-admin`.
        """
        hashed = None
        if asked.password is not None:
            check_strength(name, asked.password)
            hashed = await self._passwords.hash(asked.password)
        async with self._database.write() as connection:
            before = await _found(connection, name)
            after = _amended(before, asked, hashed, utc_now())
            if _is_admin(before) and not _is_admin(after):
                await _keep_one_admin(connection, name)
            await store.replace_person(connection, after)
            if hashed is not None or not after.enabled:
                await store.remove_sessions_of(connection, name, but=asked.keep_session if after.enabled else "")
            await record(connection, _change("update", by, before, after, password_changed=hashed is not None))
        if hashed is not None:
            self._live.forget_sessions_of(name, but=asked.keep_session)
        self._live.know_person(after)
        return after

    async def remove(self, name: str, *, by: str) -> None:
        """Raises PlatformError: `unknown-person`, `last-admin`."""
        async with self._database.write() as connection:
            person = await _found(connection, name)
            if _is_admin(person):
                await _keep_one_admin(connection, name)
            await store.remove_person(connection, name)
            await record(connection, _change("delete", by, person, None))
        self._live.forget_person(name)


async def _found(connection: AsyncConnection, name: str) -> Person:
    person = await store.find_person(connection, name)
    if person is None:
        hint = "`stationmaster access people list` shows who there is"
        raise PlatformError("unknown-person", f"there is no person named {name!r}", hint=hint, status=404)
    return person


async def _keep_one_admin(connection: AsyncConnection, leaving: str) -> None:
    if not any(_is_admin(each) and each.name != leaving for each in await store.all_people(connection)):
        raise PlatformError(
            "last-admin",
            f"{leaving} is the last administrator who can log in",
            hint="make somebody else an administrator first",
            status=409,
        )


def _is_admin(person: Person) -> bool:
    return person.enabled and person.role is Role.ADMIN


def _amended(person: Person, asked: Amendment, hashed: str | None, now: datetime) -> Person:
    changed = replace(person, role=asked.role or person.role, password_hash=hashed or person.password_hash)
    match asked.standing:
        case Standing.ENABLED:
            return replace(changed, disabled_at=None)
        case Standing.DISABLED:
            return replace(changed, disabled_at=person.disabled_at or now)
        case None:
            return changed


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        hint = "1 to 64 of a-z, 0-9, dot, dash, underscore and @, a letter or digit first"
        raise PlatformError("bad-name", f"{name!r} cannot be the name of a person", hint=hint)


def _change(
    action: str, by: str, before: Person | None, after: Person | None, *, password_changed: bool = False
) -> Change:
    """Says that a password was changed, never which."""
    told = _told(after)
    if told is not None and password_changed:
        told["password"] = "changed"  # noqa: S105 a word about it
    name = next(each.name for each in (after, before) if each is not None)
    return Change(at=utc_now(), who=by, action=action, kind="person", name=name, before=_told(before), after=told)


def _told(person: Person | None) -> dict[str, Any] | None:
    return None if person is None else {"role": person.role.value, "enabled": person.enabled}
