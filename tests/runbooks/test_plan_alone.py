"""The plan of any runbook says what each step is, with what it runs, and why it will ask."""

from pathlib import Path

import pytest

from stationmaster.runbooks.alone import plan_alone
from stationmaster.runbooks.library import load_file
from stationmaster.runbooks.permit import Policy
from stationmaster.runbooks.plan.planned import Plan, PlannedKind
from stationmaster.runbooks.request import RunRequest
from stationmaster.runbooks.risk import Risk
from tests.runbooks.people import request
from tests.runbooks.world import inventory


def planned(fence: str, folder: Path, *, attributes: str = "", prose: str = "Do it.", **more: object) -> Plan:
    inner = f" {{{attributes}}}" if attributes else ""
    text = f"# T\n\n## Steps\n\n1. {prose}\n   ```bash{inner}\n   {fence}\n   ```\n"
    return plan_alone(request(text, folder, **more))


# command, kind, asks
KINDS = [
    ("kubectl get pods", PlannedKind.CHECK, ""),
    ("kubectl rollout restart deploy/web", PlannedKind.ACTION, "a yes: its class is change"),
    ("rm -rf /var/lib/x", PlannedKind.ACTION, "a yes, and a second person's"),
    ("frobnicate --all", PlannedKind.ACTION, "a yes: its class is unknown"),
    ("kubectl get pod <pod-name>", PlannedKind.CHECK, "a value for <pod-name>"),
    ("vim /etc/hosts", PlannedKind.MANUAL, "only a person can do it"),
]


@pytest.mark.parametrize(("command", "kind", "asks"), KINDS)
def test_what_a_step_is_and_why_it_asks(command: str, kind: PlannedKind, asks: str, tmp_path: Path) -> None:
    step = planned(command, tmp_path).steps[0]
    assert (step.kind, step.asks) == (kind, asks)
    assert step.why


def test_a_policy_takes_a_question_away(tmp_path: Path) -> None:
    assert planned("kubectl scale deploy/web --replicas=2", tmp_path, policy=Policy(changes=True)).steps[0].asks == ""


def test_a_rollback_that_destroys_makes_the_change_as_grave(tmp_path: Path) -> None:
    step = planned("touch x", tmp_path, attributes='rollback="rm -rf x"').steps[0]
    assert (step.risk, step.second_person) == (Risk.DESTROY, True)


def test_a_verification_that_would_change_something_is_refused(tmp_path: Path) -> None:
    steps = planned("touch x", tmp_path, attributes='verify="rm x"').steps
    assert [each.key for each in steps] == ["1", "1v"]
    assert "has to be reading only" in steps[1].refusal


def test_a_value_may_raise_the_risk_that_is_shown(tmp_path: Path) -> None:
    text = "kubectl <verb-x> pod web"
    assert planned(text, tmp_path, values={"verb-x": "get"}).steps[0].risk is Risk.READ
    assert planned(text, tmp_path, values={"verb-x": "delete"}).steps[0].risk is not Risk.READ


def test_a_value_that_does_not_fit_is_refused_at_once_and_asked_for(tmp_path: Path) -> None:
    place = planned("canary <pod-x>", tmp_path, labels={"pod_x": "-rf"}).steps[0].places[0]
    assert place.value is None
    assert place.told == ("the alert's label pod_x is refused: it begins with `-` and could be taken for an option")


def test_a_secret_is_in_no_plan(tmp_path: Path) -> None:
    plan = planned("curl -H 'X-Token: <api-token>' http://x", tmp_path, values={"api-token": "geheimgeheim"})
    assert "geheimgeheim" not in str(plan)
    assert plan.steps[0].asks == ""


def test_the_inventory_gives_values_for_the_instance_of_the_labels(tmp_path: Path) -> None:
    step = planned(
        "curl http://<host>:<port>/", tmp_path, labels={"instance": "key-us-east"}, inventory=inventory()
    ).steps[0]
    assert step.command == "curl http://127.0.0.1:8889/"
    assert {each.told for each in step.places} == {"the inventory host", "the inventory port"}


def test_a_wait_in_prose_polls_the_check_after_it(tmp_path: Path) -> None:
    text = (
        "# T\n\n## Steps\n\n1. Do.\n   ```bash\n   touch x\n   ```\n2. Wait 5 minutes.\n"
        "3. Check. The output should contain 'x'.\n   ```bash\n   ls\n   ```\n"
    )
    steps = plan_alone(request(text, tmp_path)).steps
    assert [(each.key, each.kind.value, each.limit_s) for each in steps[1:]] == [
        ("2", "needless", 300.0),
        ("3", "wait", 300.0),
    ]
    assert steps[2].after == "1"


def test_every_seed_can_be_planned_for_a_terminal(seeds: Path, tmp_path: Path) -> None:
    for path in sorted(seeds.glob("*.txt")):
        runbook, problems = load_file(path)
        assert runbook is not None, problems
        plan = plan_alone(RunRequest(runbook=runbook, cwd=tmp_path, requested_by="ann"))
        assert plan.steps
        assert len({each.key for each in plan.steps}) == len(plan.steps)
        for step in plan.steps:
            asks = step.kind in {PlannedKind.CHECK, PlannedKind.WAIT, PlannedKind.NEEDLESS} or step.asks or step.refusal
            assert asks, step
