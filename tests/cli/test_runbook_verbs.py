"""`runbook read|list|match|lint` at their entrances: answers, exit statuses, and refusals that say what to do."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from stationmaster.cli.main import app

OWN = Path(__file__).parents[2] / "runbooks"
RIGHT = (
    "---\nowner: Keys\nnext_review: 2099-01-01\nalert: Down\nservice: keys\n---\n\n# It is down\n\n1. Run `ls -l`.\n"
)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["runbook", *map(str, arguments)], env={"COLUMNS": "160", "TERM": "dumb"})


def answer(*arguments: object) -> Any:
    return json.loads(run(*arguments).stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One good runbook among files that are none."""
    (tmp_path / "good.md").write_text(RIGHT)
    (tmp_path / "binary.md").write_bytes(b"\x00\xff\x00")
    (tmp_path / "large.md").touch()
    os.truncate(tmp_path / "large.md", 50_000_000)
    (tmp_path / "broken.md").write_text(
        '---\ntitle: a: "b\n---\n# B\n\n1. x\n   ```bash {risk=none}\n   ls -l\n   ```\n'
    )
    (tmp_path / "dangling.md").symlink_to("nowhere")
    return tmp_path


@pytest.mark.parametrize(
    "verb",
    ["read", "list", "match", "lint", "plan", "run", "resume", "runs", "transcript", "approve", "approver new"],
)
def test_every_verb_has_help_with_examples(verb: str) -> None:
    result = run(*verb.split(), "--help")
    assert result.exit_code == 0
    assert "Example" in result.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "is a folder"),
        ("missing.md", "there is no file"),
        ("binary.md", "no UTF-8 text"),
        ("large.md", "larger than 4000000 bytes"),
        ("dangling.md", "there is no file"),
    ],
)
def test_read_says_what_is_wrong_with_a_file_and_what_to_do(folder: Path, name: str, said: str) -> None:
    result = run("read", folder / name)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "hint: " in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_told(folder: Path) -> None:
    (folder / "good.md").chmod(0)
    assert "Permission denied" in run("read", folder / "good.md").stderr


def test_a_broken_runbook_is_shown_with_its_problems(folder: Path) -> None:
    result = run("read", folder / "broken.md")
    assert result.exit_code == 0
    assert "ls -l" in result.stdout
    assert "[attribute-value]" in result.stderr
    assert "[front-matter]" in result.stderr


STEPS = """\
# Steps

1. `ls -l`
2. Empty the log
   ```bash
   truncate -s 0 /var/log/thelongestnameofalogfilethatanybodyhaseverseenonanymachineatallandsomewhatlonger.log
   ```
3. If customers complain, tell them.
4. Tell the others.
"""


def test_read_says_everything_once_and_cuts_nothing(tmp_path: Path) -> None:
    (tmp_path / "steps.md").write_text(STEPS)
    result = CliRunner().invoke(app, ["runbook", "read", str(tmp_path / "steps.md")], env={"COLUMNS": "80"})
    shown = "".join(result.stdout.split())
    assert "…" not in shown
    assert result.stdout.count("ls -l") == 1
    assert "change:`truncate`" in shown or "destroy:`truncate`" in shown
    assert result.stdout.count("If customers complain") == 2
    assert "a person judges" in " ".join(result.stdout.split())
    assert result.stdout.count("why:") == 1


def test_a_misspelt_file_is_answered_with_the_one_that_is_there(folder: Path) -> None:
    for verb in ("read", "plan", "run"):
        assert f"did you mean {folder / 'good.md'}?" in run(verb, folder / "god.md").stderr


@pytest.mark.parametrize("verb", ["plan", "run"])
def test_a_document_without_a_step_is_not_run(tmp_path: Path, verb: str) -> None:
    (tmp_path / "empty.md").write_text("")
    result = run(verb, tmp_path / "empty.md")
    assert result.exit_code == 2
    assert "[no-steps]" in result.stderr


def test_a_value_that_fills_nothing_is_told_with_the_places_that_there_are(tmp_path: Path) -> None:
    (tmp_path / "book.md").write_text("# Book\n\n1. Run `cat <file-name>`.\n")
    wrong = run("plan", tmp_path / "book.md", "--set", "filename=x")
    assert "--set filename fills no place of this runbook; its places: file_name" in wrong.stderr
    assert "values can be given: --set file_name=…" in wrong.stdout
    assert run("plan", tmp_path / "book.md", "--set", "file-name=x").stderr == ""


def test_read_as_json_is_the_documented_document() -> None:
    document = answer("read", OWN / "store-full.md", "--json")
    assert document["format"] == "stationmaster.runbook/1"
    assert "destroy" in {step["risk"] for step in document["steps"]}
    assert document["knowledge"]["thresholds"][0]["value"] == 90


def test_read_tells_knowledge_with_its_lines() -> None:
    text = run("read", OWN / "gateway-node-down.md").stdout
    assert "GatewayNodeDown" in text
    for title in ("Escalation", "Messages", "Tasks", "Contacts"):
        assert f"\n{title}\n" in text


def test_read_writes_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert run("read", OWN / "doctor-down.md", "--html", page).exit_code == 0
    assert page.read_text("utf-8").startswith("<!doctype html>")
    refused = run("read", OWN / "doctor-down.md", "--html", tmp_path / "no" / "page.html")
    assert refused.exit_code == 1
    assert "cannot-write" in refused.stderr


