from datetime import timedelta

import pytest
from sqlalchemy import select, text

from stationmaster.core.names import UserName
from stationmaster.core.problem import PlatformError
from stationmaster.keys import signing_store, store
from stationmaster.keys.credentials import MadeKey, Term, make_key
from stationmaster.keys.signing import KeySet
from stationmaster.keys.tables import api_keys, signing_keys
from stationmaster.runtime.cipher import Cipher
from stationmaster.runtime.db import Database
from tests.keys.conftest import ADA, GRACE, NOW

CIPHER = Cipher(bytes(range(32)))


async def stored(database: Database, *users: UserName) -> list[MadeKey]:
    made = [make_key(user, Term(created_at=NOW, expires_at=NOW + timedelta(hours=1))) for user in users]
    async with database.write() as connection:
        for each in made:
            await store.add_key(connection, CIPHER, each)
    return made


async def test_signing_keys_come_back_oldest_first(database: Database, key_set: KeySet) -> None:
    async with database.write() as connection:
        for key in reversed(key_set.keys):
            await signing_store.add(connection, CIPHER, key)
    async with database.read() as connection:
        found = await signing_store.key_set(connection, CIPHER)
    assert found.keys == tuple(sorted(key_set.keys, key=lambda key: key.kid))
    assert {key.kid: key.private_jwk() for key in found.keys} == {k.kid: k.private_jwk() for k in key_set.keys}


async def test_api_keys_come_back_in_the_clear_for_as_long_as_they_hold(database: Database) -> None:
    one, two = await stored(database, ADA, GRACE)
    async with database.read() as connection:
        every = await store.held_keys(connection, CIPHER, NOW)
        later = await store.held_keys(connection, CIPHER, NOW + timedelta(hours=1))
    assert {each.proof.key for each in every} == {one.text, two.text}
    assert later == []
    assert one.text not in repr(every)


async def test_no_secret_is_in_the_file(database: Database, key_set: KeySet) -> None:
    [made] = await stored(database, ADA)
    async with database.write() as connection:
        await signing_store.add(connection, CIPHER, key_set.keys[0])
    async with database.read() as connection:
        tables = [(await connection.execute(select(each))).all() for each in (signing_keys, api_keys)]
    written = repr(tables)
    for secret in (made.text, str(key_set.keys[0].private.as_dict(private=True)["d"])):
        assert secret not in written
    assert made.key.prefix in written


@pytest.mark.parametrize("other", [ADA, GRACE])
async def test_a_sealed_key_does_not_stand_for_another_of_the_same_or_another_user(
    database: Database, other: UserName
) -> None:
    one, two = await stored(database, ADA, other)
    async with database.write() as connection:
        swap = "UPDATE api_key SET text_sealed = (SELECT text_sealed FROM api_key WHERE id = :one) WHERE id = :two"
        await connection.execute(text(swap), {"one": one.key.id, "two": two.key.id})
    with pytest.raises(PlatformError) as refused:
        async with database.read() as connection:
            await store.held_keys(connection, CIPHER, NOW)
    assert refused.value.code == "sealed-tampered"


async def test_a_user_with_an_odd_name_is_stored_as_any_other(database: Database) -> None:
    odd = UserName("Zoë'{user}); DROP TABLE signing_key;--")
    await stored(database, odd)
    async with database.read() as connection:
        assert [each.proof.user for each in await store.held_keys(connection, CIPHER, NOW)] == [odd]


async def test_the_number_of_the_change_counts_up(database: Database) -> None:
    for expected in (1, 2):
        async with database.write() as connection:
            assert await store.bump(connection) == expected
    async with database.read() as connection:
        assert await store.revision(connection) == 2
