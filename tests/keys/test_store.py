import pytest
from sqlalchemy import select, text

from stationmaster.core.names import UserName
from stationmaster.core.problem import PlatformError
from stationmaster.keys import store
from stationmaster.keys.credentials import make_credentials
from stationmaster.keys.signing import KeySet
from stationmaster.runtime.cipher import Cipher
from stationmaster.runtime.db import Database
from tests.keys.conftest import ADA, GRACE, NOW

CIPHER = Cipher(bytes(range(32)))


async def test_signing_keys_come_back_oldest_first(database: Database, key_set: KeySet) -> None:
    async with database.write() as connection:
        for key in reversed(key_set.keys):
            await store.add_signing_key(connection, CIPHER, key)
    async with database.read() as connection:
        found = await store.key_set(connection, CIPHER)
    assert found.keys == tuple(sorted(key_set.keys, key=lambda key: key.kid))
    assert {key.kid: key.private_jwk() for key in found.keys} == {k.kid: k.private_jwk() for k in key_set.keys}


async def test_credentials_come_back_and_a_second_set_replaces_the_first(database: Database) -> None:
    first, second, other = make_credentials(ADA), make_credentials(ADA), make_credentials(GRACE)
    async with database.write() as connection:
        for issued in (other, first, second):
            await store.replace_credentials(connection, CIPHER, issued, NOW)
    async with database.read() as connection:
        found = await store.all_credentials(connection, CIPHER)
    assert [(each.client.user, each.api_key, each.created_at) for each in found] == [
        (ADA, second.api_key, NOW),
        (GRACE, other.api_key, NOW),
    ]
    assert found[0].client.knows(second.client_secret)
    assert not found[0].client.knows(first.client_secret)
    assert second.api_key not in repr(found)


async def test_no_secret_is_in_the_file(database: Database, key_set: KeySet) -> None:
    issued = make_credentials(ADA)
    async with database.write() as connection:
        await store.add_signing_key(connection, CIPHER, key_set.keys[0])
        await store.replace_credentials(connection, CIPHER, issued, NOW)
    async with database.write() as connection:
        tables = [(await connection.execute(select(each))).all() for each in (store.signing_keys, store.credentials)]
    written = repr(tables)
    for secret in (issued.client_secret, issued.api_key, str(key_set.keys[0].private.as_dict(private=True)["d"])):
        assert secret not in written
    assert issued.api_key_prefix in written


async def test_a_sealed_key_does_not_serve_another_user(database: Database) -> None:
    async with database.write() as connection:
        for user in (ADA, GRACE):
            await store.replace_credentials(connection, CIPHER, make_credentials(user), NOW)
        swap = "UPDATE api_user_credential SET api_key_sealed = (SELECT api_key_sealed FROM api_user_credential"
        await connection.execute(text(f"{swap} WHERE user = 'ada') WHERE user = 'grace'"))
    with pytest.raises(PlatformError) as refused:
        async with database.read() as connection:
            await store.all_credentials(connection, CIPHER)
    assert refused.value.code == "sealed-tampered"


async def test_a_user_with_an_odd_name_is_stored_as_any_other(database: Database) -> None:
    odd = UserName("Zoë'); DROP TABLE signing_key;--")
    async with database.write() as connection:
        await store.replace_credentials(connection, CIPHER, make_credentials(odd), NOW)
        assert [each.client.user for each in await store.all_credentials(connection, CIPHER)] == [odd]
