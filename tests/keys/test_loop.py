import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from joserfc import jwt

from stationmaster.config import StateDir
from stationmaster.core.names import UserName
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec, TokenTerms
from stationmaster.keys import departures
from stationmaster.keys.credentials import IssuedCredentials
from stationmaster.keys.desk import KeyOrder
from stationmaster.keys.follower import Follower
from stationmaster.keys.index import current
from stationmaster.keys.issue import Grant, issue
from stationmaster.keys.loop import Keys
from stationmaster.keys.signing import SigningAlgorithm
from stationmaster.keys.standing import standing
from stationmaster.keys.verify import Expected, RefusalCode, Refused, Valid, verify
from stationmaster.runtime import audit
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.master_key import MasterKeySource, load_or_make_cipher
from tests.keys.conftest import ADA, GRACE, declaration, held, running, until

MakeKeys = Callable[..., Keys]


def followed(state: StateDir) -> Follower:
    follower = Follower(state)
    assert follower.poll(), follower.problem
    return follower


async def test_the_first_start_makes_one_key_and_the_next_start_keeps_it(make_keys: MakeKeys, state: StateDir) -> None:
    first = make_keys()
    assert json.loads(first.public.value.jwks) == {"keys": []}
    await first.start()
    published = json.loads(first.public.value.jwks)["keys"]
    assert [each["alg"] for each in published] == ["ES256"]
    again = make_keys()
    await again.start()
    assert again.public.value == first.public.value
    follower = followed(state)
    assert follower.bundle is not None
    assert follower.bundle.keys.jwks == first.public.value.jwks


async def test_new_credentials_replace_the_old_ones_everywhere(keys: Keys, state: StateDir) -> None:
    old, other, new = [await keys.create_credentials(user) for user in (ADA, GRACE, ADA)]
    assert held(keys) == {new.api_key: ADA, other.api_key: GRACE}
    assert new.api_key not in repr(keys.public.value)
    client = followed(state).client(new.client_id, utc_now())
    assert client is not None
    assert client.knows(new.client_secret)
    assert not client.knows(old.client_secret)


async def test_credentials_outlive_a_restart(keys: Keys, make_keys: MakeKeys) -> None:
    made = await keys.create_credentials(ADA)
    again = make_keys()
    await again.start()
    assert held(again) == {made.api_key: ADA}


async def test_a_user_that_left_while_the_platform_was_away_starts_with_nothing_when_declared_again(
    keys: Keys, make_keys: MakeKeys, state: StateDir
) -> None:
    made = await keys.create_credentials(ADA)
    token = token_of(keys, state, ADA)
    without = make_keys(GRACE)
    await without.start()
    assert held(without) == {}
    assert without.public.value.barred_users == {ADA}
    assert followed(state).client(ADA, utc_now()) is None
    again = make_keys(ADA)
    await again.start()
    assert_lost(again, state, made, token)
    assert again.public.value.barred_users == {GRACE}
    assert again.public.value.renewed_users.keys() == {ADA}


def token_of(keys: Keys, state: StateDir, user: UserName) -> str:
    follower = followed(state)
    assert follower.bundle is not None
    grant = Grant(user=user, since_s=follower.since_s(user))
    return issue(keys.signing_keys.keys[0], follower.bundle.terms, grant, utc_now()).token


def assert_lost(keys: Keys, state: StateDir, made: IssuedCredentials, token: str) -> None:
    """None of what a user had before it left is good for anything, whatever it has got since."""
    follower = followed(state)
    assert made.api_key not in held(keys)
    client = follower.client(made.client_id, utc_now())
    assert client is None or not client.knows(made.client_secret)
    assert follower.bundle is not None
    for shown in (made.api_key, token):
        found = standing(shown, follower.bundle, follower, utc_now())
        assert isinstance(found, Refused)
        assert found.code is RefusalCode.REVOKED
    claims = jwt.decode(token, keys.signing_keys.keys[0].private).claims
    assert claims["iat"] < keys.public.value.renewed_users[made.user]


