"""What prose tells: which sentences instruct, what they expect, what decides whether they apply."""

import pytest

from stationmaster.runbooks.read.document import ExpectationKind, Runbook, Step, StepKind
from stationmaster.runbooks.read.edges import edges_of
from stationmaster.runbooks.read.expectations import expectations_of
from stationmaster.runbooks.read.instructions import instructs
from stationmaster.runbooks.read.prose import sentences_of
from stationmaster.runbooks.read.reader import read_runbook


def read(text: str) -> Runbook:
    return read_runbook(text, file="x.md").runbook


def steps(text: str) -> list[Step]:
    return list(read(text).walk())


def told(text: str) -> list[int]:
    return [step.lines.first for step in steps(text) if step.instructs]


@pytest.mark.parametrize(
    "sentence",
    [
        "Restart the pod.",
        "Then, check the logs.",
        "[ ] Create a merge request.",
        "If it is down, restart it.",
        "On the master node, run the check",
        "You should drain the node first.",
        "You'll need to take the size into account.",
        "In this situation you can create a template.",
        "The node should be restarted.",
        "It is recommended to use two nodes.",
        "**Analyze the traces**: they show where it hangs.",
        "Step 2: Drain the node",
        "Create/merge the change.",
        "For etcd issues follow the steps described there.",
        "If you cannot resolve it, see the following resources:",
        "Verify gitlab-monitor service is running",
        "Re-trigger the import.",
        "a. Check the storage class.",
        "In extreme situations recreate the cluster.",
        "DNS problems - check the logs of the resolver.",
        "Another option is to delete the node.",
        "Fine tune the settings.",
        "Closely watch the graphs.",
        "See whether the flag is set.",
        "Don't forget to bump the version.",
        "See the previous section if it is not there yet.",
    ],
)
def test_these_sentences_instruct(sentence: str) -> None:
    assert instructs(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "The alert fires when the disk is full.",
        "See [the docs](x).",
        "For more information, refer to the manual.",
        "Log files are rotated daily.",
        "Access to the cluster is restricted.",
        "A user can subscribe to it.",
        "You can find the graphs on this dashboard:",
        "Note that it takes a while.",
        "Is the deployment stuck?",
        "Increase of load in workers",
        "{{include:guide.html}}",
        "Alert name: APIServiceDown",
        "There are commands that can be run here.",
        "Backup completion times exceed the windows.",
        "Log data loss: Logs are not being collected.",
        "Open chunks (where data is written) can't fit into it.",
        "Follow these steps to revoke old tokens.",
        "It can be configured to skip the page, and allow users to sign up.",
        "Some practices which we recommend technologists follow.",
        "Since we want to keep it on, it needs little overhead.",
        "You SHOULD use the role with the lowest privileges.",
        "You can read about the reasons here.",
        "See the docs if you want more details.",
        "",
    ],
)
def test_these_sentences_do_not(sentence: str) -> None:
    assert not instructs(sentence)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("If the pod is down, restart it.", ["if"]),
        ("Restart it if necessary.", ["if"]),
        ("Check if the pod is down.", []),
        ("If the pod is down, the service is slow.", []),
        ("If the pod is down, the service is slow. Restart it.", ["if"]),
        ("Unless it is new, delete it.", ["if"]),
        ("For hardware issues:", ["if"]),
        ("Once the pod is up, check the logs.", ["once"]),
        ("Check the logs at once.", []),
        ("Fix this as soon as possible.", []),
        ("Otherwise, restart it.", ["else"]),
        ("Otherwise, it might fail.", []),
        ("If not, run the check.", ["else"]),
        ("Go to step 5.", ["goto"]),
        ("Continue with the next step.", ["goto"]),
        ("Repeat steps 2 to 4.", ["goto"]),
        ("Go to the dashboard in the section Cache.", []),
        ("Continue to step 2 regardless of the reply.", ["continue-anyway"]),
        ("**Check the map**: If it has gaps, verify the agents.", ["if"]),
        ("**Check the map**: If it has gaps, agents are missing.", []),
        ("It takes seconds if not minutes.", []),
        ("For ordinary hosts, drain the host.", ["if"]),
        ("For security reasons, change the password.", []),
        ("In rare cases, restart the node.", ["if"]),
        ("Once you are happy with it, you can promote it.", ["once"]),
        ("Once you have done this, restart it.", []),
        ("See the previous section if it is not there yet.", ["goto"]),
        ("When this alert fires, the following impacts may occur:", []),
        ("When we reach saturation, there are essentially two options:", ["if"]),
        ("Similar steps repeat the process.", []),
        ("Use a role of your own (e.g. if you only need to read).", []),
    ],
)
def test_edges_are_found_where_they_decide_something(text: str, kinds: list[str]) -> None:
    assert [edge.kind.value for edge in edges_of(sentences_of(text, first_line=1))] == kinds


