import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from stationmaster.access import store
from stationmaster.access.live import Kind, SessionTerms
from stationmaster.access.logins import UNKNOWN, Logins, Refused, Session, Why
from stationmaster.access.loop import ADMIN
from stationmaster.access.people import Amendment, Standing
from stationmaster.access.roles import Caller, Role
from stationmaster.access.throttle import Limits, LoginThrottle
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.db import utc_now
from tests.access.conftest import CHEAP, PHRASE, CountingPasswords, Room

ADDRESS = "192.0.2.7"


@pytest.fixture
async def peopled(room: Room) -> Room:
    await room.access.people.create("ada", Role.OPERATOR, PHRASE, by=ADMIN)
    await room.access.people.create("out", Role.ADMIN, PHRASE, by=ADMIN)
    await room.access.people.amend("out", Amendment(standing=Standing.DISABLED), by=ADMIN)
    return room


async def begun(room: Room, name: str = "ada", password: str = PHRASE) -> Session:
    outcome = await room.access.login(name, password, ADDRESS)
    assert isinstance(outcome, Session)
    return outcome


async def test_name_and_password_become_a_session_that_outlives_a_restart(peopled: Room) -> None:
    session = await begun(peopled)
    assert session.caller == Caller(name="ada", role=Role.OPERATOR)
    for access in (peopled.access, (await peopled.restarted().started()).access):
        proof = access.prove(session.token)
        assert proof is not None
        assert (proof.caller, proof.kind, proof.expires_at) == (session.caller, Kind.SESSION, session.expires_at)
    assert session.token not in repr((session, await peopled.audit()))
    person = await peopled.access.people.find("ada")
    assert person.last_login_at is not None
    last = (await peopled.audit())[-1]
    assert (last.who, last.action, last.kind, last.after) == ("ada", "login", "session", {"address": ADDRESS})


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", "wrong"),
        ("ada", ""),
        ("ada", PHRASE + " "),
        ("ADA", PHRASE),
        ("ada ", PHRASE),
        ("nobody", PHRASE),
        ("out", PHRASE),
        ("", ""),
        ("' OR 1=1 --", "' OR 1=1 --"),
        ("\0", "\0"),
    ],
)
async def test_every_other_try_is_refused_alike_and_runs_argon2_once(peopled: Room, name: str, password: str) -> None:
    peopled.passwords.runs = 0
    outcome = await peopled.access.login(name, password, ADDRESS)
    assert outcome == Refused(why=Why.WRONG)
    assert peopled.passwords.runs == 1


@pytest.mark.parametrize(("name", "told"), [("ada", "ada"), ("out", "out"), ("my-typed-password", UNKNOWN)])
async def test_a_failure_is_audited_without_what_was_typed(peopled: Room, name: str, told: str) -> None:
    await peopled.access.login(name, "the-typed-password", ADDRESS)
    last = (await peopled.audit())[-1]
    assert (last.who, last.action, last.name, last.after) == (told, "login-refused", told, {"address": ADDRESS})
    assert "typed-password" not in repr(last)


async def test_who_guesses_is_slowed_down_before_argon2_runs(peopled: Room) -> None:
    guessed = await peopled.restarted(limits=Limits(free_tries=3)).started()
    for _ in range(3):
        assert await guessed.access.login("ada", "wrong", ADDRESS) == Refused(why=Why.WRONG)
    runs, told = guessed.passwords.runs, await guessed.audit()
    outcome = await guessed.access.login("ada", PHRASE, ADDRESS)
    assert isinstance(outcome, Refused)
    assert outcome.why is Why.TOO_MANY
    assert 0 < outcome.retry_after_s <= 1
    assert guessed.passwords.runs == runs
    assert await guessed.audit() == told


async def test_an_unknown_name_is_slowed_down_as_a_known_one(peopled: Room) -> None:
    outcomes = []
    for name in ("ada", "nobody"):
        guessed = await peopled.restarted(limits=Limits(free_tries=2)).started()
        tries = [await guessed.access.login(name, "wrong", ADDRESS) for _ in range(4)]
        outcomes.append([each.why for each in tries if isinstance(each, Refused)])
    assert outcomes[0] == outcomes[1] == [Why.WRONG, Why.WRONG, Why.TOO_MANY, Why.TOO_MANY]


async def test_the_pause_ends_and_success_clears_the_count(peopled: Room) -> None:
    clock = [0.0]
    throttle = LoginThrottle(Limits(free_tries=2, first_pause_s=10))
    logins = Logins(
        peopled.database, peopled.access._live, peopled.passwords, throttle=throttle, clock=lambda: clock[0]
    )
    for _ in range(2):
        await logins.login("ada", "wrong", ADDRESS)
    assert await logins.login("ada", PHRASE, ADDRESS) == Refused(why=Why.TOO_MANY, retry_after_s=10)
    clock[0] = 10
    assert isinstance(await logins.login("ada", PHRASE, ADDRESS), Session)
    assert await logins.login("ada", "wrong", ADDRESS) == Refused(why=Why.WRONG)