async def test_a_user_that_left_and_came_back_before_anybody_looked_starts_with_nothing(
    keys: Keys, declared: Cell[PlatformSpec], database: Database, state: StateDir
) -> None:
    """A cell shows the latest declaration alone; that the user was away stands in the store."""
    old, other = [await keys.create_credentials(user) for user in (ADA, GRACE)]
    token = token_of(keys, state, ADA)
    async with database.write() as connection:
        await departures.mark(connection, [ADA], utc_now())
    declared.set(replace(declared.value, api_users=declared.value.api_users[::-1]))
    new = await keys.create_credentials(ADA)
    assert held(keys) == {other.api_key: GRACE, new.api_key: ADA}
    assert_lost(keys, state, old, token)
    assert keys.public.value.renewed_users.keys() == {ADA}
    assert not keys.public.value.barred_users


async def test_a_user_that_left_and_came_back_before_a_restart_starts_with_nothing(
    make_keys: MakeKeys, database: Database
) -> None:
    before = make_keys()
    await before.start()
    await before.create_credentials(ADA)
    other = await before.create_credentials(GRACE)
    async with database.write() as connection:
        await departures.mark(connection, [ADA], utc_now())
    after = make_keys()
    await after.start()
    assert held(after) == {other.api_key: GRACE}
    assert after.public.value.renewed_users.keys() == {ADA}


async def test_a_user_that_is_declared_again_at_once_gets_new_credentials_that_hold_at_once(
    keys: Keys, declared: Cell[PlatformSpec], make_keys: MakeKeys, state: StateDir
) -> None:
    old, spare = await keys.create_credentials(ADA), await keys.create_credentials(GRACE)
    await keys.desk.create_secret(ADA, by="test", overlap=timedelta(hours=1))
    await keys.desk.create_key(ADA, KeyOrder(expires_in=timedelta(hours=1)), by="test")
    token, other = token_of(keys, state, ADA), token_of(keys, state, GRACE)
    declared.set(declaration(GRACE))
    await keys.desk.ledger.follow_declared()
    declared.set(declaration(ADA, GRACE))
    new = await keys.create_credentials(ADA)
    newer = token_of(keys, state, ADA)
    for each in (keys, make_keys()):
        await each.start()
        assert_lost(each, state, old, token)
        assert held(each) == {spare.api_key: GRACE, new.api_key: ADA}
        follower = followed(state)
        assert follower.bundle is not None
        for shown in (newer, other, new.api_key):
            assert not isinstance(standing(shown, follower.bundle, follower, utc_now()), Refused)
        assert jwt.decode(newer, keys.signing_keys.keys[0].private).claims["iat"] == follower.since_s(ADA)


async def test_what_a_user_loses_is_in_the_audit_trail(
    keys: Keys, declared: Cell[PlatformSpec], database: Database
) -> None:
    await keys.create_credentials(ADA)
    declared.set(declaration())
    await keys.desk.ledger.follow_declared()
    async with database.read() as connection:
        told = [change for _, change in await audit.changes(connection, audit.Asked(kind="credentials"))]
    lost = [(each.name, each.before) for each in told if each.action == "revoke"]
    assert lost == [(ADA, {"keys": 1, "client_secrets": 1})]


