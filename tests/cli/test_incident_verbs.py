"""`incident` and its verbs, against a control plane that serves two incidents."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stationmaster.cli.incident import verbs
from tests.api.only_incidents import control

VERBS = [
    *("list", "show", "ack", "unack", "mitigate", "resolve", "reopen", "review", "snooze"),
    *("escalate", "assign", "raise", "edit", "note", "notes", "merge", "split", "update", "updates"),
]


@pytest.fixture
def state(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Path]:
    with control(tmp_path, free_port()):
        yield tmp_path


def run(state: Path, *arguments: str, status: int = 0) -> str:
    done = CliRunner().invoke(verbs, [*arguments, "--state", str(state)])
    assert done.exit_code == status, done.output
    return done.output


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    done = CliRunner().invoke(verbs, [verb, "--help"])
    assert done.exit_code == 0
    assert "Example" in done.output


def test_a_life_at_the_command_line(state: Path) -> None:
    told = [
        run(state, "ack", "1", "-r", "looking"),
        run(state, "note", "1", "the disk is full"),
        run(state, "note", "1", "the disk of db-1 is full", "--edit", "1"),
        run(state, "raise", "1", "customer reports", "-r", "ticket 4711"),
        run(state, "assign", "1", "responder/chief"),
        run(state, "edit", "1", "--priority", "P1"),
        run(state, "snooze", "1", "+2h"),
        run(state, "merge", "2", "1"),
        run(state, "split", "1", "f2"),
        run(state, "mitigate", "1"),
        run(state, "resolve", "1", "-r", "disk replaced"),
        run(state, "review", "1"),
    ]
    assert told[0] == "#1 is acknowledged; acknowledged: looking\n"
    assert told[1:3] == ["note 1 stands on #1\n", "note 1 stands on #1\n"]
    assert "customer reports: ticket 4711" in told[3]
    assert told[-2] == "#1 is resolved; incident #1 resolved — resolved by hand: disk replaced\n"
    assert "before: lin" in run(state, "notes", "1")
    shown = run(state, "show", "1")
    assert "reviewed, critical" in shown
    assert "P1" in shown
    assert json.loads(run(state, "show", "1", "--json"))["priority"] == "P1"
    assert [each["number"] for each in json.loads(run(state, "list", "--status", "open", "--json"))["incidents"]] == [3]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("unack", "1"), "it cannot be unacknowledged: it is triggered"),
        (("ack", "9"), "there is no incident #9"),
        (("snooze", "1", "soon"), "'soon' is no moment"),
        (("edit", "1"), "nothing is to be changed"),
        (("raise", "1", "rain"), "'rain' is no condition to raise"),
    ],
)
def test_a_refusal_is_one_message_with_a_hint(state: Path, arguments: tuple[str, ...], said: str) -> None:
    told = run(state, *arguments, status=1)
    assert said in told
    assert "hint:" in told


def test_an_update_is_drafted_given_in_own_words_and_listed(state: Path) -> None:
    draft = run(state, "update", "1", "--draft")
    assert "Draft (investigating; owed at" in draft
    assert "We are investigating a problem with our services." in draft
    assert "no updates; the next one is owed at" in run(state, "updates", "1")
    assert run(state, "update", "1", "--status", "identified", "-m", "a disk is full") == (
        "update of #1 given, identified\na disk is full\n"
    )
    assert "triggered, critical, since" in run(state, "update", "1")
    told = json.loads(run(state, "updates", "1", "--json"))
    assert [(each["status"], each["by"]) for each in told["updates"]] == [("identified", "lin"), ("identified", "lin")]
    shown = run(state, "updates", "1")
    assert "identified, lin\n  a disk is full" in shown


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-m", "x", "--edit"), "exclude each other"),
        (("--draft", "-m", "x"), "exclude each other"),
        (("--status", "fine"), "an update has no status 'fine'"),
        (("--public", "-m", "x", "--anyway"), "there is no status page"),
    ],
)
def test_updates_that_cannot_be_given_say_why(state: Path, arguments: tuple[str, ...], told: str) -> None:
    assert told in " ".join(run(state, "update", "1", *arguments, status=1).split())
    assert json.loads(run(state, "updates", "1", "--json"))["updates"] == []


def test_a_draft_is_changed_in_the_editor_and_nothing_is_sent_where_it_is_emptied(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/^triggered, critical.*/half of the calls fail/' \"$1\"\n", "utf-8")
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    assert "half of the calls fail" in run(state, "update", "1", "--edit")
    editor.write_text('#!/bin/sh\n: > "$1"\n', "utf-8")
    assert "nothing was written" in run(state, "update", "1", "--edit", status=1)
    [given] = json.loads(run(state, "updates", "1", "--json"))["updates"]
    assert given["text"].startswith("half of the calls fail\n")
    assert "# Lines" not in given["text"]