async def test_guesses_at_the_same_moment_are_limited_too(peopled: Room) -> None:
    guessed = await peopled.restarted(limits=Limits(free_tries=3)).started()
    tries = await asyncio.gather(*(guessed.access.login("ada", f"wrong {n}", ADDRESS) for n in range(12)))
    assert sum(each == Refused(why=Why.WRONG) for each in tries) == 3


async def test_a_session_ends_with_logout_and_nothing_else_is_ended_by_it(peopled: Room) -> None:
    one, other = await begun(peopled), await begun(peopled)
    _row, machine = await peopled.access.machines.create("ci", Role.VIEWER, None, by=ADMIN)
    proofs = [peopled.access.prove(each) for each in (one.token, machine)]
    assert [await peopled.access.logout(each) for each in proofs if each] == [True, False]
    for access in (peopled.access, (await peopled.restarted().started()).access):
        assert access.authenticate(one.token) is None
        assert access.authenticate(other.token) is not None
        assert access.authenticate(machine) is not None
    assert (await peopled.audit())[-1].action == "logout"


async def test_a_session_ends_when_it_is_idle_or_old(peopled: Room) -> None:
    terms = SessionTerms(idle=timedelta(hours=1), longest=timedelta(hours=3))
    room = await peopled.restarted(terms=terms).started()
    session = await begun(room)
    start = utc_now()
    for hours, lasts in ((0.9, True), (1.8, True), (2.7, True), (3.1, False)):
        assert (room.access._live.prove(session.token, start + timedelta(hours=hours)) is not None) is lasts
    idle = await begun(room)
    assert room.access._live.prove(idle.token, start + timedelta(hours=1.1)) is None


async def test_ended_sessions_are_removed_and_uses_outlive_a_restart(peopled: Room) -> None:
    terms = SessionTerms(idle=timedelta(hours=1))
    room = await peopled.restarted(terms=terms).started()
    kept, idle = await begun(room), await begun(room)
    later = utc_now() + timedelta(minutes=50)
    assert room.access._live.prove(kept.token, later)
    await room.access.tidy(later + timedelta(minutes=20))
    async with room.database.read() as connection:
        rows = (await connection.execute(select(store.sessions))).all()
    assert [row.last_used_at for row in rows] == [later]
    again = await room.restarted(terms=terms).started()
    assert again.access._live.prove(idle.token, utc_now()) is None
    assert again.access._live.prove(kept.token, later + timedelta(minutes=50)) is not None


async def test_a_hash_of_older_parameters_is_made_anew_at_the_next_login(peopled: Room) -> None:
    newer = CountingPasswords(replace(CHEAP, time_cost=2))
    logins = Logins(peopled.database, peopled.access._live, newer)
    assert isinstance(await logins.login("ada", PHRASE, ADDRESS), Session)
    fresh = (await peopled.access.people.find("ada")).password_hash
    assert "t=2" in fresh
    assert isinstance(await logins.login("ada", PHRASE, ADDRESS), Session)
    assert (await peopled.access.people.find("ada")).password_hash == fresh


class Interrupted(CountingPasswords):
    """Lets something happen between the check of a password and the session."""

    def __init__(self, meanwhile: Callable[[], Awaitable[Any]]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    async def verify(self, known: str | None, password: str) -> bool:
        matches = await super().verify(known, password)
        await self._meanwhile()
        return matches


@pytest.mark.parametrize(
    "asked", [Amendment(standing=Standing.DISABLED), Amendment(password="a password of somebody else")]
)
async def test_who_is_changed_while_logging_in_gets_no_session(peopled: Room, asked: Amendment) -> None:
    interrupted = Interrupted(lambda: peopled.access.people.amend("ada", asked, by=ADMIN))
    logins = Logins(peopled.database, peopled.access._live, interrupted)
    assert await logins.login("ada", PHRASE, ADDRESS) == Refused(why=Why.WRONG)
    async with peopled.database.read() as connection:
        assert await store.all_sessions(connection) == []


async def test_confirming_a_password_begins_no_session(peopled: Room) -> None:
    assert await peopled.access.logins.confirm("ada", PHRASE, ADDRESS) is None
    assert await peopled.access.logins.confirm("ada", "wrong", ADDRESS) == Refused(why=Why.WRONG)
    async with peopled.database.read() as connection:
        assert await store.all_sessions(connection) == []


async def test_too_many_at_once_is_said_to_be_busy(peopled: Room) -> None:
    tries = await asyncio.gather(
        *(peopled.access.login(f"n{n}", "wrong", f"198.51.100.{n}") for n in range(60)), return_exceptions=True
    )
    refused = [each for each in tries if isinstance(each, PlatformError)]
    assert {(each.code, each.status) for each in refused} <= {("login-busy", 503)}
    assert sum(each == Refused(why=Why.WRONG) for each in tries) + len(refused) == 60
