import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from stationmaster.cli.main import app
from stationmaster.cli.runbook_input import read_data, read_labels
from stationmaster.cli.runbook_work import EXIT_STATUS
from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.run import Outcome
from tests.runbooks.terminal.pseudo_terminal import LIMIT_S, STM, environment

BOOK = """\
# Make room

1. See what is there:

   ```sh
   cat <file>
   ```

   The output contains `full`.

2. Make room:

   ```sh
   echo empty > <file>
   ```

3. Check it:

   ```sh
   cat <file>
   ```

   The output contains `empty`.
"""
HAND = BOOK + "\n4. Tell the team that it is done.\n"
DESTROY = "# Clear away\n\n1. Remove it:\n\n   ```sh\n   rm -r volume\n   ```\n"

Run = Callable[..., subprocess.CompletedProcess[str]]
Here = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    (made / "disk").write_text("full\n")
    (made / "book.md").write_text(BOOK)
    return made


@pytest.fixture
def stm(folder: Path) -> Run:
    def run(*arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(STM), "runbook", *arguments],
            env=environment(folder.parent, **env),
            cwd=folder,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    return run


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    """The same within this process, for what never gets as far as a run."""
    monkeypatch.chdir(folder)
    for name, value in environment(folder.parent).items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: CliRunner().invoke(app, ["runbook", *arguments])


def public(made: subprocess.CompletedProcess[str]) -> str:
    """The public key in what `approver new` printed."""
    [line] = yaml.safe_load(made.stdout)
    return str(line["key"])


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_dry_run_shows_values_their_sources_and_what_would_ask_and_does_nothing(folder: Path, stm: Run) -> None:
    shown = stm("run", "book.md", "--set", "file=disk", "--dry-run")
    assert shown.returncode == 0
    for told in ("$ cat disk", "<file> = disk: --set file", "$ echo empty > disk", "change", "2 would ask"):
        assert told in shown.stdout
    planned = json.loads(stm("plan", "book.md", "--labels", "-", "--json", stdin="file: disk").stdout)
    assert [step["risk"] for step in planned["steps"]] == ["read", "change", "read"]
    assert planned["steps"][0]["places"][0]["source"] == "label"
    assert (folder / "disk").read_text() == "full\n"
    assert not (folder.parent / "state").exists()


def test_without_a_terminal_a_run_stops_where_a_person_is_needed_and_goes_on_with_answers(
    folder: Path, stm: Run
) -> None:
    stopped = stm("run", "book.md", "--set", "file=disk", "--json")
    assert stopped.returncode == 3
    told = lines(stopped)
    assert [each["event"] for each in told][:2] == ["opened", "began"]
    [question] = [each for each in told if each["event"] == "question"]
    assert (question["ask"], question["answered"], question["step"]) == ("approval", False, "2")
    assert told[-1]["outcome"] == "stopped"
    assert f"runbook resume {told[0]['run']}" in stopped.stderr
    (folder / "answers.yaml").write_text(f"approvals:\n- {{step: '2', named: '{question['named']}'}}\n")
    done = stm("resume", told[0]["run"], "--answers", "answers.yaml", "--json")
    assert done.returncode == 0, done.stderr
    assert lines(done)[0]["resumed"] is True
    assert lines(done)[-1]["outcome"] == "cured"
    assert (folder / "disk").read_text() == "empty\n"


def test_yes_allows_a_change_in_plain_lines(folder: Path, stm: Run) -> None:
    done = stm("run", "book.md", "--set", "file=disk", "--yes")
    assert done.returncode == 0, done.stderr
    assert "3 passed: contains 'empty'" in done.stdout
    assert "\x1b" not in done.stdout
    assert (folder / "disk").read_text() == "empty\n"


def test_a_diagnosis_changes_nothing(folder: Path, stm: Run) -> None:
    done = stm("run", "book.md", "--set", "file=disk", "--read-only", "--yes")
    assert done.returncode in {0, 1}, done.stderr
    assert (folder / "disk").read_text() == "full\n"


