"""The figures of the reader come out of a comparison that cannot flatter it."""

import hashlib
from pathlib import Path

import pytest
from tools.runbook_score import ChangedDocumentError, Mark, compare, main, program_of, score, table, tallies

DOCUMENT = "# T\n\n## Steps\n\n1. Restart it:\n\n   ```bash\n   kubectl get pods\n   ```\n\n2. Look at the logs.\n"


def labelled(folder: Path, labels: str, digest: str = "") -> Path:
    (folder / "corpus").mkdir()
    (folder / "corpus" / "x.md").write_text(DOCUMENT)
    sets = folder / "labels" / "tuning"
    sets.mkdir(parents=True)
    found = digest or hashlib.sha256(DOCUMENT.encode()).hexdigest()
    (sets / "x.yaml").write_text(f"document: x.md\nsha256: {found}\n{labels}")
    return sets / "x.yaml"


def test_hits_misses_and_false_finds_are_counted(tmp_path: Path) -> None:
    labels = "steps: [{line: 5}, {line: 9}]\ncommands: [{lines: 8, program: kubectl}]\nexpectations: []\nedges: []\n"
    found = tallies([score(labelled(tmp_path, labels), tmp_path / "corpus")])
    steps, commands = found["steps"], found["commands"]
    assert (steps.right, steps.found, steps.labelled) == (1, 2, 2)
    assert (commands.right, commands.found, commands.labelled) == (1, 1, 1)


def test_a_changed_document_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ChangedDocumentError, match="label it anew"):
        score(labelled(tmp_path, "steps: []\n", digest="0" * 64), tmp_path / "corpus")


def test_a_command_matches_by_its_line_and_program() -> None:
    found = compare("commands", frozenset({Mark(line=3, name="ls")}), frozenset({Mark(line=3, name="rm")}))
    assert (len(found.both), len(found.missed), len(found.false)) == (0, 1, 1)


def test_an_expectation_may_lie_a_wrapped_line_away_but_matches_once() -> None:
    found = compare(
        "expectations",
        frozenset({Mark(line=4, name="other")}),
        frozenset({Mark(line=3, name="contains"), Mark(line=5, name="other")}),
    )
    assert [(label.line, find.line) for label, find in found.both] == [(5, 4)]
    assert [mark.line for mark in found.missed] == [3]


def test_a_step_has_to_stand_on_its_line() -> None:
    assert not compare("steps", frozenset({Mark(line=4)}), frozenset({Mark(line=3)})).both


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("kubectl get pods", "kubectl"),
        ("sudo -u git ls -l", "ls"),
        ("A=1 B='x y' ./run.sh", "./run.sh"),
        ("NAME=$(kubectl get x)", "NAME"),
        ("NAME=<instance label>", "NAME"),
        ("export A=1", "export"),
        ("sudo -i", "sudo"),
    ],
)
def test_the_program_of_a_statement(text: str, program: str) -> None:
    assert program_of(text) == program


def test_the_table_names_each_set_and_the_list_each_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled(tmp_path, "steps: [{line: 9}]\n")
    arguments = ["--labels", str(tmp_path / "labels"), "--corpus", str(tmp_path / "corpus"), "--show", "x"]
    assert main(arguments) == 0
    told = capsys.readouterr().out
    assert "tuning (1 documents)" in told
    assert "missed steps" in told
    assert "false  commands" in told


def test_without_documents_it_says_where_to_put_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--corpus", str(tmp_path / "none")]) == 2
    assert "--corpus" in capsys.readouterr().err


def test_an_empty_set_has_no_percentages() -> None:
    assert all("-" in line for line in list(table("none", []))[2:])
