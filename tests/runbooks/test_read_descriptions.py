"""What a document is about, how grave it is, and what of it is never a step."""

import pytest

from stationmaster.runbooks.read.document import Runbook, SessionKind, StepKind
from stationmaster.runbooks.read.reader import read_runbook


def read(text: str) -> Runbook:
    return read_runbook(text, file="x.md").runbook


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("# A\n\n**Alert**: Down\n**Severity**: P1\n\nThe web is slow.\n\n## Steps\n\n1. Wait.\n", "The web is slow."),
        ("# A\n\n## Step 1\n\n```sh\nls\n```\n\n## Causes\n\n**Symptoms:**\n\n- x\n", ""),
        ("# A\n\n[[_TOC_]]\n\n**Table of Contents**\n\nIt keeps the keys.\n", "It keeps the keys."),
        ("Look at the graph first.\n", ""),
    ],
)
def test_a_description_is_prose_before_the_steps(text: str, description: str) -> None:
    assert read(text).description == description


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("# A\n\n**Severity**: P1\n", "P1"),
        ("# A\n\nSeverity: high\n", "high"),
        ("# A\n\n## Alert Details\n\n- **Severity**: Critical\n", "Critical"),
        ("# A\n\n## Steps\n\n- Severity: of the disk\n", ""),
    ],
)
def test_a_severity_stands_under_the_title_or_among_details(text: str, severity: str) -> None:
    assert read(text).severity == severity


def test_fields_in_one_line_are_read_apart() -> None:
    about = read("# A\n\nOwner: @release-team | Next review: 2026-12-01\n").about
    assert (about.owner, str(about.next_review)) == ("@release-team", "2026-12-01")


def test_tasks_after_an_incident_are_no_steps() -> None:
    text = "# A\n\n1. Wait.\n\n## Post-Incident Actions\n\n### At once\n\n- [ ] Verify that all is stable\n"
    assert [each.address for each in read(text).walk() if each.kind is not StepKind.NOTE] == ["1"]


def test_lists_of_links_are_no_steps() -> None:
    found = list(read("# A\n\n## Docs\n\n* [a](a.md)\n* [b](b.md)\n").walk())
    assert {each.kind for each in found} <= {StepKind.NOTE, StepKind.GROUP}


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("4. Long one:\n\n   ```\n   sleep 3; echo slept\n   ```\n", ["sleep 3", "echo slept"]),
        ("1. This works: `echo one`\n", ["echo one"]),
        ("1. Look:\n\n   ```\n   x = node['a']\n   ```\n", []),
        ("1. Ask:\n\n   ```console\n   topk(5, sum by (a) (b))\n   ```\n", []),
        ("1. Version: `select version();`\n", []),
    ],
)
def test_known_programs_are_commands_and_other_languages_are_none(text: str, commands: list[str]) -> None:
    assert [each.text for step in read(text).walk() for each in step.commands] == commands


def test_a_console_that_a_sentence_opens_takes_the_next_block() -> None:
    text = (
        "1. Run `sudo gitlab-rails console`.\n1. Then:\n\n   ```ruby\n   # find\n   User.find(1)\n   => nil\n   ```\n"
    )
    found = [each for step in read(text).walk() for each in step.commands]
    assert [(each.text, each.session.kind) for each in found[1:]] == [("User.find(1)", SessionKind.CONSOLE)]
    assert found[1].shown == "=> nil"


def test_what_opens_a_prompt_without_one_of_its_own_is_typed_too() -> None:
    found = [
        each
        for step in read("1. Ask:\n\n   ```\n   psql -h DB\n   postgres=# SELECT 1;\n   ```\n").walk()
        for each in step.commands
    ]
    assert [each.text.rstrip(";") for each in found] == ["psql -h DB", "SELECT 1"]


def test_a_numbered_heading_over_a_query_is_done_by_hand() -> None:
    found = list(read("# A\n\n## Step 1: ask\n\n```sql\nSELECT 1;\n```\n\n## Step 2: go\n\n```sh\nls\n```\n").walk())
    assert found[0].kind is StepKind.MANUAL
    assert "SELECT 1" in found[0].original


@pytest.mark.parametrize(("text", "place"), [("echo [NAME F]", "[NAME F]"), ("echo %NAME_G%", "%NAME_G%")])
def test_capitals_in_brackets_are_places(text: str, place: str) -> None:
    steps = read(f"1. Run:\n\n   ```sh\n   {text}\n   ```\n").steps
    assert [each.text for each in steps[0].parameters] == [place]


def test_an_alert_named_among_the_symptoms_is_answered() -> None:
    assert read("# Queue\n\n## Symptoms\n\nThe QueueStuck alert may have fired.\n").match.alerts == ("QueueStuck",)