def test_labels_may_be_given_one_by_one(folder: Path, stm: Run) -> None:
    (folder / "labels.yaml").write_text("file: other\ninstance: a\n")
    done = stm("plan", "book.md", "--labels", "labels.yaml", "--label", "file=disk", "--json")
    shown = json.loads(done.stdout)
    places = [place for step in shown["steps"] for place in step["places"]]
    assert {(each["value"], each["source"]) for each in places} == {("disk", "label")}, places
    broken = stm("plan", "book.md", "--label", "file")
    assert (broken.returncode, "--label 'file' names no value" in broken.stderr) == (2, True)


def test_an_open_run_is_given_up_only_when_that_is_said(folder: Path, stm: Run) -> None:
    assert stm("run", "book.md", "--set", "file=disk").returncode == 3
    refused = stm("run", "book.md", "--set", "file=disk")
    assert refused.returncode == 2
    assert "stands open" in refused.stderr
    assert "resume" in refused.stderr
    assert stm("run", "book.md", "--set", "file=disk", "--anew", "--yes").returncode == 0


def test_a_value_that_nobody_gives_needs_a_person(stm: Run) -> None:
    stopped = stm("run", "book.md")
    assert stopped.returncode == 3
    assert "<file>" in stopped.stdout


def test_a_step_by_hand_is_answered_from_the_file(folder: Path, stm: Run) -> None:
    (folder / "book.md").write_text(HAND)
    (folder / "answers.yaml").write_text("values: {file: disk}\nmanual:\n- {step: '4', verdict: passed, why: told}\n")
    done = stm("run", "book.md", "--yes", "--answers", "answers.yaml", "--json")
    assert done.returncode == 0, done.stdout[-2000:]
    [ended] = [each for each in lines(done) if each["event"] == "ended" and each["step"] == "4"]
    assert ended["verdict"] == "passed"


def test_yes_never_covers_what_destroys(folder: Path, stm: Run) -> None:
    (folder / "volume").mkdir()
    (folder / "book.md").write_text(DESTROY)
    assert stm("run", "book.md", "--yes").returncode == 3
    assert (folder / "volume").exists()


def test_what_destroys_waits_for_a_code_across_processes(folder: Path, stm: Run) -> None:
    (folder / "volume").mkdir()
    (folder / "book.md").write_text(DESTROY)
    (folder / "secret").write_text("sesame\n")
    elsewhere = {"XDG_CONFIG_HOME": str(folder.parent / "another machine")}
    made = stm("approver", "new", "grace", "--passphrase-file", "secret", **elsewhere)
    assert stm("approver", "add", "grace", public(made)).returncode == 0
    stopped = stm("run", "book.md", "--json")
    [question] = [each for each in lines(stopped) if each["event"] == "question"]
    yes = ("--named", question["named"], "--passphrase-file", "secret")
    code = stm("approve", question["request"], *yes, **elsewhere).stdout.strip()
    answer = f"approvals:\n- {{step: '1', named: '{question['named']}', code: {code}}}\n"
    (folder / "answers.yaml").write_text(answer)
    done = stm("resume", "last", "--answers", "answers.yaml", "--json")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert [each["by"] for each in lines(done) if each["event"] == "ended"] == ["grace"]
    assert not (folder / "volume").exists()


