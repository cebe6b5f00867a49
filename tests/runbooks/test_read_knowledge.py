"""Everything that the seeds say besides their steps is found, on its line, and nothing else."""

from pathlib import Path

import pytest
import yaml

from stationmaster.runbooks.read.reader import read_runbook
from tests.runbooks.knowledge_facts import facts_of

EXPECTED = sorted((Path(__file__).parent / "expected" / "knowledge").glob("*.yaml"))


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda path: path.stem)
def test_a_seed_says_exactly_this(expected: Path, seeds: Path) -> None:
    path = next(seeds.glob(f"{expected.stem}_*.txt"))
    runbook = read_runbook(path.read_text(), file=path.name).runbook
    assert facts_of(runbook) == yaml.safe_load(expected.read_text())


def test_every_seed_has_its_table(seeds: Path) -> None:
    assert {path.name.split("_", 1)[0] for path in seeds.glob("*.txt")} == {path.stem for path in EXPECTED}


def test_phases_and_causes_name_steps_that_are_there() -> None:
    text = (
        "# X\n\n## Immediate Response (0-5 minutes)\n\n1. Run `kubectl get pods`.\n2. Run `kubectl get nodes`.\n\n"
        "## Common Issues\n\n### 1. Full disk\n\n**Symptoms:**\n- no space\n\n**Diagnosis:**\n\n```bash\ndf -h\n```\n\n"
        "**Resolution:**\n\n```bash\njournalctl --vacuum-size=1G\n```\n"
    )
    runbook = read_runbook(text, file="x.md").runbook
    addresses = {step.address: step for step in runbook.walk()}
    phase, cause = runbook.knowledge.phases[0], runbook.knowledge.causes[0]
    assert {command.text for each in phase.steps for step in addresses[each].walk() for command in step.commands} == {
        "kubectl get pods",
        "kubectl get nodes",
    }
    assert facts_of(runbook)["causes"] == [
        {"lines": [10, 25], "symptoms": [13], "diagnosis_commands": [18], "remedy_commands": [24]}
    ]
    assert cause.title == "Full disk"


def test_what_a_document_does_not_say_is_empty() -> None:
    runbook = read_runbook("# Title\n\n1. Look at it.\n", file="x.md").runbook
    assert facts_of(runbook) == {"retired": False}
