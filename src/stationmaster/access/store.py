"""Rows of people, machine tokens and sessions; what is secret in them is a digest or a hash."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Row, String, Table, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.access.roles import Role
from stationmaster.runtime.db import Instant, metadata

people = Table(
    "person",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("password_hash", String(255), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("last_login_at", Instant),
    Column("disabled_at", Instant),
)

machine_tokens = Table(
    "machine_token",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(64), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("prefix", String(16), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
)

sessions = Table(
    "person_session",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("person", String(64), nullable=False, index=True),
    Column("address", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    name: str
    role: Role
    password_hash: str = field(repr=False)
    created_at: datetime
    created_by: str
    last_login_at: datetime | None = None
    disabled_at: datetime | None = None

    @property
    def enabled(self) -> bool:
        return self.disabled_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineToken:
    id: str
    name: str
    role: Role
    prefix: str
    digest: str = field(repr=False)
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    digest: str = field(repr=False)
    person: str
    address: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


async def all_people(connection: AsyncConnection) -> Sequence[Person]:
    """In the order of their names."""
    return [_person(row) for row in await connection.execute(select(people).order_by(people.c.name))]


async def find_person(connection: AsyncConnection, name: str) -> Person | None:
    row = (await connection.execute(select(people).where(people.c.name == name))).one_or_none()
    return None if row is None else _person(row)


async def add_person(connection: AsyncConnection, person: Person) -> None:
    await connection.execute(insert(people).values(**_person_values(person)))


async def replace_person(connection: AsyncConnection, person: Person) -> None:
    await connection.execute(update(people).where(people.c.name == person.name).values(**_person_values(person)))


async def remove_person(connection: AsyncConnection, name: str) -> None:
    """With all sessions."""
    await remove_sessions_of(connection, name)
    await connection.execute(delete(people).where(people.c.name == name))


async def all_tokens(connection: AsyncConnection) -> Sequence[MachineToken]:
    """The newest first."""
    rows = await connection.execute(select(machine_tokens).order_by(machine_tokens.c.created_at.desc()))
    return [_token(row) for row in rows]


async def find_token(connection: AsyncConnection, number: str) -> MachineToken | None:
    row = (await connection.execute(select(machine_tokens).where(machine_tokens.c.id == number))).one_or_none()
    return None if row is None else _token(row)


async def tokens_named(connection: AsyncConnection, name: str) -> Sequence[MachineToken]:
    rows = await connection.execute(select(machine_tokens).where(machine_tokens.c.name == name))
    return [_token(row) for row in rows]


async def add_token(connection: AsyncConnection, token: MachineToken) -> None:
    values = {name: getattr(token, name) for name in machine_tokens.c.keys() if name != "role"}  # noqa: SIM118
    await connection.execute(insert(machine_tokens).values(role=token.role.value, **values))


async def revoke_token(connection: AsyncConnection, number: str, now: datetime) -> None:
    await connection.execute(update(machine_tokens).where(machine_tokens.c.id == number).values(revoked_at=now))


async def all_sessions(connection: AsyncConnection) -> Sequence[StoredSession]:
    return [StoredSession(**row._mapping) for row in await connection.execute(select(sessions))]


async def add_session(connection: AsyncConnection, session: StoredSession) -> None:
    values = {name: getattr(session, name) for name in sessions.c.keys()}  # noqa: SIM118
    await connection.execute(insert(sessions).values(**values))


async def remove_sessions(connection: AsyncConnection, digests: Iterable[str]) -> None:
    given = [{"gone": each} for each in digests]
    if given:
        await connection.execute(delete(sessions).where(sessions.c.digest == bindparam("gone")), given)


async def remove_sessions_of(connection: AsyncConnection, person: str, *, but: str = "") -> None:
    await connection.execute(delete(sessions).where(sessions.c.person == person, sessions.c.digest != but))


async def note_uses(connection: AsyncConnection, uses: Iterable[tuple[str, datetime]]) -> None:
    """When each digest was used last, whatever it belongs to."""
    given = [{"used": name, "moment": at} for name, at in uses]
    for table in (machine_tokens, sessions):
        if given:
            matching = update(table).where(table.c.digest == bindparam("used"))
            await connection.execute(matching.values(last_used_at=bindparam("moment", type_=Instant)), given)


def _person(row: Row[Any]) -> Person:
    return Person(**{**row._mapping, "role": Role(row.role)})


def _person_values(person: Person) -> dict[str, Any]:
    return {
        "name": person.name,
        "role": person.role.value,
        "password_hash": person.password_hash,
        "created_at": person.created_at,
        "created_by": person.created_by,
        "last_login_at": person.last_login_at,
        "disabled_at": person.disabled_at,
    }


def _token(row: Row[Any]) -> MachineToken:
    return MachineToken(**{**row._mapping, "role": Role(row.role)})
