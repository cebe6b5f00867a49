from collections.abc import Callable

import pytest

from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.keys.bundle import Bundle, BundleFollower, read_bundle, write_bundle
from stationmaster.keys.credentials import Client, digest
from stationmaster.keys.issue import TokenTerms
from stationmaster.keys.signing import KeySet
from stationmaster.runtime.cipher import load_or_make_cipher
from tests.keys.conftest import ADA

WriteBundle = Callable[..., Bundle]


@pytest.fixture
def write(state: StateDir, key_set: KeySet) -> WriteBundle:
    def written(*users: str) -> Bundle:
        clients = {user: Client(user=ADA, client_id=user, secret_digest=digest(user)) for user in users}
        terms = TokenTerms(issuer="stationmaster", audience="sample", lifetime_s=600)
        bundle = Bundle(terms=terms, keys=key_set, clients=clients)
        write_bundle(state.key_bundle, bundle, load_or_make_cipher(state.master_key))
        return bundle

    return written


def code_of(state: StateDir) -> str:
    with pytest.raises(PlatformError) as refused:
        read_bundle(state)
    return refused.value.code


def test_a_bundle_is_read_as_it_was_written_and_only_by_its_owner(state: StateDir, write: WriteBundle) -> None:
    written = write("ada", "grace")
    assert read_bundle(state) == written
    assert state.key_bundle.stat().st_mode & 0o777 == 0o600
    assert b"ada" not in state.key_bundle.read_bytes()


def test_each_way_to_lose_a_bundle_has_its_own_code(state: StateDir, write: WriteBundle) -> None:
    assert code_of(state) == "key-bundle-missing"
    write("ada")
    whole, key = state.key_bundle.read_bytes(), state.master_key.read_bytes()
    state.key_bundle.write_bytes(whole[:50])
    assert code_of(state) == "sealed-malformed"
    state.key_bundle.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert code_of(state) == "sealed-tampered"
    cipher = load_or_make_cipher(state.master_key)
    state.key_bundle.write_bytes(cipher.seal(b'{"format": 2}', "key-bundle"))
    assert code_of(state) == "key-bundle-malformed"
    state.key_bundle.write_bytes(whole)
    state.master_key.chmod(0o644)
    assert code_of(state) == "master-key-exposed"
    state.master_key.unlink()
    assert code_of(state) == "master-key-missing"
    load_or_make_cipher(state.master_key)
    assert code_of(state) == "sealed-other-key"
    state.master_key.write_bytes(key)
    assert read_bundle(state).clients.keys() == {"ada"}


def seen(follower: BundleFollower) -> tuple[bool, set[str] | None, bool]:
    """Whether a poll reads anew, which clients are known after it, and whether there is a problem."""
    changed = follower.poll()
    return changed, None if follower.bundle is None else set(follower.bundle.clients), follower.problem is not None


def test_a_follower_reads_only_what_changed(state: StateDir, write: WriteBundle) -> None:
    follower = BundleFollower(state)
    assert seen(follower) == (False, None, True)
    write("ada")
    assert seen(follower) == (True, {"ada"}, False)
    assert seen(follower) == (False, {"ada"}, False)
    write("ada", "grace")
    assert seen(follower) == (True, {"ada", "grace"}, False)


def test_a_follower_keeps_the_last_good_bundle_and_takes_the_next_good_one(state: StateDir, write: WriteBundle) -> None:
    follower = BundleFollower(state)
    write("ada")
    assert seen(follower) == (True, {"ada"}, False)
    for spoil in (lambda: state.key_bundle.write_bytes(b"junk"), state.key_bundle.unlink):
        spoil()
        assert seen(follower) == (False, {"ada"}, True)
    write("grace")
    assert seen(follower) == (True, {"grace"}, False)


def test_a_bundle_that_cannot_be_written_is_a_clear_refusal(state: StateDir, write: WriteBundle) -> None:
    state.key_bundle.mkdir(parents=True)
    with pytest.raises(PlatformError) as refused:
        write("ada")
    assert refused.value.code == "key-bundle-unwritable"
    assert str(state.key_bundle) in refused.value.message