async def test_tokens_of_a_user_that_was_declared_again_are_told_apart_only_until_the_old_ones_have_expired(
    keys: Keys, declared: Cell[PlatformSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    for users in ((GRACE,), (ADA, GRACE)):
        declared.set(declaration(*users))
        await keys.desk.ledger.follow_declared()
    assert keys.public.value.renewed_users.keys() == {ADA}
    monkeypatch.setattr("stationmaster.keys.ledger.utc_now", lambda: utc_now() + timedelta(days=8))
    await keys.desk.ledger.expire()
    assert keys.public.value.renewed_users == {}


async def test_a_user_that_leaves_is_barred_at_once_and_one_that_comes_may_have_keys_at_once(
    keys: Keys, declared: Cell[PlatformSpec], state: StateDir
) -> None:
    await keys.create_credentials(ADA)
    follower = followed(state)
    async with running(keys):
        declared.set(declaration(GRACE))
        await until(lambda: keys.public.value.barred_users == {ADA}, "barred")
        assert held(keys) == {}
        assert follower.client(ADA, utc_now()) is None
        assert not follower.is_declared(ADA)
        declared.set(declaration(ADA, GRACE, UserName("alan")))
        alan = await keys.create_credentials(UserName("alan"))
        assert held(keys) == {alan.api_key: "alan"}
        assert keys.public.value.barred_users == frozenset()
        assert follower.is_declared(ADA)
        assert follower.client(ADA, utc_now()) is None


async def test_an_unknown_user_is_refused(keys: Keys) -> None:
    with pytest.raises(PlatformError) as refused:
        await keys.create_credentials(UserName("mallory"))
    assert (refused.value.code, refused.value.status) == ("unknown-api-user", 404)


async def test_a_change_that_the_key_service_cannot_be_told_of_is_no_change(
    keys: Keys, make_keys: MakeKeys, state: StateDir
) -> None:
    old = await keys.create_credentials(ADA)
    current(state.key_index).unlink()
    (state.key_index / "current").unlink()
    (state.key_index / "current").mkdir()
    with pytest.raises(PlatformError) as refused:
        await keys.desk.ledger.build_index()
    assert refused.value.code == "key-index-unwritable"
    keys.desk.ledger.index.close()
    with pytest.raises(PlatformError) as refused:
        await keys.create_credentials(ADA)
    assert refused.value.code == "key-index-unwritable"
    assert held(keys) == {old.api_key: ADA}
    (state.key_index / "current").rmdir()
    again = make_keys()
    await again.start()
    assert held(again) == {old.api_key: ADA}


@pytest.mark.parametrize("spoil", ["lost", "junk", "emptied", "pointer", "wal"])
async def test_a_spoiled_database_of_the_key_service_is_made_anew(keys: Keys, state: StateDir, spoil: str) -> None:
    made = await keys.create_credentials(ADA)
    path = current(state.key_index)
    match spoil:
        case "lost":
            path.unlink()
        case "junk":
            path.write_bytes(b"junk" * 4096)
        case "emptied":
            path.write_bytes(b"")
        case "pointer":
            (state.key_index / "current").write_text("../../etc/passwd\n")
        case _:
            path.with_name(path.name + "-wal").write_bytes(b"junk")
    async with running(keys):
        follower = Follower(state)
        await until(lambda: (follower.poll() or True) and follower.problem is None, "read")
        await until(lambda: follower.client(ADA, utc_now()) is not None, "known")
        more = await keys.create_credentials(GRACE)
        found = follower.client(GRACE, utc_now())
        assert held(keys) == {made.api_key: ADA, more.api_key: GRACE}
    if spoil != "wal":
        assert found is not None or follower.poll()


async def test_a_lost_master_key_is_a_clear_refusal_at_start(keys: Keys, make_keys: MakeKeys, state: StateDir) -> None:
    state.master_key.unlink()
    load_or_make_cipher(state.master_key)
    with pytest.raises(PlatformError) as refused:
        await make_keys().start()
    assert refused.value.code == "sealed-other-key"
    assert "master key file back" in refused.value.hint


async def test_keys_that_expire_leave_the_gateway_on_time(keys: Keys) -> None:
    async with running(keys):
        started = asyncio.get_running_loop().time()
        made = await keys.desk.create_key(ADA, KeyOrder(expires_in=timedelta(seconds=0.5)), by="test")
        assert held(keys) == {made.text: ADA}
        await until(lambda: not held(keys), "expired")
        assert asyncio.get_running_loop().time() - started > 0.4


async def test_signing_keys_are_rotated_without_a_moment_in_which_a_token_is_refused(
    keys: Keys, state: StateDir
) -> None:
    """What signs is always known to every node: `acknowledged` is what nodes last said they know."""
    acknowledged = keys.public.value.jwks
    told = False

    async def published() -> bool:
        nonlocal acknowledged, told
        shown = keys.public.value.jwks
        if not told:
            told = True
            return False
        acknowledged = shown
        return True

    follower = followed(state)
    [old] = keys.signing_keys.keys
    async with running(keys, published):
        new = await keys.rotate_signing_key(by="ada")
        assert (await keys.rotate_signing_key(by="ada")).kid == new.kid
        async with asyncio.timeout(10):
            while True:
                follower.poll()
                bundle = follower.bundle
                assert bundle is not None
                signer = bundle.keys.signer(utc_now())
                assert signer is not None
                token = issue(signer, bundle.terms, Grant(user=ADA), utc_now()).token
                assert signer.kid in acknowledged
                expected = Expected(keys=bundle.keys.verifiers, issuer="stationmaster", audience="sample")
                assert isinstance(verify(token, expected, utc_now()), Valid)
                if signer.kid == new.kid:
                    break
                await asyncio.sleep(0.02)
        assert {each["kid"] for each in json.loads(keys.public.value.jwks)["keys"]} == {old.kid, new.kid}


async def test_another_algorithm_and_the_end_of_a_key_come_by_themselves(
    keys: Keys, declared: Cell[PlatformSpec]
) -> None:
    first = keys.signing_keys.keys[0].kid
    async with running(keys):
        declared.set(replace(declared.value, tokens=TokenTerms(algorithm="EdDSA", lifetime_s=60)))

        def algorithm() -> SigningAlgorithm | None:
            signer = keys.signing_keys.signer(utc_now())
            return None if signer is None else signer.algorithm

        await until(lambda: algorithm() is SigningAlgorithm.EDDSA, "another algorithm signs")
    retired = next(key for key in keys.signing_keys.keys if key.kid == first)
    assert retired.retired_at is not None
    assert retired.lifetime_s == 3600


async def test_a_revoked_token_stays_revoked_after_a_restart_until_it_expires(
    keys: Keys, make_keys: MakeKeys, state: StateDir
) -> None:
    follower = followed(state)
    assert follower.bundle is not None
    signer = keys.signing_keys.keys[0]
    made = issue(signer, follower.bundle.terms, Grant(user=ADA), utc_now())
    assert await keys.revoke_token(made.token, by="grace") == made.token_id
    assert keys.public.value.revoked_tokens == {made.token_id}
    again = make_keys()
    await again.start()
    assert again.public.value.revoked_tokens == {made.token_id}
    with pytest.raises(PlatformError) as refused:
        await keys.revoke_token("a.b.c", by="grace")
    assert refused.value.code == "unusable-token"


async def test_a_rotation_of_the_master_key_that_was_cut_off_is_finished_by_the_next_start(
    keys: Keys, make_keys: MakeKeys, state: StateDir
) -> None:
    made = await keys.create_credentials(ADA)
    follower = followed(state)
    MasterKeySource(state.master_key).add_key()
    again = make_keys()
    assert (await again.cipher_status()).unfinished
    await again.start()
    status = await again.cipher_status()
    assert (status.unfinished, status.secrets.stale, status.secrets.all) == (False, 0, 2)
    assert held(again) == {made.api_key: ADA}
    assert len(state.master_key.read_text().splitlines()) == 1
    assert follower.poll()
    assert follower.problem is None


async def test_a_running_instance_follows_a_new_master_key(keys: Keys, state: StateDir) -> None:
    made = await keys.create_credentials(ADA)
    follower = followed(state)
    assert await keys.rotate_master_key(by="lin") == 2
    assert follower.poll()
    assert follower.problem is None
    client = follower.client(ADA, utc_now())
    assert client is not None
    assert client.knows(made.client_secret)
    assert (await keys.create_credentials(GRACE)).api_key in held(keys)