def test_list_shows_what_can_be_read_and_tells_the_rest(folder: Path) -> None:
    rows = {Path(row["file"]).name: row for row in answer("list", folder, "--json")}
    assert {name for name, row in rows.items() if row["usable"]} == {"good.md"}
    assert all(row["problems"] for name, row in rows.items() if name != "good.md")
    good = rows["good.md"]
    assert (good["title"], good["service"], good["alerts"], good["owner"]) == ("It is down", "keys", ["Down"], "Keys")
    assert (good["steps"], good["risk"], good["next_review"], good["overdue"]) == (1, "read", "2099-01-01", False)
    assert "It is down" in run("list", folder).stdout


def test_a_list_in_a_pipe_keeps_every_name_on_its_line() -> None:
    result = CliRunner().invoke(app, ["runbook", "list", str(OWN)], env={"COLUMNS": "40"})
    lines = result.stdout.splitlines()
    assert sorted(line.split()[0] for line in lines[1::2]) == sorted(str(path) for path in OWN.glob("*.md"))
    assert max(map(len, lines)) > 80


def test_list_refuses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    result = run("list", tmp_path / "none")
    assert result.exit_code == 1
    assert "no-such-path" in result.stderr


def test_match_finds_the_one_with_its_reason_and_the_runners_up() -> None:
    report = answer("match", "--alert", "name=ServiceInstanceDown", "--label", "service=doctor", OWN, "--json")
    assert report["result"] == "match"
    assert [Path(row["file"]).name for row in report["matches"]] == ["doctor-down.md"]
    assert report["why"] == "it names the alert ServiceInstanceDown and the service doctor"
    keys = run("match", "--alert", "ServiceInstanceDown", "--label", "service=api_key_service", OWN)
    assert keys.exit_code == 0
    assert "Key service instance is down" in keys.stdout
    assert "runners-up" in keys.stdout


ANSWERING = sorted(path.stem for path in OWN.glob("*.md") if "\ntype: procedure" not in path.read_text("utf-8"))


@pytest.mark.parametrize("name", ANSWERING)
def test_each_of_our_own_runbooks_is_found_by_its_own_alert(name: str) -> None:
    """One that names no service answers for those that have none of their own."""
    matching = answer("read", OWN / f"{name}.md", "--json")["match"]
    service = matching["service"] or "somebodys"
    report = answer("match", "--alert", matching["alerts"][0], "--label", f"service={service}", OWN, "--json")
    assert [Path(row["file"]).stem for row in report["matches"]] == [name]


def test_match_ends_with_three_for_none_and_four_for_several(folder: Path) -> None:
    assert run("match", "--alert", "Other", "--label", "service=other", folder).exit_code == 3
    (folder / "again.md").write_text(RIGHT)
    result = run("match", "--alert", "Down", "--label", "service=keys", folder)
    assert result.exit_code == 4
    assert "answer it equally well" in result.stdout


@pytest.mark.parametrize(
    "labels",
    [
        {"alertname": "Down", "service": "keys"},
        {"labels": {"alertname": "Down", "service": "keys"}, "annotations": {"summary": "x"}},
        {"alerts": [{"labels": {"alertname": "Down", "service": "keys"}}], "version": "4"},
    ],
)
def test_match_takes_labels_from_a_file(folder: Path, labels: dict[str, object]) -> None:
    (folder / "alert.json").write_text(json.dumps(labels))
    assert answer("match", "--labels", folder / "alert.json", folder, "--json")["result"] == "match"


def test_match_takes_labels_from_standard_input(folder: Path) -> None:
    asked = ["runbook", "match", "--labels", "-", str(folder), "--json"]
    result = CliRunner().invoke(app, asked, input='{"alertname": "Down", "service": "keys"}')
    assert json.loads(result.stdout)["result"] == "match"


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "3", '{"labels": 3}', ""])
def test_match_refuses_labels_that_are_none(folder: Path, text: str) -> None:
    (folder / "alert.json").write_text(text)
    result = run("match", "--labels", folder / "alert.json", folder)
    assert result.exit_code == 1
    assert "bad-labels" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["--label", "nothing"], ["--labels", "/nowhere.json"]])
def test_match_says_what_it_needs(folder: Path, arguments: list[str]) -> None:
    result = run("match", *arguments, folder)
    assert result.exit_code == 1
    assert "hint: " in result.stderr


def test_lint_ends_with_zero_one_or_two(folder: Path, tmp_path: Path) -> None:
    assert run("lint", folder / "good.md").exit_code == 0
    assert run("lint", folder).exit_code == 1
    assert run("lint", tmp_path / "none").exit_code == 2
    (folder / "warned.md").write_text(RIGHT.replace("1. Run `ls -l`.", "```bash\nfrobnicate\n```"))
    assert run("lint", folder / "warned.md").exit_code == 0
    assert run("lint", folder / "warned.md", "--strict").exit_code == 1
    (folder / ".stationmaster-lint.yaml").write_text("colour: red\n")
    refused = run("lint", folder / "good.md")
    assert refused.exit_code == 2
    assert "lint-settings" in refused.stderr


def test_lint_speaks_every_format(folder: Path) -> None:
    assert answer("lint", folder, "--format", "json")["errors"] == 5
    assert answer("lint", folder, "--format", "sarif")["version"] == "2.1.0"
    assert "::error file=" in run("lint", folder, "--format", "github").stdout
    assert "[SM101 unreadable]" in run("lint", folder).stdout


def test_lint_finds_programs_that_are_not_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    assert "SM302" in run("lint", folder / "good.md", "--on-path").stdout
    assert "SM302" not in run("lint", folder / "good.md").stdout


def test_lint_knows_the_alerts_of_given_rules(folder: Path) -> None:
    (folder / "rules.yml").write_text("groups:\n- rules:\n  - alert: Nobody\n    expr: up\n")
    result = run("lint", folder / "good.md", "--alerts", folder / "rules.yml")
    assert result.exit_code == 1
    assert "rules.yml:3: error: no runbook answers the alert Nobody" in result.stdout