@pytest.mark.parametrize(
    ("sentence", "kinds"),
    [
        ("Verify that all pods are up.", ["other"]),
        ("Verify the configuration.", []),
        ("Make sure you have access.", []),
        ("Make sure the cluster is healthy.", ["other"]),
        ("Check which pods are down.", []),
        ("Wait for the node to be drained.", ["other"]),
        ("Wait for several minutes.", []),
        ("You should see a list of nodes.", ["other"]),
        ("The status should be green.", ["other"]),
        ("Look for errors in the logs.", ["other"]),
        ("If the output contains 'x', fine.", ["contains"]),
        ("If the ratio is below 10%, add a node.", ["other"]),
        ("If the `severity` label is `critical`, page somebody.", []),
        ("If it returns a 403 response, log in again.", ["other"]),
        ("The template should be used by everybody.", []),
        ("[ ] Verify new versions are deployed.", ["other"]),
        ("Verify event types (s3:Created, s3:Removed) match the operations.", ["other"]),
        ("Determine whether interruptions affect some nodes.", ["other"]),
        ("Check the capacity and whether nodes can be added.", ["other"]),
        ("To confirm this is the cause, look at the graph.", []),
        ("Look for recent creations.", ["other"]),
        ("Check the logs for the right instance:", []),
        ("If you see `i/o timeout`, restart it.", ["other"]),
        ("If there are errors in the `Logs`, restart it.", []),
        ('Check the message to verify a failure with "refused" pattern.', ["other"]),
        ("If the output is `up`, go to step 5.", ["contains"]),
        ("The status should be `active`.", ["contains"]),
        ("The plan should list the new nodes.", ["other"]),
    ],
)
def test_expectations_need_something_that_can_be_seen(sentence: str, kinds: list[str]) -> None:
    assert [each.kind.value for each in expectations_of(sentence)] == kinds


def test_an_expectation_and_an_edge_know_the_line_of_their_sentence() -> None:
    text = "## Steps\n\n1. Look at the pods of\n   the service. The status should be green. If it is\n"
    text += "   not, restart them.\n"
    step = steps(text)[0]
    assert [(each.kind, each.line) for each in step.expectations] == [(ExpectationKind.OTHER, 4)]
    assert [(each.kind.value, each.line) for each in step.edges] == [("if", 4)]


def test_paragraphs_that_tell_are_steps_and_others_are_notes() -> None:
    text = "## Diagnosis\n\nLog in to the node.\n\nIt runs Linux.\n\nCheck the disk:\n\n```bash\ndf -h\n```\n"
    found = [(step.kind, step.instructs, step.lines.first) for step in steps(text)]
    assert found == [(StepKind.NAVIGATION, True, 3), (StepKind.NOTE, False, 5), (StepKind.COMMAND, True, 7)]


def test_a_title_and_an_announcement_are_no_steps() -> None:
    assert told("## Steps\n\n**Solution:**\n\n- Restart it.\n\nTo remove a node:\n\n- Drain it.\n") == [5, 9]


def test_every_item_of_a_numbered_procedure_is_a_step_but_not_its_cases() -> None:
    assert told("## Steps\n\n1. Open the form\n2. region nearest to us\n3. Press save\n") == [3, 4, 5]
    assert told("## Steps\n\n1. For hardware issues:\n   - Check the cable\n2. Test the port\n") == [4, 5]


