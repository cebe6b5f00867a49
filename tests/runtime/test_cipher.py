from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.problem import PlatformError
from stationmaster.runtime.cipher import Cipher
from stationmaster.runtime.master_key import load_cipher, load_or_make_cipher

CIPHER = Cipher(bytes(range(32)))
SECRET = b"the signing key of the platform"


def code_of(path: Path) -> str:
    with pytest.raises(PlatformError) as refused:
        load_cipher(path)
    assert refused.value.hint
    return refused.value.code


@given(plaintext=st.binary(max_size=300), context=st.text(max_size=30))
def test_what_was_sealed_opens_under_its_own_context(plaintext: bytes, context: str) -> None:
    assert CIPHER.open(CIPHER.seal(plaintext, context), context) == plaintext


def test_the_same_message_never_looks_the_same_twice() -> None:
    one, two = CIPHER.seal(SECRET, "a"), CIPHER.seal(SECRET, "a")
    assert one[16:] != two[16:]
    assert SECRET not in one


def test_every_changed_byte_is_noticed() -> None:
    sealed = CIPHER.seal(SECRET, "a")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(PlatformError) as refused:
            CIPHER.open(bytes(changed), "a")
        assert refused.value.code in {"sealed-malformed", "sealed-other-key", "sealed-tampered"}


@pytest.mark.parametrize("length", [0, 1, 16, 76, 100])
def test_a_cut_message_is_refused(length: int) -> None:
    with pytest.raises(PlatformError):
        CIPHER.open(CIPHER.seal(SECRET, "a")[:length], "a")


@given(garbage=st.binary(max_size=200))
def test_garbage_is_refused_with_a_code(garbage: bytes) -> None:
    with pytest.raises(PlatformError) as refused:
        CIPHER.open(garbage, "a")
    assert refused.value.code == "sealed-malformed"


def test_a_secret_does_not_open_in_the_place_of_another() -> None:
    with pytest.raises(PlatformError) as refused:
        CIPHER.open(CIPHER.seal(SECRET, "api-key/ada"), "api-key/grace")
    assert refused.value.code == "sealed-tampered"


def test_a_data_key_cannot_be_moved_to_another_message() -> None:
    one, two = CIPHER.seal(SECRET, "a"), CIPHER.seal(b"other", "a")
    with pytest.raises(PlatformError):
        CIPHER.open(one[:76] + two[76:], "a")


def test_another_master_key_is_named_as_such() -> None:
    with pytest.raises(PlatformError) as refused:
        Cipher(bytes(32)).open(CIPHER.seal(SECRET, "a"), "a")
    assert refused.value.code == "sealed-other-key"
    assert CIPHER.key_id.hex() in refused.value.message


def test_no_key_shows_in_a_repr() -> None:
    assert repr(CIPHER) == f"Cipher(key_id={CIPHER.key_id.hex()})"


def test_the_first_start_makes_a_private_key_file_and_the_next_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "master.key"
    made = load_or_make_cipher(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["master.key"]
    assert load_or_make_cipher(path).open(made.seal(SECRET, "a"), "a") == SECRET


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o777])
def test_a_key_file_that_others_can_get_at_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    load_or_make_cipher(path)
    path.chmod(mode)
    assert code_of(path) == "master-key-exposed"
    with pytest.raises(PlatformError) as refused:
        load_or_make_cipher(path)
    assert f"chmod 600 {path}" in refused.value.hint


@pytest.mark.parametrize("content", [b"", b"secret", b"\xff\xfe", b"stationmaster-master-key-1:AAAA\n", b"x" * 5000])
def test_a_file_without_a_key_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(content)
    path.chmod(0o600)
    assert code_of(path) == "master-key-malformed"
    assert path.read_bytes() == content


def test_a_missing_key_file_is_said_to_be_missing(tmp_path: Path) -> None:
    assert code_of(tmp_path / "master.key") == "master-key-missing"


def test_a_folder_that_cannot_be_made_is_a_clear_refusal(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    with pytest.raises(PlatformError) as refused:
        load_or_make_cipher(tmp_path / "state" / "master.key")
    assert refused.value.code == "master-key-unwritable"
