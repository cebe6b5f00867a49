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
    *("escalate", "assign", "raise", "edit", "note", "notes", "merge", "split"),
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
