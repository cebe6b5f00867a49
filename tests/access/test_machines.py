from datetime import timedelta

import pytest

from stationmaster.access.live import Kind
from stationmaster.access.loop import ADMIN
from stationmaster.access.roles import Caller, Role
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.db import utc_now
from tests.access.conftest import PHRASE, Room


@pytest.mark.parametrize("role", list(Role))
async def test_a_token_proves_its_caller_also_after_a_restart(room: Room, role: Role) -> None:
    made, token = await room.access.machines.create("ci", role, None, by=ADMIN)
    for access in (room.access, (await room.restarted().started()).access):
        assert access.authenticate(token) == Caller(name="token:ci", role=role)
    proof = room.access.prove(token)
    assert proof is not None
    assert (proof.kind, proof.expires_at) == (Kind.TOKEN, None)
    assert token.startswith(made.prefix)
    assert token not in repr((made, await room.audit()))


async def test_what_is_no_token_proves_nothing(room: Room) -> None:
    made, token = await room.access.machines.create("ci", Role.ADMIN, None, by=ADMIN)
    for wrong in ("", made.digest, made.prefix, made.id, token[:-1], token + "=", token.swapcase(), "\ud800"):
        assert room.access.authenticate(wrong) is None


async def test_a_revoked_token_is_refused_at_once_for_ever_and_stays_listed(room: Room) -> None:
    made, token = await room.access.machines.create("ci", Role.VIEWER, None, by=ADMIN)
    revoked = await room.access.machines.revoke(made.id, by="ada")
    assert room.access.authenticate(token) is None
    assert (await room.restarted().started()).access.authenticate(token) is None
    assert await room.access.machines.revoke(made.id, by="grace") == revoked
    listed = await room.access.machines.all()
    assert [(each.id, each.revoked_at is not None) for each in listed] == [(made.id, True)]
    told = [(each.who, each.action, each.kind, each.name) for each in (await room.audit())[1:]]
    assert told == [(ADMIN, "create", "token", "ci"), ("ada", "revoke", "token", "ci")]


async def test_a_token_holds_until_it_expires(room: Room) -> None:
    expires_at = utc_now() + timedelta(days=1)
    made, token = await room.access.machines.create("ci", Role.VIEWER, expires_at, by=ADMIN)
    assert room.access._live.prove(token, expires_at - timedelta(seconds=1)) is not None
    assert room.access._live.prove(token, expires_at) is None
    assert not made.holds(expires_at)


async def test_a_name_serves_one_token_at_a_time(room: Room) -> None:
    made, _token = await room.access.machines.create("ci", Role.VIEWER, None, by=ADMIN)
    with pytest.raises(PlatformError) as refused:
        await room.access.machines.create("ci", Role.ADMIN, None, by=ADMIN)
    assert (refused.value.code, refused.value.status) == ("token-exists", 409)
    await room.access.machines.revoke(made.id, by=ADMIN)
    assert await room.access.machines.create("ci", Role.ADMIN, None, by=ADMIN)


@pytest.mark.parametrize(
    ("name", "days", "code"),
    [
        ("", 1, "bad-name"),
        ("CI", 1, "bad-name"),
        ("a b", 1, "bad-name"),
        ("x" * 65, 1, "bad-name"),
        ("ci", 0, "bad-expiry"),
    ],
)
async def test_a_token_that_cannot_be_made_leaves_nothing(room: Room, name: str, days: int, code: str) -> None:
    with pytest.raises(PlatformError) as refused:
        await room.access.machines.create(name, Role.VIEWER, utc_now() + timedelta(days=days), by=ADMIN)
    assert refused.value.code == code
    assert await room.access.machines.all() == []


async def test_an_unknown_token_cannot_be_revoked(room: Room) -> None:
    for call in (room.access.machines.find("nothing"), room.access.machines.revoke("nothing", by=ADMIN)):
        with pytest.raises(PlatformError) as refused:
            await call
        assert (refused.value.code, refused.value.status) == ("unknown-token", 404)


async def test_the_last_use_shows_at_once_and_is_written_when_tidied(room: Room) -> None:
    made, token = await room.access.machines.create("ci", Role.VIEWER, None, by=ADMIN)
    assert (await room.access.machines.find(made.id)).last_used_at is None
    assert room.access.authenticate(token)
    used = (await room.access.machines.find(made.id)).last_used_at
    assert used is not None
    await room.access.tidy(utc_now())
    assert (await (await room.restarted().started()).access.machines.find(made.id)).last_used_at == used


async def test_a_machine_does_not_pass_for_the_person_of_its_name(room: Room) -> None:
    await room.access.people.create("ada", Role.VIEWER, PHRASE, by=ADMIN)
    _made, token = await room.access.machines.create("ada", Role.ADMIN, None, by=ADMIN)
    assert room.access.authenticate(token) == Caller(name="token:ada", role=Role.ADMIN)
    assert not hasattr(await room.access.login("ada", token, ""), "token")
