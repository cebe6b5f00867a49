"""A folder is loaded with what can be read of it, and the rest is told."""

from pathlib import Path

from stationmaster.runbooks.library import Shelf, load_library
from tests.runbooks.world import OWN


def test_what_cannot_be_read_is_told_and_the_rest_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text(OWN.read_text())
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "also.markdown").write_text("# Also\n\n1. Run `ls -l`.\n")
    (tmp_path / "latin.md").write_bytes(b"# caf\xe9\n")
    (tmp_path / "binary.txt").write_bytes(b"\x00\x01\x02")
    (tmp_path / "broken.md").write_text("# B\n\n1. x\n   ```bash {risk=none}\n   ls -l\n   ```\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    library = load_library([tmp_path, tmp_path / "missing"])
    assert sorted(Path(each.file).name for each in library.runbooks) == ["also.markdown", "good.md"]
    told = sorted((Path(each.origin.file).name, each.code) for each in library.diagnostics)
    assert told == [
        ("binary.txt", "runbook-unreadable"),
        ("broken.md", "attribute-value"),
        ("latin.md", "runbook-unreadable"),
        ("missing", "runbook-unreadable"),
    ]


def test_the_seeds_are_loaded(seeds: Path) -> None:
    assert len(load_library([seeds]).runbooks) == 5


async def test_a_shelf_sees_a_changed_a_new_and_a_removed_file(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# First\n", "utf-8")
    shelf = Shelf(lambda: [tmp_path])
    assert [each.title for each in shelf.runbooks()] == ["First"]
    (tmp_path / "a.md").write_text("# First, changed\n", "utf-8")
    (tmp_path / "b.md").write_text("# Second\n", "utf-8")
    await shelf.refresh()
    assert [each.title for each in shelf.runbooks()] == ["First, changed", "Second"]
    (tmp_path / "a.md").unlink()
    await shelf.refresh()
    assert [each.title for each in shelf.runbooks()] == ["Second"]


async def test_a_shelf_follows_the_folders_that_are_declared(tmp_path: Path) -> None:
    folders = [tmp_path / "one"]
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.md").write_text(f"# {name}\n", "utf-8")
    shelf = Shelf(lambda: folders)
    folders.append(tmp_path / "two")
    await shelf.refresh()
    assert [each.title for each in shelf.runbooks()] == ["one", "two"]
    del folders[0]
    await shelf.refresh()
    assert [each.title for each in shelf.runbooks()] == ["two"]


async def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# First\n", "utf-8")
    shelf = Shelf(lambda: [tmp_path])
    first = shelf.runbooks()[0]
    (tmp_path / "b.md").write_text("# Second\n", "utf-8")
    await shelf.refresh()
    assert [each.title for each in shelf.runbooks()] == ["First", "Second"]
    assert shelf.runbooks()[0] is first


def test_hidden_folders_and_those_of_packages_are_left_out(tmp_path: Path) -> None:
    for name in (".git", "node_modules", "kept"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.md").write_text(f"# {name}\n", "utf-8")
    assert [each.title for each in load_library([tmp_path]).runbooks] == ["kept"]
