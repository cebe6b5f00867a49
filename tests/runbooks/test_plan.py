"""What a run would do is visible before it does anything."""

from pathlib import Path

import pytest

from stationmaster.runbooks.plan import Effect, Plan, PlannedKind, PlannedStep, make_plan
from stationmaster.runbooks.read.reader import read_runbook
from tests.runbooks.world import OWN, bound, loaded

INSTANCE_DOWN = "001_cd31a16594a6a172.txt"

# key, kind, effect, conditions
TABLE_001 = [
    ("1.1", "needless", "none", ""),
    ("1.2", "needless", "none", ""),
    ("1.3", "needless", "none", ""),
    ("1.4", "needless", "none", ""),
    ("1.5", "needless", "none", ""),
    ("1.6", "check", "command", ""),
    ("2.1", "needless", "none", "down"),
    ("2.2a", "wait", "target-is-out", "down"),
    ("2.2b", "action", "target-remove", "down"),
    ("3.1", "needless", "none", ""),
    ("3.2", "needless", "none", ""),
    ("3.3", "check", "logs", ""),
    ("3.4", "action", "restart", "no-errors down"),
    ("3.5", "wait", "command", ""),
    ("4.1", "wait", "command", "recovery-alert"),
    ("4.2.1", "needless", "none", "recovery-alert recovered"),
    ("4.2.2", "action", "target-add", "recovery-alert recovered"),
    ("5a", "check", "logs", "still-down"),
    ("5b", "escalate", "none", "still-down"),
]

TABLE_OWN = [
    ("1", "check", "command", ""),
    ("2a", "wait", "target-is-out", "down"),
    ("2b", "action", "target-remove", "down"),
    ("3", "check", "logs", ""),
    ("4", "action", "restart", "no-errors down"),
    ("5", "wait", "command", ""),
    ("6.1", "wait", "command", "recovery-alert"),
    ("6.2", "action", "target-add", "recovery-alert recovered"),
    ("7.1", "check", "logs", "still-down"),
    ("7.2", "escalate", "none", "still-down"),
]


def rows(plan: Plan) -> list[tuple[str, str, str, str]]:
    return [
        (step.key, step.kind.value, step.effect.value, " ".join(each.kind.value for each in step.conditions))
        for step in plan.steps
    ]


def step(plan: Plan, key: str) -> PlannedStep:
    return next(each for each in plan.steps if each.key == key)


def test_the_instance_down_seed_becomes_these_steps(seeds: Path) -> None:
    assert rows(make_plan(loaded(seeds / INSTANCE_DOWN), bound())) == TABLE_001


def test_our_own_runbook_becomes_these_steps() -> None:
    assert rows(make_plan(loaded(OWN), bound())) == TABLE_OWN


def test_several_minutes_are_polling_with_a_limit(seeds: Path) -> None:
    wait = step(make_plan(loaded(seeds / INSTANCE_DOWN), bound()), "3.5")
    assert (wait.limit_s, wait.after, wait.tries) == (300.0, "3.4", 0)


def test_an_instance_on_another_port_is_checked_there(seeds: Path) -> None:
    check = step(make_plan(loaded(seeds / INSTANCE_DOWN), bound("key-us-east")), "1.6")
    assert check.argv == ("curl", "http://127.0.0.1:8889/api/auth/healthz")
    assert "localhost:8888 is key-us-east at 127.0.0.1:8889" in check.why


def test_docker_restart_becomes_a_restart_by_the_executor(seeds: Path) -> None:
    restart = step(make_plan(loaded(seeds / INSTANCE_DOWN), bound()), "3.4")
    assert restart.why == "`docker restart api_key_service` -> restart of key-us-south by its executor"


def test_the_escalation_names_level_and_contacts(seeds: Path) -> None:
    last = step(make_plan(loaded(seeds / INSTANCE_DOWN), bound()), "5b")
    assert (last.level, last.contacts) == (2, ("tip-api-platform-1", "tip-api-platform-2"))


def test_a_manual_removal_leaves_the_note_that_the_document_asks_for(seeds: Path) -> None:
    assert step(make_plan(loaded(seeds / INSTANCE_DOWN), bound()), "2.2b").note == "manually removed target"


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf /var/lib",
        "frobnicate --hard",
        "su root",
        "kubectl scale deployment/a --replicas=2",
        "curl -XPOST http://x/",
    ],
)
def test_what_is_not_plainly_reading_is_left_to_a_person(command: str) -> None:
    plan = make_plan(
        read_runbook(f"## Steps\n\n1. Do it.\n   ```bash\n   {command}\n   ```\n", file="x.md").runbook, bound()
    )
    assert [(each.effect, bool(each.refusal)) for each in plan.steps] == [(Effect.NONE, True)]


def test_a_declared_risk_may_name_an_unknown_program_but_never_soften_a_known_one() -> None:
    step = "1. a\n   ```bash {{risk=read}}\n   {}\n   ```\n"
    text = "## Steps\n\n" + step.format("ourcheck --all") + step.format("rm x")
    plan = make_plan(read_runbook(text, file="x.md").runbook, bound())
    assert [bool(each.refusal) for each in plan.steps] == [False, True]


def test_a_change_under_a_condition_that_nobody_can_test_is_refused() -> None:
    text = "## Steps\n\n1. If the moon is full, use `docker restart api_key_service` to restart it.\n"
    plan = make_plan(read_runbook(text, file="x.md").runbook, bound())
    assert "cannot test its condition 'If the moon is full'" in plan.steps[0].refusal


def test_a_restart_without_a_check_after_it_is_verified_by_the_check_before_it() -> None:
    text = (
        "## Steps\n\n1. Call `curl http://localhost:8888/api/auth/healthz`. The output should contain 'operational'.\n"
        "2. Use `docker restart api_key_service`.\n"
    )
    plan = make_plan(read_runbook(text, file="x.md").runbook, bound())
    assert [(each.key, each.kind) for each in plan.steps] == [
        ("1", PlannedKind.CHECK),
        ("2", PlannedKind.ACTION),
        ("2w", PlannedKind.WAIT),
    ]


def test_every_seed_can_be_planned(seeds: Path) -> None:
    for path in sorted(seeds.glob("*.txt")):
        assert make_plan(loaded(path), bound()).steps
