import os
from datetime import date
from pathlib import Path

import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.consent.approval import Approver, public_text
from stationmaster.runbooks.consent.approvers import (
    add_approver,
    find_approvers,
    is_sealed,
    line_of,
    load_key,
    make_key,
    own_public_keys,
    public_beside,
    read_approvers,
    remove_approver,
)

ADA = Approver(name="ada", key=bytes(range(32)), logins=("al",), until=date(2027, 1, 1))
BEN = Approver(name='ben "the second": #1', key=bytes(range(1, 33)))


def test_what_is_printed_for_the_list_can_be_pasted_into_it(tmp_path: Path) -> None:
    path = tmp_path / "approvers.yaml"
    path.write_text(f"approvers:\n{line_of(ADA)}\n{line_of(BEN)}\n")
    assert read_approvers(path) == (ADA, BEN)


def test_a_list_is_made_kept_and_shortened_with_its_comments(tmp_path: Path) -> None:
    path = tmp_path / "approvers.yaml"
    add_approver(path, ADA)
    path.write_text(path.read_text() + "  # since the spring\n")
    add_approver(path, BEN)
    assert read_approvers(path) == (ADA, BEN)
    assert "# since the spring" in path.read_text()
    remove_approver(path, "ada")
    assert read_approvers(path) == (BEN,)
    assert "# since the spring" in path.read_text()
    remove_approver(path, BEN.name)
    assert read_approvers(path) == ()
    add_approver(path, ADA)
    assert read_approvers(path) == (ADA,)


@pytest.mark.parametrize(
    "text",
    [
        "approvers:\n- name: ada\n  key: {ada}\n  logins: [al]\n- name: cy\n  key: {cy}\n",
        "approvers:\n  - name: ada\n    key: {ada}\n\n  # next\n  - name: cy\n    key: {cy}\n",
    ],
)
def test_block_style_lists_are_edited_as_well(tmp_path: Path, text: str) -> None:
    path = tmp_path / "approvers.yaml"
    path.write_text(text.format(ada=public_text(ADA.key), cy=public_text(bytes(32))))
    add_approver(path, BEN)
    remove_approver(path, "ada")
    assert [each.name for each in read_approvers(path)] == ["cy", BEN.name]
    assert ("# next" in text) == ("# next" in path.read_text())


@pytest.mark.parametrize(
    "text",
    [
        "approvers: [",
        "- name: ada",
        "approvers:\n- {name: ada, key: 'ed25519:short'}",
        "approvers:\n- {name: ada, key: KEY, admin: true}",
        "approvers:\n- {name: ada, key: KEY}\n- {name: ada, key: OTHER}",
        "approvers:\n- {name: ada, key: KEY}\n- {name: cy, key: KEY}",
        "approvers:\n- {name: ' ', key: KEY}",
        "\x00\xff",
    ],
)
def test_a_broken_list_is_refused_with_a_hint(tmp_path: Path, text: str) -> None:
    path = tmp_path / "approvers.yaml"
    path.write_text(text.replace("KEY", public_text(ADA.key)).replace("OTHER", public_text(BEN.key)))
    with pytest.raises(PlatformError) as caught:
        read_approvers(path)
    assert caught.value.hint


def test_the_same_name_or_key_is_not_added_twice(tmp_path: Path) -> None:
    path = tmp_path / "approvers.yaml"
    add_approver(path, ADA)
    for again in (ADA, Approver(name="ada", key=BEN.key), Approver(name="other", key=ADA.key)):
        with pytest.raises(PlatformError, match="already"):
            add_approver(path, again)


def test_the_list_is_sought_upwards_to_the_root_of_the_repository(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    (root / ".git").mkdir(parents=True)
    (root / "runbooks" / "deep").mkdir(parents=True)
    (tmp_path / "approvers.yaml").write_text("approvers: []\n")
    book = root / "runbooks" / "deep" / "a.md"
    assert find_approvers(book) is None
    (root / "approvers.yaml").write_text("approvers: []\n")
    assert find_approvers(book) == root / "approvers.yaml"
    (root / "runbooks" / "approvers.yaml").write_text("approvers: []\n")
    assert find_approvers(book) == root / "runbooks" / "approvers.yaml"


def test_a_private_key_is_for_its_owner_and_wants_its_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "ada.key"
    made = make_key(path, b"sesame").public_key().public_bytes_raw()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert is_sealed(path)
    assert load_key(path, b"sesame").public_key().public_bytes_raw() == made
    for wrong, code in ((b"", "passphrase-wanted"), (b"other", "passphrase-wrong")):
        with pytest.raises(PlatformError) as caught:
            load_key(path, wrong)
        assert caught.value.code == code
    with pytest.raises(PlatformError, match="exists already"):
        make_key(path)


def test_a_private_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ada.key"
    make_key(path)
    path.chmod(0o644)
    with pytest.raises(PlatformError) as caught:
        load_key(path)
    assert caught.value.code == "approver-key-open"


def test_the_keys_of_this_machine_are_known_by_their_public_halves(tmp_path: Path) -> None:
    path = tmp_path / "ada.key"
    public = make_key(path, b"x").public_key().public_bytes_raw()
    public_beside(path).write_text(public_text(public) + os.linesep)
    assert own_public_keys(tmp_path) == {public}
    assert own_public_keys(tmp_path / "nowhere") == frozenset()
