"""A yes holds for exactly what was asked, for a while, by somebody who may give it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.consent.asked import EXPIRES_AFTER, Meant, digest_of, refused, request_for, target_of
from stationmaster.runbooks.permit import Policy, permitted, read_policy
from stationmaster.runbooks.plan.planned import Effect, Plan, PlannedKind, PlannedStep
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.risk import Risk
from stationmaster.runbooks.shell.commands import parse
from stationmaster.runbooks.shell.script import Filled, fill
from stationmaster.runbooks.talk import Approved

NOW = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
STEP = PlannedStep(key="3", title="x", lines=Lines(first=1, last=1), kind=PlannedKind.ACTION, effect=Effect.COMMAND)
PLAN = Plan(runbook="r", digest="d1", instance="web-1", service="s", steps=(STEP,))


def filled(text: str) -> Filled:
    found = fill(text, {})
    assert isinstance(found, Filled)
    return found


MEANT = Meant(
    step=STEP, filled=filled("kubectl scale deploy/web"), rollback=None, risk=Risk.CHANGE, cwd="/w", values={}
)

CHANGED = [
    (replace(MEANT, filled=filled("kubectl scale deploy/api")), PLAN),
    (replace(MEANT, rollback=filled("kubectl rollout undo deploy/web")), PLAN),
    (replace(MEANT, cwd="/elsewhere"), PLAN),
    (replace(MEANT, values={"<pod>": "a"}), PLAN),
    (replace(MEANT, step=replace(STEP, key="4")), PLAN),
    (MEANT, replace(PLAN, digest="d2")),
    (MEANT, replace(PLAN, instance="web-2")),
]


@pytest.mark.parametrize(("meant", "plan"), CHANGED)
def test_whatever_changes_asks_again(meant: Meant, plan: Plan) -> None:
    assert digest_of(meant, plan) != digest_of(MEANT, PLAN)
    assert digest_of(MEANT, PLAN) == digest_of(replace(MEANT, doubts=("x",)), PLAN)


@pytest.mark.parametrize(
    ("text", "values", "named"),
    [
        ("kubectl delete pod web-1", {}, "web-1"),
        ("kubectl delete pod web-1 -n prod", {"<ns>": "prod"}, "web-1"),
        ("kubectl delete pod web-1 --namespace=prod", {}, "web-1"),
        ("rm -rf /tmp/canary-abc", {"<x>": "abc"}, "/tmp/canary-abc"),
        ("cd /srv && rm -rf data-abc && ls data-abc other", {"<x>": "abc"}, "data-abc"),
        ("ls -lR /tmp/cache > /tmp/list.txt", {"<cache-dir>": "/tmp/cache"}, "/tmp/list.txt"),
        ("psql -U app -c 'drop table x'", {}, "drop table x"),
        ("aws s3 rm --recursive s3://b/p-1 --region eu", {"<p>": "1"}, "s3://b/p-1"),
        ("systemctl restart nginx --now", {}, "nginx"),
        ("reboot", {}, "3"),
        ("echo x yes", {"<v>": "a\nb"}, "yes"),
        ("kubectl delete pod web-1 -n p", {"<pod>": "web-1", "<namespace>": "prod"}, "web-1"),
    ],
)
def test_what_has_to_be_typed_names_the_target(text: str, values: dict[str, str], named: str) -> None:
    assert target_of(replace(MEANT, filled=filled(text), values=values)) == named


SECOND = replace(STEP, second_person=True)
ANSWERS = [
    (STEP, Approved(by="ann"), 0, ""),
    (STEP, Approved(by=""), 0, "nobody is named"),
    (STEP, Approved(by="ann"), 15, "has expired"),
    (SECOND, Approved(by="bob", code="c"), 0, ""),
    (SECOND, Approved(by="ann", code="c"), 0, "nobody approves their own request"),
    (SECOND, Approved(by="bob"), 0, "their code is missing"),
    (SECOND, Approved(by="bob", code="used"), 0, "has been used before"),
    (SECOND, Approved(by="bob", code="c"), 16, "has expired"),
]


@pytest.mark.parametrize(("step", "answer", "minutes", "problem"), ANSWERS)
def test_who_may_say_yes_and_until_when(step: PlannedStep, answer: Approved, minutes: int, problem: str) -> None:
    request = request_for(replace(MEANT, step=step), PLAN, "run", requested_by="ann", at=NOW, why=())
    found = refused(request, answer, now=NOW + timedelta(minutes=minutes), used=frozenset({"used"}))
    assert problem in found
    assert bool(found) is bool(problem)
    assert request.expires_at == NOW + EXPIRES_AFTER


def test_a_request_shows_no_secret() -> None:
    meant = replace(MEANT, filled=filled("mysql -phunter2hunter2 -e 'drop table x'"), secrets=("hunter2hunter2",))
    request = request_for(meant, PLAN, "run", requested_by="ann", at=NOW, why=())
    assert "hunter2hunter2" not in str(request)


def test_destroying_always_wants_a_second_person() -> None:
    request = request_for(replace(MEANT, risk=Risk.DESTROY), PLAN, "run", requested_by="ann", at=NOW, why=())
    assert request.second_person


@pytest.mark.parametrize("risk", [Risk.DESTROY, Risk.UNKNOWN, Risk.INTERACTIVE])
def test_no_policy_allows_more_than_a_change(risk: Risk) -> None:
    everything = Policy(changes=True, steps=("3",), programs=("rm",))
    assert permitted(everything, key="3", risk=risk, command="rm x") == ""
    assert permitted(everything, key="3", risk=Risk.CHANGE, command="rm x") != ""


def test_a_program_is_allowed_only_with_all_that_it_is_called_with() -> None:
    policy = Policy(programs=("kubectl",))
    assert permitted(policy, key="1", risk=Risk.CHANGE, command="kubectl scale x")
    for text in (
        "kubectl get x | xargs touch",
        "kubectl get x > ~/.bashrc",
        "KUBECONFIG=other kubectl scale x",
        "kubectl scale x; A=1",
    ):
        assert not permitted(policy, key="1", risk=Risk.CHANGE, command=text)
    for text in ("sudo systemctl restart x", "find . -exec touch {} ;", "bash -c 'touch x'"):
        listed = Policy(programs=tuple(each.program for each in parse(text).commands))
        assert not permitted(listed, key="1", risk=Risk.CHANGE, command=text)


def test_a_policy_is_read_strictly() -> None:
    found = read_policy("allow: {steps: ['3.2'], programs: [kubectl]}", name="team.yaml")
    assert (found.steps, found.programs, found.changes) == (("3.2",), ("kubectl",), False)
    for text in (
        "allow: {step: x}",
        "- a",
        "allow: {changes: maybe}",
        "a: [",
        "",
        "allow: {programs: ['*']}",
        "allow: {steps: ['3.*']}",
    ):
        with pytest.raises(PlatformError):
            read_policy(text, name="team.yaml")
