"""What makes a block a step besides its own words: its place below headings, lists, fences and announcements."""

import pytest

from stationmaster.runbooks.read.document import Step
from stationmaster.runbooks.read.reader import read_runbook

ITEM_WITH_PARAGRAPHS = """# T

## Steps

1. Look at it.

   ```bash
   kubectl get clf -o yaml
   ```

   Review the conditions and correct the spec.

2. **Grow the disk**:

   a. Check the class:

      ```bash
      kubectl get storageclass
      ```

   b. Edit the claim:

      ```bash
      kubectl edit pvc data
      ```
"""


def steps_of(text: str) -> list[Step]:
    return list(read_runbook(text, file="x.md").runbook.walk())


def told(text: str) -> list[int]:
    return [each.lines.first for each in steps_of(text) if each.instructs]


def in_steps(body: str) -> str:
    return f"# T\n\n## Steps\n\n{body}\n"


def test_paragraphs_of_an_item_after_its_code_and_lettered_ones_are_steps_of_their_own() -> None:
    found = steps_of(ITEM_WITH_PARAGRAPHS)
    assert {11, 15, 21} <= {each.lines.first for each in found if each.instructs}
    own = {each.lines.first: [command.text for command in each.commands] for each in found}
    assert own[5] == ["kubectl get clf -o yaml"]
    assert own[15] == ["kubectl get storageclass"]
    assert own[21] == ["kubectl edit pvc data"]


def test_what_the_code_of_an_item_should_show_stays_with_the_item() -> None:
    text = in_steps("1. Look.\n\n   ```bash\n   ls\n   ```\n\n   Verify that the output contains 'x'.")
    [item] = [each for each in steps_of(text) if each.commands]
    assert [each.value for each in item.expectations] == ["x"]
    assert item.children == ()


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("It shows what is there.\n\n```bash\nls\n```", []),
        ("To list them:\n\n```bash\nls\n```", [5]),
        ("The controller logs this:\n\n```console\n1 drain.go:173] node x: drain failed\n```", []),
        ("Do the following short-term actions:\n\n- Restart the pod.\n- Scale it up.", [7, 8]),
        ("Depending on the version, apply one of the following settings to the resource:\n\n- Set the limit.", [7]),
        ("- TODO: add an instruction\n- [TODO] If it is down, restart it.", [6]),
        ("- To reduce risk, and ease the upgrade, a flag was added.\n- Restart it.", [6]),
        ("- Check the [quotas](q.md) for more details.\n- Check the quotas.", [6]),
        ("- You will need to ready the release.\n- You have to be careful.", [5]),
        ("| What | How |\n|---|---|\n| Find replicas | 3 |\n| Full disk | Delete the oldest logs |", [8]),
    ],
)
def test_what_tells_to_do_something(body: str, lines: list[int]) -> None:
    assert told(in_steps(body)) == lines


def test_a_numbered_list_below_a_numbered_heading_is_a_procedure() -> None:
    text = "# T\n\n## Background\n\n### Step one - write it\n\n1. The author writes it.\n2. The editor reads it.\n"
    text += "\n### Step two - publish it\n\nIt is public then.\n"
    assert told(text) == [5, 7, 8, 10]


def test_how_to_do_something_is_a_procedure_also_below_what_only_describes() -> None:
    assert told("# T\n\n## Background\n\nIt is old.\n\n### How to reset it\n\n1. Stop it.\n2. Start it.\n") == [9, 10]


def test_what_is_good_in_the_long_term_is_no_step_of_the_cure() -> None:
    text = (
        "# T\n\n## Mitigation\n\n### Immediate actions\n\n- Remove the logs.\n\n### Long-term solutions\n\n"
        "- Set up log rotation.\n\nIf it persists, investigate the cause.\n"
    )
    assert told(text) == [7, 13]


def test_what_has_to_be_confirmed_is_expected_of_each_item() -> None:
    text = in_steps("Watch the dashboard to confirm:\n\n- The rate falls.\n- Are there new errors?\n")
    expected = [(each.line, each.value) for step in steps_of(text) for each in step.expectations]
    assert expected == [(7, "The rate falls."), (8, "Are there new errors?")]


@pytest.mark.parametrize(
    ("sentence", "kinds"),
    [
        ("Close the incident when the alert eventually resolves.", ["once"]),
        ("Switch it off so that nobody is paged in the event of an outage.", []),
        ("Write down what would help someone if they get this alert.", []),
        ("If the logs show errors, and the trail shows no change, the cause is outside.", []),
        ("If the logs show errors, restart it.", ["if"]),
        ("If the load goes on growing, you can expect:", []),
    ],
)
def test_what_decides_a_step(sentence: str, kinds: list[str]) -> None:
    found = steps_of(in_steps(f"1. {sentence}\n2. Restart it.\n3. Look at it."))
    assert [edge.kind.value for step in found if step.lines.first == 5 for edge in step.edges] == kinds


@pytest.mark.parametrize(
    ("fence", "commands"),
    [
        (
            "$ sudo su -\n# cd /var/log\n# the next one is long\n# grep x haproxy.log",
            ["sudo su -", "cd /var/log", "grep x haproxy.log"],
        ),
        ("> project = Project.find(1)\n=> #<Project>\n> project.path", []),
    ],
)
def test_prompts_of_another_shell_or_language(fence: str, commands: list[str]) -> None:
    found = steps_of(in_steps(f"Look:\n\n```\n{fence}\n```\n"))
    texts = [command.text for step in found for command in step.commands]
    assert texts == commands


def test_kubectl_by_its_short_name_is_no_statement_of_the_database_before_it() -> None:
    text = in_steps(
        "For one:\n\n```sh\nk exec deploy/a -it -- rails db -p\n```\n\n"
        "For the other:\n\n```sh\nk exec deploy/b -it -- sh\n```\n"
    )
    found = [command for step in steps_of(text) for command in step.commands]
    assert [(each.text, each.session.opened_by) for each in found] == [
        ("k exec deploy/a -it -- rails db -p", ""),
        ("k exec deploy/b -it -- sh", ""),
    ]
