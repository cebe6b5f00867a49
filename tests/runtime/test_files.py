from pathlib import Path

import pytest

from stationmaster.runtime.files import create_private, write_private


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_file_is_replaced_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["a"]


def test_a_reader_of_the_old_file_keeps_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_private(path, b"old")
    with path.open("rb") as reader:
        write_private(path, b"new and longer")
        assert reader.read() == b"old"


def test_a_failed_replacement_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_private(tmp_path / "a", b"new")
    assert names(tmp_path) == ["a"]


def test_only_the_first_creation_takes(tmp_path: Path) -> None:
    assert create_private(tmp_path / "a", b"first") is True
    assert create_private(tmp_path / "a", b"second") is False
    assert (tmp_path / "a").read_bytes() == b"first"
    assert names(tmp_path) == ["a"]
