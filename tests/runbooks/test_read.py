"""A document becomes a tree of steps with stable addresses, and nothing of it is lost."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.problem import Severity
from stationmaster.runbooks.describe import as_json, describe
from stationmaster.runbooks.read.conditions import conditions_of, wait_of
from stationmaster.runbooks.read.document import ExpectationKind, Runbook, Step, StepKind
from stationmaster.runbooks.read.expectations import expectations_of
from stationmaster.runbooks.read.reader import read_runbook
from tests.runbooks.world import OWN, loaded

# address, kind, first line
SHAPE_001 = [
    ("n1", "note", 24),
    ("n1.1", "action", 25),
    ("1", "group", 32),
    ("1.1", "navigation", 33),
    ("1.2", "navigation", 34),
    ("1.3", "navigation", 35),
    ("1.4", "navigation", 36),
    ("1.5", "navigation", 37),
    ("1.6", "command", 38),
    ("2", "group", 39),
    ("2.1", "navigation", 40),
    ("2.2", "action", 41),
    ("3", "group", 42),
    ("3.1", "navigation", 43),
    ("3.2", "navigation", 44),
    ("3.3", "command", 45),
    ("3.4", "command", 47),
    ("3.5", "command", 48),
    ("4", "group", 49),
    ("4.1", "command", 50),
    ("4.2", "group", 51),
    ("4.2.1", "navigation", 52),
    ("4.2.2", "action", 53),
    ("5", "command", 54),
]
COMMANDS_001 = {
    "1.5": ["su <YOUR_SSO_ID>", "sudo -i"],
    "1.6": ["curl http://localhost:8888/api/auth/healthz"],
    "3.3": ["docker logs api_key_service"],
    "3.4": ["docker restart api_key_service"],
    "3.5": ["curl http://localhost:8888/api/auth/healthz"],
    "4.1": ["curl http://localhost:8888/api/auth/healthz"],
    "5": ["docker logs api_key_service"],
}


def seed(seeds: Path, number: str) -> Runbook:
    return loaded(next(seeds.glob(f"{number}_*.txt")))


def step(runbook: Runbook, address: str) -> Step:
    return next(each for each in runbook.walk() if each.address == address)


def read(text: str) -> Runbook:
    return read_runbook(text, file="x.md").runbook


def test_the_instance_down_seed_has_this_shape(seeds: Path) -> None:
    runbook = seed(seeds, "001")
    assert [(each.address, each.kind.value, each.lines.first) for each in runbook.walk()] == SHAPE_001
    commands = {each.address: [one.text for one in each.commands] for each in runbook.walk() if each.commands}
    assert commands == COMMANDS_001


def test_the_instance_down_seed_says_whom_it_answers(seeds: Path) -> None:
    runbook = seed(seeds, "001")
    assert runbook.retired
    assert runbook.tags == ("api_key_service", "apis")
    assert [quote.startswith("Service: apiplatform_key_service in env: is down") for quote in runbook.match.quoted] == [
        True
    ]
    assert runbook.contacts == ("tip-api-platform-1", "tip-api-platform-2")


def test_the_instance_down_seed_says_what_it_expects(seeds: Path) -> None:
    runbook = seed(seeds, "001")
    first = step(runbook, "1.6").expectations[0]
    assert (first.kind, first.value, first.unmet) == (
        ExpectationKind.CONTAINS,
        "The API is available and operational",
        "the key_service has stopped",
    )
    assert [each.value for each in step(runbook, "3.3").expectations] == ["cipher error", "IAM error"]
    assert step(runbook, "3.4").wait_s == 300.0
    assert step(runbook, "3.5").expectations[0].met == "api_key_service recovered"


def test_a_reply_and_a_count_of_pods_belong_to_the_command_before_them(seeds: Path) -> None:
    runbook = seed(seeds, "002")
    reply, count = step(runbook, "1.2"), step(runbook, "2.3.3")
    assert (reply.judges, reply.expectations[0].kind) == ("1.1", ExpectationKind.JSON_SUBSET)
    assert (count.judges, count.expectations[0].count, count.expectations[0].value) == ("2.3.2", 3, "Running")


def test_phases_and_fences_become_steps_of_their_own(seeds: Path) -> None:
    runbook = seed(seeds, "003")
    assert runbook.match.alerts == ("APIServiceDown",)
    assert step(runbook, "1.2.3").commands[0].text == "kubectl scale deployment/ecap-api --replicas=5"
    assert step(runbook, "1.2.3").commands[0].comment == "Scale up if needed"
    assert sum(len(each.commands) for each in runbook.walk()) == 47


def test_a_placeholder_in_angle_brackets_is_a_parameter(seeds: Path) -> None:
    runbook = seed(seeds, "004")
    found = step(runbook, "1.1.3.2")
    assert found.commands[0].text == "kubectl describe pod <pod-name> -n api-gateway"
    assert [(each.text, each.name) for each in found.parameters] == [("<pod-name>", "pod_name")]
    created = step(runbook, "3.2.1").commands[0]
    assert (created.lines.first, created.lines.last) == (144, 146)


def test_every_seed_is_read_without_an_error_and_with_unique_addresses(seeds: Path) -> None:
    for path in sorted(seeds.glob("*.txt")):
        reading = read_runbook(path.read_text(), file=path.name)
        assert not [each for each in reading.diagnostics if each.severity is Severity.ERROR]
        addresses = [each.address for each in reading.runbook.walk()]
        assert addresses
        assert len(addresses) == len(set(addresses))


def test_our_own_runbook_has_no_problems() -> None:
    reading = read_runbook(OWN.read_text(), file="own.md")
    assert reading.diagnostics == ()
    assert reading.runbook.match.alerts == ("ServiceInstanceDown",)


@pytest.mark.parametrize(
    ("attributes", "code", "told"),
    [
        ("risk=harmless", "attribute-value", "one of read"),
        ("colour=red", "attribute-value", "no attribute `colour`"),
        ("timeout=30", "attribute-value", "such as 500ms"),
        ("retries=some", "attribute-value", "whole number"),
        ("action=target.explode", "attribute-value", "target.remove"),
        ("on-failure=panic", "attribute-value", "continue"),
        ("read", "attribute-syntax", "key=value"),
        ('expect="open', "attribute-syntax", "key=value"),
    ],
)
def test_a_broken_attribute_is_an_error_at_its_line(attributes: str, code: str, told: str) -> None:
    text = f"# T\n\n## Steps\n\n1. Look.\n   ```bash {{{attributes}}}\n   ls -l\n   ```\n"
    found = read_runbook(text, file="x.md").diagnostics
    assert [(each.code, each.origin.line, each.severity) for each in found] == [(code, 6, Severity.ERROR)]
    assert told in found[0].message


def test_attributes_of_a_fence_and_of_a_comment_are_read_together() -> None:
    exact = '{risk=read expect="a \\"b\\"" timeout=500ms retries=2 on-failure=stop}'
    text = f"## Steps\n\n1. Look.\n   ```bash {exact}\n   ls -l\n   ```\n   <!-- {{when=down}} -->\n"
    found = read(text).steps[0].attributes
    assert (found.risk, found.expect, found.timeout_s, found.retries) == ("read", 'a "b"', 0.5, 2)
    assert (found.on_failure, found.when and found.when.value) == ("stop", "down")


def test_attributes_beside_no_step_are_an_error() -> None:
    found = read_runbook("## Steps\n\n<!-- {risk=read} -->\n\n1. Look.\n", file="x.md").diagnostics
    assert [(each.code, each.origin.line) for each in found] == [("attribute-place", 3)]


def test_what_is_not_understood_is_a_manual_step_with_its_text() -> None:
    found = read("## Steps\n\n1. Ponder the *orb*\n   for a while.\n").steps[0]
    assert (found.kind, found.original) == (StepKind.MANUAL, "1. Ponder the *orb*\n   for a while.")


def test_prompts_are_taken_off_and_output_is_left_out() -> None:
    text = "## Steps\n\n```console\n$ kubectl get pods\nNAME  READY\n$ kubectl top nodes\n```\n"
    assert [each.commands[0].text for each in read(text).steps] == ["kubectl get pods", "kubectl top nodes"]


def test_what_follows_a_remote_shell_belongs_to_it() -> None:
    text = "## Steps\n\n```bash\nssh db-1\nsystemctl restart postgres\n```\n"
    assert [each.commands[0].session.opened_by for each in read(text).steps] == ["", "ssh db-1"]


@pytest.mark.parametrize(
    ("sentence", "kinds"),
    [
        ("If the service is indeed down, remove it from ring-balancer.", ["down"]),
        ("If no special error found, use `docker restart x`", ["no-errors"]),
        ("Once a recovery alert is received, add it back if recovered.", ["recovery-alert", "recovered"]),
        ("After all the operations, if x still does not work well, escalate", ["still-down"]),
        ("If the moon is full, wait", ["other"]),
        ("If the output contains 'x', fine", []),
        ("Restart it.", []),
    ],
)
def test_conditions_are_found(sentence: str, kinds: list[str]) -> None:
    assert [each.kind.value for each in conditions_of(sentence)] == kinds


@pytest.mark.parametrize(
    ("sentence", "kind", "value"),
    [
        ("The output should contain 'ok now'.", "contains", "ok now"),
        ("check whether output contains 'ok.' or not", "contains", "ok"),
        ("The logs should not contain `panic`", "not-contains", "panic"),
        ("You should see `pong`", "contains", "pong"),
        ("It should return HTTP 200", "http-status", "200"),
        ("works well when got a list of apis", "json-list", ""),
    ],
)
def test_expectations_are_found(sentence: str, kind: str, value: str) -> None:
    assert [(each.kind.value, each.value) for each in expectations_of(sentence)] == [(kind, value)]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("wait for several minitues", 300.0), ("wait 90 seconds", 90.0), ("Wait for 2 minutes", 120.0), ("go", None)],
)
def test_waits_are_found(text: str, seconds: float | None) -> None:
    assert wait_of(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "---\n: : :\n  bad\n---\n# x\n\n1. a\n",
        "```bash\nrm x",
        "\ufeff# T\r\n\r\n1. a\r\n\t- b\r\n",
        "- " * 300 + "x",
        "1. " * 60 + "`ls -l`",
        "---\ntitle: [a\n---\n{% include x",
        "{% capture a %}{{ b }}",
        "1. x\n\n5. y\n1. z\n",
        "# a\n# b\n### c\n## d\n```\nls -l\n```\n",
        "<!-- {risk=read",
        "> 1. quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
        "1.\n2.\n",
    ],
)
def test_odd_documents_are_read(text: str) -> None:
    runbook = read(text)
    addresses = [each.address for each in runbook.walk()]
    assert len(addresses) == len(set(addresses))


@given(st.text(alphabet="#`-*1.2 \n\t{}%<>!$()|&;'\"\\abc[]:=~_", max_size=200))
def test_no_text_is_a_crash(text: str) -> None:
    runbook = read(text)
    assert as_json(describe(runbook))
