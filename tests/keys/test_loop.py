import json
from collections.abc import Callable

import pytest

from stationmaster.config import StateDir
from stationmaster.core.names import UserName
from stationmaster.core.problem import PlatformError
from stationmaster.keys.bundle import read_bundle
from stationmaster.keys.loop import Keys
from stationmaster.keys.signing import SigningAlgorithm
from stationmaster.runtime.cipher import load_or_make_cipher
from tests.keys.conftest import ADA, GRACE

MakeKeys = Callable[..., Keys]


async def test_the_first_start_makes_one_key_and_the_next_start_keeps_it(make_keys: MakeKeys, state: StateDir) -> None:
    first = make_keys()
    assert json.loads(first.public.value.jwks) == {"keys": []}
    await first.start()
    published = json.loads(first.public.value.jwks)["keys"]
    assert [each["alg"] for each in published] == ["RS256"]
    again = make_keys()
    await again.start()
    assert again.public.value == first.public.value
    assert read_bundle(state).keys.jwks == first.public.value.jwks


async def test_credentials_reach_the_cell_and_the_bundle(keys: Keys, state: StateDir) -> None:
    made = await keys.create_credentials(ADA)
    assert keys.public.value.api_keys == ((ADA, made.api_key),)
    assert made.api_key not in repr(keys.public.value)
    bundle = read_bundle(state)
    assert bundle.clients[made.client_id].knows(made.client_secret)
    assert (bundle.terms.issuer, bundle.terms.audience) == ("stationmaster", "sample")


async def test_new_credentials_replace_the_old_ones_everywhere(keys: Keys, state: StateDir) -> None:
    old, other, new = [await keys.create_credentials(user) for user in (ADA, GRACE, ADA)]
    assert keys.public.value.api_keys == ((ADA, new.api_key), (GRACE, other.api_key))
    client = read_bundle(state).clients[new.client_id]
    assert client.knows(new.client_secret)
    assert not client.knows(old.client_secret)


async def test_credentials_outlive_a_restart(keys: Keys, make_keys: MakeKeys) -> None:
    made = await keys.create_credentials(ADA)
    again = make_keys()
    await again.start()
    assert again.public.value.api_keys == ((ADA, made.api_key),)


async def test_a_user_that_is_no_longer_declared_loses_access_and_gets_it_back_when_declared(
    keys: Keys, make_keys: MakeKeys, state: StateDir
) -> None:
    made = await keys.create_credentials(ADA)
    without = make_keys(GRACE)
    await without.start()
    assert without.public.value.api_keys == ()
    assert read_bundle(state).clients == {}
    again = make_keys(ADA)
    await again.start()
    assert again.public.value.api_keys == ((ADA, made.api_key),)


async def test_an_unknown_user_is_refused_with_the_declared_ones(keys: Keys) -> None:
    with pytest.raises(PlatformError) as refused:
        await keys.create_credentials(UserName("mallory"))
    assert (refused.value.code, refused.value.status) == ("unknown-api-user", 404)
    assert "ada, grace" in refused.value.hint


async def test_a_bundle_that_cannot_be_written_changes_nothing(
    keys: Keys, make_keys: MakeKeys, state: StateDir
) -> None:
    old = await keys.create_credentials(ADA)
    state.key_bundle.unlink()
    state.key_bundle.mkdir()
    with pytest.raises(PlatformError) as refused:
        await keys.create_credentials(ADA)
    assert refused.value.code == "key-bundle-unwritable"
    assert keys.public.value.api_keys == ((ADA, old.api_key),)
    state.key_bundle.rmdir()
    again = make_keys()
    await again.start()
    assert again.public.value.api_keys == ((ADA, old.api_key),)


async def test_a_lost_master_key_is_a_clear_refusal_at_start(keys: Keys, make_keys: MakeKeys, state: StateDir) -> None:
    state.master_key.unlink()
    load_or_make_cipher(state.master_key)
    with pytest.raises(PlatformError) as refused:
        await make_keys().start(SigningAlgorithm.ES256)
    assert refused.value.code == "sealed-other-key"
    assert "master key file back" in refused.value.hint
