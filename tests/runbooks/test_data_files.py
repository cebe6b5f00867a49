"""What lies beside the runbooks is loaded, bounded, and told where it cannot be used."""

from pathlib import Path

import pytest

from stationmaster.runbooks.data_files import context_for, load_context
from stationmaster.runbooks.library import load_file, load_library
from stationmaster.runbooks.read.context import ReadingContext

INCLUDE = "{% include contact.html slack=team-1-slack name=team-1-name %}"
CAPTURE = "{% capture team-1-slack %}{{ site.data[site.target].oss-contacts.contacts.team-1.slack }}{% endcapture %}\n"
RUNBOOK = f"{CAPTURE}\n1. Escalate to level 2: {INCLUDE}.\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def jekyll(folder: Path) -> Path:
    write(folder / "_data" / "ibm" / "oss-contacts.yml", "contacts:\n  team-1: {name: Ada Example, slack: '@ada'}\n")
    write(folder / "_includes" / "guide.md", "1. Never a runbook.\n")
    write(folder / "_config.yml", "baseurl: /docs\n")
    return write(folder / "a" / "x.md", RUNBOOK)


def test_jekylls_layout_is_loaded(tmp_path: Path) -> None:
    jekyll(tmp_path)
    context, told = load_context(tmp_path)
    assert told == ()
    assert (context.target, context.site, context.includes) == (
        "ibm",
        {"baseurl": "/docs"},
        {"guide.md": "1. Never a runbook.\n"},
    )
    assert context.data == {"ibm": {"oss-contacts": {"contacts": {"team-1": {"name": "Ada Example", "slack": "@ada"}}}}}


def test_a_library_reads_its_runbooks_against_it(tmp_path: Path) -> None:
    jekyll(tmp_path)
    library = load_library([tmp_path])
    assert library.diagnostics == ()
    assert [
        (each.name, each.slack, each.known) for runbook in library.runbooks for each in runbook.knowledge.contacts
    ] == [("Ada Example", "@ada", True)]


def test_a_single_file_finds_the_data_above_it(tmp_path: Path) -> None:
    runbook, told = load_file(jekyll(tmp_path))
    assert runbook is not None
    assert runbook.knowledge.contacts[0].slack == "@ada"
    assert told == ()


def test_changed_data_changes_a_library_that_is_known(tmp_path: Path) -> None:
    jekyll(tmp_path)
    before = load_library([tmp_path])
    write(tmp_path / "_data" / "ibm" / "oss-contacts.yml", "contacts:\n  team-1: {name: Grace, slack: '@grace'}\n")
    after = load_library([tmp_path], before)
    assert [each.slack for runbook in after.runbooks for each in runbook.knowledge.contacts] == ["@grace"]


def test_our_own_form_names_the_levels_of_a_ladder(tmp_path: Path) -> None:
    write(tmp_path / "contacts.yaml", "contacts:\n  keys-team: {name: Keys team, slack: '#keys'}\n  other: nobody\n")
    write(tmp_path / "links.yaml", "portal: https://portal.example\n")
    path = write(tmp_path / "x.md", "## Escalation\n\n### Escalate to level 2 (Keys team) if:\n- down > 5 minutes\n")
    runbook, _ = load_file(path)
    assert runbook is not None
    assert [(each.name, each.slack, each.line, each.key) for each in runbook.knowledge.contacts] == [
        ("Keys team", "#keys", 3, "keys-team")
    ]
    assert context_for(path).links == {"portal": {"link": "https://portal.example"}}


@pytest.mark.parametrize(
    ("name", "text"),
    [("contacts.yaml", "a: [b"), ("_data/x.json", "{"), ("_data/y.yml", "a: &a [*a, *b]"), ("links.yml", "\t- x")],
)
def test_a_broken_file_is_told_and_the_rest_is_loaded(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path / name, text)
    write(tmp_path / "_data" / "good.yml", "a: 1\n")
    context, told = load_context(tmp_path)
    assert [(each.code, Path(each.origin.file).name) for each in told] == [("runbook-data", Path(name).name)]
    assert context.data["good"] == {"a": 1}


def test_nothing_outside_of_the_folder_is_read(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.yml", "password: x\n")
    home = tmp_path / "home"
    write(home / "x.md", "1. Go.\n")
    (home / "_data").mkdir()
    (home / "_data" / "leak.yml").symlink_to(secret)
    (home / "contacts.yaml").symlink_to(secret)
    context, told = load_context(home)
    assert (context.data, context.contacts) == ({}, {})
    assert [each.code for each in told] == ["runbook-data"]


def test_a_folder_without_data_is_read_without(tmp_path: Path) -> None:
    assert load_context(tmp_path) == (ReadingContext(), ())
    (tmp_path / "_data").mkdir()
    write(tmp_path / "_data" / "big.yml", "a: " + "x" * 1_100_000)
    assert [each.code for each in load_context(tmp_path)[1]] == ["runbook-data"]
