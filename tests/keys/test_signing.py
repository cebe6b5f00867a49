import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.keys.signing import KeySet, SigningAlgorithm, SigningKey, make_signing_key, private_from_jwk
from tests.keys.conftest import NOW

KeysByAlgorithm = dict[SigningAlgorithm, SigningKey]
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
HOUR = timedelta(hours=1)


def test_the_public_set_holds_every_key_and_nothing_private(key_set: KeySet) -> None:
    published = json.loads(key_set.jwks)["keys"]
    assert [(each["kid"], each["alg"], each["use"]) for each in published] == [
        (key.kid, key.algorithm.value, "sig") for key in key_set.keys
    ]
    assert not any(PRIVATE_MEMBERS & each.keys() for each in published)


def test_a_key_says_nothing_private_about_itself(key_set: KeySet) -> None:
    shown = repr(key_set)
    for key in key_set.keys:
        assert str(key.private.as_dict(private=True)["d"]) not in shown
        assert key.kid in shown


def test_a_stored_key_comes_back_as_it_was(key_set: KeySet) -> None:
    for key in key_set.keys:
        assert private_from_jwk(key.private_jwk()).as_dict(private=True) == key.private.as_dict(private=True)


@pytest.mark.parametrize("document", [b"", b"{}", b"[]", b'{"kty": "oct", "k": "AAAA"}', b'{"kty": "RSA"}', b"\xff"])
def test_a_spoiled_stored_key_is_refused(document: bytes) -> None:
    with pytest.raises(PlatformError) as refused:
        private_from_jwk(document)
    assert refused.value.code == "signing-key-malformed"


@pytest.mark.parametrize(
    ("now", "signer"),
    [
        (NOW - HOUR, None),
        (NOW, "old"),
        (NOW + HOUR - timedelta(seconds=1), "old"),
        (NOW + HOUR, "new"),
        (NOW + 2 * HOUR, "new"),
        (NOW + 3 * HOUR, None),
    ],
)
def test_the_key_activated_last_signs_until_it_is_retired(
    signing_keys: KeysByAlgorithm, now: datetime, signer: str | None
) -> None:
    old = replace(signing_keys[SigningAlgorithm.ES256], retired_at=NOW + 2 * HOUR)
    new = replace(signing_keys[SigningAlgorithm.EDDSA], active_from=NOW + HOUR, retired_at=NOW + 3 * HOUR)
    chosen = KeySet((old, new)).signer(now)
    assert chosen is {"old": old, "new": new, None: None}[signer]
    assert set(KeySet((old, new)).verifiers) == {old.kid, new.kid}


def test_no_two_keys_have_the_same_id() -> None:
    made = {make_signing_key(SigningAlgorithm.ES256, NOW).kid for _ in range(5)}
    assert len(made) == 5
