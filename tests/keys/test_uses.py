"""When API keys were last used: known at once, stored at most once a minute, and never moved back."""

from datetime import datetime, timedelta

from stationmaster.keys import store
from stationmaster.keys.credentials import Term, make_key
from stationmaster.keys.desk import KeyOrder
from stationmaster.keys.loop import Keys
from stationmaster.keys.uses import Uses
from stationmaster.runtime.db import Database, utc_now
from tests.keys.conftest import ADA, NOW, running, until


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def every_key(key_id: str) -> bool:
    return True


def no_key(key_id: str) -> bool:
    return False


def test_a_first_use_is_stored_at_once_and_the_next_ones_a_minute_later() -> None:
    uses = Uses(every_key)
    uses.note("a", after(0))
    assert uses.due(after(1)) == {"a": after(0)}
    uses.stored({"a": after(0)}, after(1))
    for seconds in (10, 30, 20):
        uses.note("a", after(seconds))
    uses.note("b", after(30))
    assert uses.due(after(60)) == {"b": after(30)}
    assert uses.due(after(61)) == {"a": after(30), "b": after(30)}
    assert uses.waiting() == {"a": after(30), "b": after(30)}


def test_a_use_that_comes_in_while_an_earlier_one_is_stored_is_not_lost() -> None:
    uses = Uses(every_key)
    uses.note("a", after(0))
    due = uses.due(after(1))
    uses.note("a", after(2))
    uses.stored(due, after(3))
    assert (uses.waiting(), uses.due(after(4))) == ({"a": after(2)}, {})


def test_what_was_stored_is_not_stored_again() -> None:
    uses = Uses(every_key)
    uses.note("a", after(5))
    uses.stored({"a": after(5)}, after(6))
    for seconds in (0, 5):
        uses.note("a", after(seconds))
    assert uses.waiting() == {}


def test_ids_that_nobody_knows_take_only_so_much_room() -> None:
    strangers = Uses(no_key)
    for number in range(2_000):
        strangers.note(str(number), after(0))
    assert len(strangers.waiting()) == 1_000
    strangers.note("999", after(1))
    assert strangers.waiting()["999"] == after(1)
    keys = Uses(every_key)
    for number in range(2_000):
        keys.note(str(number), after(0))
    assert len(keys.waiting()) == 2_000


def test_a_key_is_shown_with_the_use_that_is_not_stored_yet() -> None:
    key = make_key(ADA, Term(created_at=NOW)).key
    uses = Uses(every_key)
    assert uses.known((key,)) == (key,)
    uses.note(key.id, after(7))
    (shown,) = uses.known((key,))
    assert shown.last_used_at == after(7)
    uses.note(shown.id, after(3))
    assert uses.known((shown,)) == (shown,)


async def test_uses_are_shown_before_they_are_stored_and_stored_when_the_loop_ends(
    keys: Keys, database: Database
) -> None:
    made = await keys.desk.create_key(ADA, KeyOrder(), by="lin")
    at = utc_now()
    async with running(keys):
        keys.uses.note(made.key.id, at)
        keys.uses.note("no-such-key", at)
        assert [each.last_used_at for each in await keys.desk.keys_of(ADA)] == [at]
        assert (await keys.desk.find_key(ADA, made.key.id)).last_used_at == at
        async with database.read() as connection:
            assert [each.last_used_at for each in await store.every_key(connection)] == [None]
    async with database.read() as connection:
        assert [each.last_used_at for each in await store.every_key(connection)] == [at]
    assert keys.uses.waiting() == {}


async def test_a_revoked_key_keeps_its_last_use(keys: Keys) -> None:
    made = await keys.desk.create_key(ADA, KeyOrder(), by="lin")
    await keys.desk.revoke_key(ADA, made.key.id, by="lin")
    at = utc_now()
    keys.uses.note(made.key.id, at)
    async with running(keys):
        await until(lambda: not keys.uses.waiting(), "the loop stores it by itself")
    assert (await keys.desk.find_key(ADA, made.key.id)).last_used_at == at
