"""The seed runbooks are read completely: every step, command, expectation, edge and wait is where a person finds it."""

from pathlib import Path

import pytest
import yaml
from tools.runbook_score import program_of

from stationmaster.runbooks.read.document import Step
from stationmaster.runbooks.read.reader import read_runbook

EXPECTED = Path(__file__).parent / "expected"
NAMES = sorted(path.stem for path in EXPECTED.glob("*.yaml"))


def row(step: Step) -> dict[str, object]:
    targets = [f" -> {edge.target}" if edge.target else "" for edge in step.edges]
    found: dict[str, object] = {
        "address": step.address,
        "kind": step.kind.value,
        "lines": str(step.lines),
        "instructs": step.instructs,
        "judges": step.judges,
        "wait_s": step.wait_s,
        "commands": [f"{each.lines} {program_of(each.text)}" for each in step.commands],
        "expectations": [f"{each.line} {each.kind.value}" for each in step.expectations],
        "edges": [f"{edge.line} {edge.kind.value}{to}" for edge, to in zip(step.edges, targets, strict=True)],
        "conditions": [each.kind.value for each in step.conditions],
        "actions": [each.action.value for each in step.actions],
        "parameters": [each.name for each in step.parameters if not each.text.startswith("{{")],
    }
    return {key: value for key, value in found.items() if value}


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_is_read_as_a_person_reads_it(seeds: Path, name: str) -> None:
    path = seeds / f"{name}.txt"
    expected = yaml.safe_load((EXPECTED / f"{name}.yaml").read_text())["steps"]
    found = [row(step) for step in read_runbook(path.read_text(), file=path.name).runbook.walk()]
    assert [each["address"] for each in found] == [each["address"] for each in expected]
    for mine, theirs in zip(found, expected, strict=True):
        assert mine == theirs


def test_every_seed_has_its_table(seeds: Path) -> None:
    assert sorted(path.stem for path in seeds.glob("*.txt")) == NAMES
