"""The verbs that full recovery is made of, logs and consoles, against a control plane with real processes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stationmaster.cli.main import app
from stationmaster.cli.recover import own_runbook
from stationmaster.config import StateDir
from tests.cli.test_service_verbs import asked, said, state  # noqa: F401 a fixture


def test_a_service_is_put_back_to_the_version_that_is_named(state: StateDir) -> None:  # noqa: F811
    for colour in ("blue", "red"):
        done = said(state, "service", "deploy", "api", "--env", f"COLOUR={colour}", "--bake", "0.1")
        assert done.exit_code == 0, done.output
    assert asked(state, "service", "last-good", "api").json_of("version") == 2
    back = said(state, "service", "rollback", "api", "--to", "2", "--reason", "no")
    assert back.exit_code == 0, back.output
    assert back.output.splitlines()[-1].startswith("version 2 rolled-back, 3 of 3 instances run it")
    again = said(state, "service", "rollback", "api", "--to", "2", "--dry-run")
    assert "nothing, it is wanted already" in again.output
    assert "api has no version 9 [unknown-version]" in said(state, "service", "rollback", "api", "--to", "9").output
    never = said(state, "service", "rollback", "api", "--to", "1")
    assert "version 1 of api never stood well [no-good-version]" in never.output
    assert said(state, "wait", "version/api/2", "--for", "wanted").exit_code == 0
    assert said(state, "wait", "version/api/1", "--for", "wanted", "--timeout", "0.1s").exit_code == 1


def test_instances_of_a_service_are_restarted_one_after_the_other(state: StateDir) -> None:  # noqa: F811
    def pids() -> dict[str, int]:
        listed = said(state, "instance", "list", "--json").output
        return {each["name"]: each["pid"] for each in json.loads(listed)}

    before = pids()
    done = asked(state, "service", "restart", "api", "--reason", "leaks")
    assert done.json_of("restarted") == ["a", "b", "c"]
    after = pids()
    assert before.keys() == after.keys() == {"a", "b", "c"}
    assert not before.items() & after.items()
    nothing = said(state, "service", "restart", "api", "--only-down")
    assert (nothing.exit_code, nothing.output) == (0, "nothing was restarted\n")
    unknown = said(state, "service", "restart", "apix")
    assert unknown.exit_code == 1
    assert "nothing runs a service 'apix' here [unknown-service]" in unknown.output


def test_lines_are_found_in_all_logs_and_nothing_found_is_said(state: StateDir) -> None:  # noqa: F811
    with (state.logs / "b.log").open("a", encoding="utf-8") as log:
        log.write("2026-11-21T10:00:00Z it [broke]\n")
    found = asked(state, "logs", "search", "--fixed", "[broke]")
    assert [each["instance"] for each in found.json_of("lines")] == ["b"]
    assert set(found.json_of("searched")) == {"a", "b", "c"}
    shown = said(state, "logs", "search", "IT .brok", "-i", "--instance", "b")
    assert shown.output.endswith("b 2026-11-21T10:00:00Z it [broke]\n")
    assert said(state, "logs", "search", "broke", "--since", "1h").exit_code == 1
    assert "there is no service 'x'" in said(state, "logs", "search", "a", "--service", "x").output
    assert "is no pattern" in said(state, "logs", "search", "(").output


def test_a_console_keeps_its_folder_and_every_line_is_audited(state: StateDir, tmp_path: Path) -> None:  # noqa: F811
    lines = f"cd {tmp_path}\npwd\necho 'two  words'\nexit 7\n"
    argv = ["console", "open", "a", "--reason", "to look", "--state", str(state.root)]
    done = CliRunner().invoke(app, argv, input=lines)
    assert done.output == f"{tmp_path}\ntwo  words\n"
    assert done.exit_code == 7
    audit = said(state, "audit", "--kind", "instance", "--json").output
    assert audit.count("console: to look") == 3 + 1, "the first look, and three lines; the end is none"
    gone = CliRunner().invoke(app, ["console", "open", "nobody", "--state", str(state.root)], input="ls\n")
    assert gone.exit_code == 1
    assert "unknown-instance" in gone.output


def test_a_recovery_shows_its_steps_and_wants_a_yes(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["recover", "api", "--dry-run", "--json"])
    assert shown.exit_code == 0, shown.output
    for line in ("stm service maintenance api on", "stm service restart api --only-down", "--for standing"):
        assert line in shown.output
    refused = CliRunner().invoke(app, ["recover", "api", "--journal", str(tmp_path / "runs.db")])
    assert refused.exit_code == 2
    assert "hint: look with --dry-run, then say --yes" in refused.output


def test_every_change_of_the_recovery_is_verified_and_can_be_taken_back() -> None:
    text = own_runbook().read_text("utf-8")
    changes = [line for line in text.splitlines() if "risk=change" in line]
    assert len(changes) == 6
    assert all("verify=" in each and "rollback=" in each for each in changes)


@pytest.mark.parametrize("of", ["traffic/", "version", "nothing/x"])
def test_what_cannot_be_waited_for_is_named(of: str) -> None:
    refused = CliRunner().invoke(app, ["wait", of, "--for", "open"])
    assert refused.exit_code == 1
    assert "names nothing to wait for" in refused.output
    assert "traffic/SERVICE" in refused.output