def test_nobody_is_their_own_second_person(folder: Path, stm: Run) -> None:
    (folder / "book.md").write_text(DESTROY)
    made = stm("approver", "new", "grace", "--no-passphrase", "--login", "ada")
    assert stm("approver", "add", "grace", public(made), "--login", "ada").returncode == 0
    for by, why in (("ada", "another person"), ("ben", "no second person")):
        stopped = stm("run", "book.md", "--json", "--by", by, "--host", by)
        [question] = [each for each in lines(stopped) if each["event"] == "question"]
        code = stm("approve", question["request"], "--named", question["named"]).stdout.strip()
        (folder / "answers.yaml").write_text(
            f"approvals:\n- {{step: '1', named: '{question['named']}', code: {code}}}\n"
        )
        again = stm("resume", lines(stopped)[0]["run"], "--answers", "answers.yaml", "--json", "--by", by)
        assert again.returncode == 3
        assert why in lines(again)[-1]["why"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("run", "nowhere.md"), "no-such-path"),
        (("run", "book.md", "--set", "novalue"), "value-broken"),
        (("run", "book.md", "--labels", "nowhere"), "labels-unreadable"),
        (("run", "book.md", "--answers", "nowhere"), "answers-unreadable"),
        (("run", "book.md", "--policy", "nowhere"), "policy-unreadable"),
        (("resume", "nothing"), "run-unknown"),
    ],
)
def test_what_is_refused_before_it_begins_ends_with_2_and_a_hint(
    here: Here, arguments: tuple[str, ...], code: str
) -> None:
    refused = here(*arguments)
    assert refused.exit_code == 2
    assert f"[{code}]" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("approve", "stm-request-1.xx.yy"), "request-broken"),
        (("approver", "add", "x", "y"), "approver-key-broken"),
        (("approver", "add", "x", "ed25519:" + "A" * 43, "--until", "soon"), "day-broken"),
        (("approver", "list"), "approvers-unreadable"),
        (("approver", "remove", "x"), "approvers-unreadable"),
        (("approver", "new", "x"), "passphrase-wanted"),
        (("transcript", "last"), "run-unknown"),
    ],
)
def test_other_refusals_say_what_to_do(here: Here, arguments: tuple[str, ...], code: str) -> None:
    refused = here(*arguments)
    assert refused.exit_code == 1
    assert f"[{code}]" in refused.stderr
    assert "hint:" in refused.stderr


def test_a_run_is_told_in_three_forms(folder: Path, stm: Run) -> None:
    assert stm("run", "book.md", "--set", "file=disk", "--yes").returncode == 0
    note = stm("transcript", "last")
    assert "- Outcome: **cured**" in note.stdout
    document = json.loads(stm("transcript", "last", "--format", "json").stdout)
    assert [end["verdict"] for end in document["ends"]] == ["passed"] * 3
    assert stm("transcript", "last", "--format", "asciicast", "-o", "run.cast").returncode == 0
    header, *frames = [json.loads(line) for line in (folder / "run.cast").read_text().splitlines()]
    assert header["version"] == 2
    assert any("empty" in text for _, _, text in frames)
    [row] = json.loads(stm("runs", "--json").stdout)
    assert (row["run"], row["outcome"]) == (document["run"], "cured")


def test_the_journal_is_for_its_owner_alone(folder: Path, stm: Run) -> None:
    stm("run", "book.md", "--set", "file=disk", "--yes", "--journal", "here/runs.db")
    assert (folder / "here" / "runs.db").stat().st_mode & 0o777 == 0o600
    assert "cured" in stm("runs", "--journal", "here/runs.db").stdout


def test_every_outcome_has_an_exit_status() -> None:
    assert set(EXIT_STATUS) == {outcome.value for outcome in Outcome}


@pytest.mark.parametrize(
    "text",
    [
        "alertname: Down\nport: 80",
        '{"labels": {"alertname": "Down", "port": 80}, "annotations": {}}',
        '{"alerts": [{"labels": {"alertname": "Down", "port": "80"}}]}',
        '{"alerts": [{"labels": {}}, {"labels": {}}], "commonLabels": {"alertname": "Down", "port": "80"}}',
    ],
)
def test_labels_come_in_the_forms_in_which_alerts_come(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels").write_text(text)
    assert read_labels(str(tmp_path / "labels")) == {"alertname": "Down", "port": "80"}


@pytest.mark.parametrize("text", ["- a", "labels: [x]", '{"alerts": [{}, {}]}', "a: {b: c}", "{", "\x00"])
def test_what_holds_no_labels_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels").write_text(text)
    with pytest.raises(PlatformError) as caught:
        read_labels(str(tmp_path / "labels"))
    assert caught.value.hint


def test_data_is_flat(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("links: {grafana: http://g, deep: {er: 1}}\nlevel: true\n")
    assert read_data(tmp_path / "data") == {"links.grafana": "http://g", "links.deep.er": "1", "level": "true"}