def test_a_numbered_heading_is_a_step_and_a_plain_one_is_a_title() -> None:
    text = (
        "# T\n\n## 1. Drain the node\n\nRun it.\n\n## Check the pods\n\n1. Look.\n\n## 2. Network issues\n\n1. Look.\n"
    )
    assert told(text) == [3, 5, 9, 13]


def test_what_other_sections_tell_is_kept_and_never_planned() -> None:
    text = "# T\n\n## Overview\n\nRestart it with `docker restart x`.\n\n## Steps\n\n1. Look.\n"
    found = steps(text)
    assert [(step.address, step.kind) for step in found] == [
        ("n1", StepKind.NOTE),
        ("n1.1", StepKind.COMMAND),
        ("1", StepKind.MANUAL),
    ]


def test_what_comes_after_the_incident_is_no_step() -> None:
    assert told("## Steps\n\n1. Look.\n\n## Post-incident actions\n\n1. Write the review.\n") == [3]


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("1. a\n2. Go to step 1.\n", "1"),
        ("1. Look.\n\n```bash\nls -l\n```\n1. See.\n\n```bash\nls -a\n```\n1. Go to step 2.\n", "2"),
        ("1. Continue with the next step.\n2. b\n", "2"),
        ("1. a\n   1. Go to step 2.\n   2. b\n2. c\n", "1.2"),
        ("1. Go to step 9.\n", ""),
    ],
)
def test_a_jump_is_resolved_to_the_step_that_it_means(text: str, target: str) -> None:
    edges = [edge for step in steps(f"## Steps\n\n{text}") for edge in step.edges]
    assert [edge.target for edge in edges] == [target]


def test_code_that_is_not_indented_belongs_to_the_item_above_it() -> None:
    text = "## Steps\n\n1. Look:\n\n```bash\nls -l\n```\n\n2. See:\n\n```bash\nls -a\n```\n"
    assert [(each.address, [one.text for one in each.commands]) for each in steps(text)] == [
        ("1", ["ls -l"]),
        ("2", ["ls -a"]),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "1. Delete <pod-name> now.",
        "<details>\n<summary>More</summary>\n\n1. Delete <pod-name> now.\n\n</details>",
        "<details>\n<summary>More</summary>\nDelete <pod-name> now.\n</details>",
        "> 1. Delete <pod-name> now.",
        "| a |\n|---|\n| Delete <pod-name> now. |",
        "!!! note\n    Delete <pod-name> now.",
        '=== "Linux"\n\n    1. Delete <pod-name> now.',
        '{{< tabs >}}\n{{% tab name="x" %}}\nDelete <pod-name> now.\n{{% /tab %}}',
        "::: tip\nDelete <pod-name> now.\n:::",
        "Delete <pod-name> now.\n====\n\n1. Delete <pod-name> now.",
    ],
)
def test_instructions_are_found_in_whatever_holds_them(text: str) -> None:
    found = [step for step in steps(f"## Steps\n\n{text}\n") if step.instructs]
    assert any("<pod-name>" in step.text for step in found)


def test_shortcodes_for_code_are_blocks_and_tabs_are_moved_to_the_left() -> None:
    text = "## Steps\n\nRun it:\n\n{{< highlight bash >}}\nhelm list -A\n{{< /highlight >}}\n\n"
    text += '=== "x"\n\n    ```bash\n    ls -l\n    ```\n'
    commands = [(each.text, each.lines.first) for step in steps(text) for each in step.commands]
    assert commands == [("helm list -A", 6), ("ls -l", 12)]


def test_an_unclosed_fence_ends_before_the_next_heading_and_is_told() -> None:
    text = "## Steps\n\n```bash\n# Look\nls -l\n\n## After\n\n1. Restart <pod>.\n"
    reading = read_runbook(text, file="x.md")
    assert [(each.code, each.origin.line) for each in reading.diagnostics] == [("fence-unclosed", 3)]
    assert [step.lines.first for step in reading.runbook.walk() if step.instructs] == [9]


def test_headings_in_a_closed_fence_are_comments() -> None:
    reading = read_runbook("## Steps\n\n```bash\nls -l\n\n## Look again\nls -a\n```\n", file="x.md")
    assert reading.diagnostics == ()
    assert [each.text for step in reading.runbook.walk() for each in step.commands] == ["ls -l", "ls -a"]
