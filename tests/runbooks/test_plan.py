"""What a run would do is visible before it does anything."""

from pathlib import Path

import pytest

from stationmaster.runbooks.plan.planned import Plan, PlannedKind, PlannedStep
from stationmaster.runbooks.read.reader import read_runbook
from stationmaster.runbooks.risk import Risk
from tests.runbooks.world import OWN, loaded, planned

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
    ("2.2a", "wait", "target.remove", "down"),
    ("2.2b", "action", "target.remove", "down"),
    ("2.2bv", "wait", "target.remove", ""),
    ("3.1", "needless", "none", ""),
    ("3.2", "needless", "none", ""),
    ("3.3", "check", "service.logs", ""),
    ("3.4", "action", "service.restart", "no-errors down"),
    ("3.5", "wait", "command", ""),
    ("4.1", "wait", "command", "recovery-alert"),
    ("4.2.1", "needless", "none", "recovery-alert recovered"),
    ("4.2.2", "action", "target.add", "recovery-alert recovered"),
    ("4.2.2v", "wait", "target.add", ""),
    ("5a", "check", "service.logs", "still-down"),
    ("5b", "escalate", "none", "still-down"),
]

TABLE_OWN = [
    ("1", "check", "command", ""),
    ("2", "check", "command", ""),
    ("3a", "wait", "target.remove", "down"),
    ("3b", "action", "target.remove", "down"),
    ("3bv", "wait", "target.remove", ""),
    ("4", "check", "service.logs", ""),
    ("5", "action", "service.restart", "no-errors down"),
    ("6", "wait", "command", ""),
    ("7.1", "wait", "command", "recovery-alert"),
    ("7.2", "action", "target.add", "recovery-alert recovered"),
    ("7.2v", "wait", "target.add", ""),
    ("8.1", "check", "service.logs", "still-down"),
    ("8.2", "escalate", "none", "still-down"),
]


def rows(plan: Plan) -> list[tuple[str, str, str, str]]:
    return [
        (
            step.key,
            step.kind.value,
            step.acts.value if step.acts else step.effect.value,
            " ".join(each.kind.value for each in step.conditions),
        )
        for step in plan.steps
    ]


def step(plan: Plan, key: str) -> PlannedStep:
    return next(each for each in plan.steps if each.key == key)


def test_the_instance_down_seed_becomes_these_steps(seeds: Path) -> None:
    assert rows(planned(loaded(seeds / INSTANCE_DOWN))) == TABLE_001


def test_our_own_runbook_becomes_these_steps() -> None:
    assert rows(planned(loaded(OWN))) == TABLE_OWN


def test_several_minutes_are_polling_with_a_limit(seeds: Path) -> None:
    wait = step(planned(loaded(seeds / INSTANCE_DOWN)), "3.5")
    assert (wait.limit_s, wait.after, wait.tries) == (300.0, "3.4", 0)


def test_an_instance_on_another_port_is_checked_there_and_the_document_s_words_stay(seeds: Path) -> None:
    check = step(planned(loaded(seeds / INSTANCE_DOWN), "key-us-east"), "1.6")
    assert check.command == "curl http://127.0.0.1:8889/api/auth/healthz"
    assert check.says == "curl http://localhost:8888/api/auth/healthz"


def test_docker_restart_becomes_a_restart_by_the_executor_that_needs_no_yes(seeds: Path) -> None:
    restart = step(planned(loaded(seeds / INSTANCE_DOWN)), "3.4")
    assert (restart.command, restart.says) == ("stm instance restart key-us-south", "docker restart api_key_service")
    assert (restart.risk, restart.asks) == (Risk.CHANGE, "")


def test_the_escalation_names_level_and_contacts(seeds: Path) -> None:
    last = step(planned(loaded(seeds / INSTANCE_DOWN)), "5b")
    assert (last.level, last.contacts) == (2, ("tip-api-platform-1", "tip-api-platform-2"))


def test_a_manual_removal_leaves_the_note_that_the_document_asks_for(seeds: Path) -> None:
    assert step(planned(loaded(seeds / INSTANCE_DOWN)), "2.2b").note == "manually removed target"


@pytest.mark.parametrize(
    ("command", "asks"),
    [
        ("rm -rf /var/lib", "a yes, and a second person's"),
        ("frobnicate --hard", "a yes: its class is unknown"),
        ("su root", "only a person can do it"),
        ("kubectl scale deployment/a --replicas=2", "a yes: its class is change"),
        ("curl -XPOST http://x/", "a yes: its class is change"),
        ("stm key revoke ada", "a yes, and a second person's"),
    ],
)
def test_what_is_not_plainly_reading_is_left_to_a_person(command: str, asks: str) -> None:
    text = f"## Steps\n\n1. Do it.\n   ```bash\n   {command}\n   ```\n"
    plan = planned(read_runbook(text, file="x.md").runbook)
    assert [each.asks for each in plan.steps] == [asks]


def test_a_declared_risk_may_name_an_unknown_program_but_never_soften_a_known_one() -> None:
    step = "1. a\n   ```bash {{risk=read}}\n   {}\n   ```\n"
    text = "## Steps\n\n" + step.format("ourcheck --all") + step.format("rm x")
    plan = planned(read_runbook(text, file="x.md").runbook)
    assert [bool(each.asks) for each in plan.steps] == [False, True]


def test_a_change_under_a_condition_that_nobody_can_test_wants_a_yes() -> None:
    text = "## Steps\n\n1. If the moon is full, use `docker restart api_key_service` to restart it.\n"
    plan = planned(read_runbook(text, file="x.md").runbook)
    assert plan.steps[0].asks == "a yes: its class is change"


def test_a_container_of_another_service_is_left_alone() -> None:
    text = "## Steps\n\n1. Use `docker restart doctor`.\n"
    (step,) = planned(read_runbook(text, file="x.md").runbook).steps
    assert step.refusal == "`docker restart doctor` is about doctor, and the alert about api_key_service"


def test_a_restart_without_a_check_after_it_is_verified_by_the_check_before_it() -> None:
    text = (
        "## Steps\n\n1. Call `curl http://localhost:8888/api/auth/healthz`. The output should contain 'operational'.\n"
        "2. Use `docker restart api_key_service`.\n"
    )
    plan = planned(read_runbook(text, file="x.md").runbook)
    assert [(each.key, each.kind) for each in plan.steps] == [
        ("1", PlannedKind.CHECK),
        ("2", PlannedKind.ACTION),
        ("2w", PlannedKind.WAIT),
    ]


def test_a_port_that_is_none_of_the_service_s_is_left_as_it_is() -> None:
    text = (
        "## Steps\n\n1. Call `curl http://localhost:4587/x http://localhost:88880/y http://localhost:8888/z | wc -l`.\n"
    )
    (step,) = planned(read_runbook(text, file="x.md").runbook, "key-us-east").steps
    assert step.command == "curl http://localhost:4587/x http://localhost:88880/y http://127.0.0.1:8889/z | wc -l"


def test_every_seed_can_be_planned(seeds: Path) -> None:
    for path in sorted(seeds.glob("*.txt")):
        assert planned(loaded(path)).steps
