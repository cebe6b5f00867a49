import asyncio
from pathlib import Path

import pytest

from stationmaster.access.loop import ADMIN
from stationmaster.access.people import Amendment, Standing
from stationmaster.access.roles import Caller, Role
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.db import Database
from tests.access.conftest import PHRASE, Room


async def session(room: Room, name: str, password: str = PHRASE) -> str:
    begun = await room.access.login(name, password, "192.0.2.1")
    assert not hasattr(begun, "why"), begun
    return begun.token


async def refusal(call: object) -> str:
    with pytest.raises(PlatformError) as refused:
        await call  # type: ignore[misc]
    assert refused.value.hint
    return refused.value.code


async def test_a_person_is_made_listed_and_audited_without_the_password(room: Room) -> None:
    made, password = await room.access.people.create("ada", Role.OPERATOR, PHRASE, by=ADMIN)
    assert password == PHRASE
    assert [each.name for each in await room.access.people.all()] == ["ada", ADMIN]
    assert await room.access.people.find("ada") == made
    change = (await room.audit())[-1]
    assert (change.who, change.action, change.kind, change.name) == (ADMIN, "create", "person", "ada")
    assert (change.before, change.after) == (None, {"role": "operator", "enabled": True})
    assert PHRASE not in repr(made)
    assert made.password_hash not in repr((made, await room.audit()))


async def test_without_a_password_one_is_generated_that_works(room: Room) -> None:
    _made, password = await room.access.people.create("ada", Role.VIEWER, None, by=ADMIN)
    assert await session(room, "ada", password)


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [
        ("", PHRASE, "bad-name"),
        ("Ada", PHRASE, "bad-name"),
        ("-ada", PHRASE, "bad-name"),
        ("token:ada", PHRASE, "bad-name"),
        ("a" * 65, PHRASE, "bad-name"),
        ("ada\n", PHRASE, "bad-name"),
        ("ada", "short", "weak-password"),
        (ADMIN, PHRASE, "person-exists"),
    ],
)
async def test_a_person_that_cannot_be_made_leaves_nothing(room: Room, name: str, password: str, code: str) -> None:
    before = await room.audit()
    assert await refusal(room.access.people.create(name, Role.VIEWER, password, by=ADMIN)) == code
    assert [each.name for each in await room.access.people.all()] == [ADMIN]
    assert await room.audit() == before


async def test_a_new_role_counts_from_the_next_request_on(room: Room) -> None:
    await room.access.people.create("ada", Role.VIEWER, PHRASE, by=ADMIN)
    token = await session(room, "ada")
    await room.access.people.amend("ada", Amendment(role=Role.APPROVER), by=ADMIN)
    assert room.access.authenticate(token) == Caller(name="ada", role=Role.APPROVER)
    change = (await room.audit())[-1]
    assert (change.before, change.after) == (
        {"role": "viewer", "enabled": True},
        {"role": "approver", "enabled": True},
    )


async def test_who_is_shut_out_is_refused_at_once_and_may_come_back_with_a_new_login(room: Room) -> None:
    await room.access.people.create("ada", Role.VIEWER, PHRASE, by=ADMIN)
    token = await session(room, "ada")
    await room.access.people.amend("ada", Amendment(standing=Standing.DISABLED), by=ADMIN)
    assert room.access.authenticate(token) is None
    assert (await room.restarted().started()).access.authenticate(token) is None
    assert not hasattr(await room.access.login("ada", PHRASE, ""), "token")
    await room.access.people.amend("ada", Amendment(standing=Standing.ENABLED), by=ADMIN)
    assert room.access.authenticate(token) is None
    assert await session(room, "ada")


async def test_a_new_password_ends_the_sessions_but_the_one_that_is_kept(room: Room) -> None:
    await room.access.people.create("ada", Role.VIEWER, PHRASE, by=ADMIN)
    other, own = await session(room, "ada"), await session(room, "ada")
    proof = room.access.prove(own)
    assert proof is not None
    await room.access.people.amend(
        "ada", Amendment(password="another good phrase", keep_session=proof.digest), by="ada"
    )
    for access in (room.access, (await room.restarted().started()).access):
        assert access.authenticate(other) is None
        assert access.authenticate(own) is not None
    assert not hasattr(await room.access.login("ada", PHRASE, ""), "token")
    assert await session(room, "ada", "another good phrase")
    assert (await room.audit())[-3].after == {"role": "viewer", "enabled": True, "password": "changed"}


async def test_who_is_removed_is_gone_with_all_sessions(room: Room) -> None:
    await room.access.people.create("ada", Role.VIEWER, PHRASE, by=ADMIN)
    token = await session(room, "ada")
    await room.access.people.remove("ada", by=ADMIN)
    assert room.access.authenticate(token) is None
    assert await refusal(room.access.people.find("ada")) == "unknown-person"
    await room.access.people.create("ada", Role.ADMIN, PHRASE, by=ADMIN)
    assert room.access.authenticate(token) is None
    assert (await room.restarted().started()).access.authenticate(token) is None


@pytest.mark.parametrize("name", ["nobody", "'; DROP TABLE person;--", "\0", "ä" * 300])
async def test_nobody_can_be_changed_or_removed(room: Room, name: str) -> None:
    assert await refusal(room.access.people.amend(name, Amendment(role=Role.ADMIN), by=ADMIN)) == "unknown-person"
    assert await refusal(room.access.people.remove(name, by=ADMIN)) == "unknown-person"


@pytest.mark.parametrize(
    "leave",
    [
        lambda people: people.remove(ADMIN, by=ADMIN),
        lambda people: people.amend(ADMIN, Amendment(role=Role.APPROVER), by=ADMIN),
        lambda people: people.amend(ADMIN, Amendment(standing=Standing.DISABLED), by=ADMIN),
    ],
)
async def test_the_last_administrator_stays(room: Room, leave: object) -> None:
    people = room.access.people
    await people.create("out", Role.ADMIN, PHRASE, by=ADMIN)
    await people.amend("out", Amendment(standing=Standing.DISABLED), by=ADMIN)
    await people.create("ada", Role.APPROVER, PHRASE, by=ADMIN)
    before = await people.all()
    assert await refusal(leave(people)) == "last-admin"  # type: ignore[operator]
    assert await people.all() == before
    await people.amend("ada", Amendment(role=Role.ADMIN), by=ADMIN)
    await leave(people)  # type: ignore[operator]


async def test_two_administrators_who_remove_each_other_at_once_do_not_both_succeed(room: Room) -> None:
    people = room.access.people
    await people.create("ada", Role.ADMIN, PHRASE, by=ADMIN)
    outcomes = await asyncio.gather(
        people.remove(ADMIN, by="ada"), people.remove("ada", by=ADMIN), return_exceptions=True
    )
    assert [getattr(each, "code", None) for each in outcomes].count("last-admin") == 1
    assert len([each for each in await people.all() if each.role is Role.ADMIN]) == 1


async def test_no_password_and_no_token_is_in_the_file(room: Room, database: Database) -> None:
    await room.access.people.create("ada", Role.VIEWER, PHRASE, by=ADMIN)
    token = await session(room, "ada")
    _row, machine = await room.access.machines.create("ci", Role.VIEWER, None, by=ADMIN)
    await database.close()
    path = database.writer.url.database
    assert path is not None
    content = b"".join(each.read_bytes() for each in Path(path).parent.glob("test.db*"))
    assert b"ada" in content
    for secret in (PHRASE, token, machine, room.first_password):
        assert secret.encode() not in content
