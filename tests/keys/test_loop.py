import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from stationmaster.config import StateDir
from stationmaster.core.names import UserName
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec, TokenTerms
from stationmaster.keys.desk import KeyOrder
from stationmaster.keys.follower import Follower
from stationmaster.keys.index import current
from stationmaster.keys.issue import Grant, issue
from stationmaster.keys.loop import Keys
from stationmaster.keys.signing import SigningAlgorithm
from stationmaster.keys.verify import Expected, Valid, verify
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import utc_now
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


async def test_a_user_that_left_while_the_platform_was_away_loses_access_and_gets_it_back_when_declared(
    keys: Keys, make_keys: MakeKeys, state: StateDir
) -> None:
    made = await keys.create_credentials(ADA)
    without = make_keys(GRACE)
    await without.start()
    assert held(without) == {}
    assert without.public.value.barred_users == {ADA}
    assert followed(state).client(ADA, utc_now()) is None
    again = make_keys(ADA)
    await again.start()
    assert held(again) == {made.api_key: ADA}
    assert again.public.value.barred_users == {GRACE}


async def test_a_user_that_leaves_is_barred_at_once_and_one_that_comes_may_have_keys_at_once(
    keys: Keys, declared: Cell[PlatformSpec], state: StateDir
) -> None:
    made = await keys.create_credentials(ADA)
    follower = followed(state)
    async with running(keys):
        declared.set(declaration(GRACE))
        await until(lambda: keys.public.value.barred_users == {ADA}, "barred")
        assert held(keys) == {}
        assert follower.client(ADA, utc_now()) is None
        assert not follower.is_declared(ADA)
        declared.set(declaration(ADA, GRACE, UserName("alan")))
        alan = await keys.create_credentials(UserName("alan"))
        assert held(keys) == {made.api_key: ADA, alan.api_key: "alan"}
        assert keys.public.value.barred_users == frozenset()
        found = follower.client(ADA, utc_now())
        assert found is not None
        assert found.knows(made.client_secret)


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
