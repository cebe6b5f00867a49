"""`review` and its verbs, against a control plane that serves the review of one incident."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stationmaster.cli.review import verbs
from stationmaster.incidents.review.worked import AfterTask, Work
from tests.api.only_reviews import control
from tests.incidents.review.test_proposals import IN_A_LIST, UNJUDGED, worked

VERBS = [
    *(["list"], ["show"], ["write"], ["finish"], ["tasks"], ["stats"], ["proposals"]),
    *(["task", "done"], ["task", "reopen"], ["task", "assign"], ["task", "due"], ["task", "add"]),
]
DURATIONS = ("detected", "acknowledged", "mitigated", "resolved")
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def work_in(folder: Path) -> Work:
    """One run whose file is in a folder of this machine."""
    file = folder / "books" / "queue.md"
    file.parent.mkdir(exist_ok=True)
    file.write_text(IN_A_LIST, "utf-8")
    (run,) = worked(UNJUDGED).runs
    tasks = (AfterTask(text="Tell [customers]", due_s=3600),)
    digest = hashlib.sha256(IN_A_LIST.encode()).hexdigest()
    standing = replace(run.file, root=str(folder), path="books/queue.md", file=str(file), tasks=tasks, digest=digest)
    return Work(runs=(replace(run, file=standing),))


@pytest.fixture
def state(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Path]:
    with control(tmp_path, free_port(), work_in(tmp_path)):
        yield tmp_path


def run(state: Path, *arguments: str, status: int = 0, given: str | None = None) -> str:
    done = CliRunner().invoke(verbs, [*arguments, "--state", str(state)], input=given)
    assert done.exit_code == status, done.output
    return done.output


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_has_help_with_an_example(verb: list[str]) -> None:
    done = CliRunner().invoke(verbs, [*verb, "--help"])
    assert done.exit_code == 0
    assert "Example" in done.output


def test_a_review_is_read_written_and_finished(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "draft" in run(state, "list")
    assert run(state, "show", "1").startswith("version 1 by stationmaster, not finished, 2 task(s)\n# Review of")
    assert run(state, "write", "1", "-", given="what we know\n") == "version 2 of the review of #1 stands\n"
    monkeypatch.setenv("VISUAL", "sed -i s/know/learned/")
    assert run(state, "write", "1", "--edit") == "version 3 of the review of #1 stands\n"
    assert run(state, "show", "1", "--markdown") == "what we learned\n"
    assert run(state, "write", "1", "--edit") == "nothing was changed\n"
    assert len(json.loads(run(state, "show", "1", "--json"))["versions"]) == 3
    assert run(state, "show", "1", "--draft").startswith("# Review of incident #1")
    assert run(state, "finish", "1", "-r", "said") == "#1 is reviewed; 1 task(s) are left to do\n"
    assert "finished by lin" in run(state, "list")
    assert run(state, "list", "--unfinished") == "no reviews\n"


def test_an_editor_that_fails_leaves_everything_as_it_was(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "false")
    assert "editor-failed" in run(state, "write", "1", "--edit", status=1)
    assert "no-text" in run(state, "write", "1", status=1)
    assert "no-text" in run(state, "write", "1", "file.md", "--edit", status=1)
    assert len(json.loads(run(state, "show", "1", "--json"))["versions"]) == 1


def test_tasks_are_listed_given_moved_done_and_added(state: Path) -> None:
    listed = run(state, "tasks")
    assert "Tell [customers]" in listed
    (task,) = [each for each in json.loads(run(state, "tasks", "--json"))["tasks"] if "Tell" in each["text"]]
    number = str(task["id"])
    assert "manager" in run(state, "task", "assign", number, "manager")
    assert "due 2027-01-05" in run(state, "task", "due", number, "2027-01-05T12:00")
    assert f"task {number} of #1: done by lin" in run(state, "task", "done", number)
    assert "Tell" not in run(state, "tasks", "1")
    assert "done by lin" in run(state, "tasks", "--all")
    assert "open" in run(state, "task", "reopen", number)
    made = json.loads(run(state, "task", "add", "1", "raise the limit", "--due", "+3d", "--json"))
    assert (made["owner"], made["text"]) == ("lin", "raise the limit")
    assert "unknown-task" in run(state, "task", "done", "99", status=1)
    assert run(state, "tasks", "--owner", "nobody") == "no tasks\n"


def test_durations_are_a_table_with_a_line_over_time(state: Path) -> None:
    shown = run(state, "stats", "--since", "3650d", "--by", "service")
    rows = [line.split() for line in shown.splitlines()]
    said = {row[row.index(name)]: row[row.index(name) + 1 :] for row in rows for name in DURATIONS if name in row}
    assert said["detected"][:7] == ["1", *("2.0", "s") * 3]
    assert said["acknowledged"] == ["0", "–", "–", "–"]
    assert said["resolved"][:13] == ["1", *("1", "min", "1", "s") * 3]
    assert said["resolved"][13:] == ["▁"]
    found = json.loads(run(state, "stats", "--since", "3650d", "--by", "month", "--json"))
    assert [each["name"] for each in found["groups"]] == ["2026-11"]
    assert "unknown-grouping" in run(state, "stats", "--by", "colour", status=1)


@needs_git
def test_proposals_are_printed_as_a_diff_and_applied_only_on_demand(state: Path) -> None:
    file = state / "books" / "queue.md"
    done = CliRunner().invoke(verbs, ["proposals", "1", "--state", str(state)])
    assert done.stdout.startswith("diff --git a/books/queue.md")
    assert "has no expectation" in done.stderr
    assert file.read_text("utf-8") == IN_A_LIST
    subprocess.run(["git", "apply", "--check", "-"], cwd=state, input=done.stdout.encode(), check=True)
    assert "changed" in run(state, "proposals", "1", "--apply")
    assert '**Expected**: the output should contain "load average".' in file.read_text("utf-8")
    assert "not-applied" in run(state, "proposals", "1", "--apply", status=1)
    assert json.loads(run(state, "proposals", "1", "--json"))["changes"][0]["path"] == "books/queue.md"
