"""The interpreter of a worked run as a table: what the journal holds, and what comes next."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.runbooks.course import ByHand, Choose, Decide, next_moves, settled_steps
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.planned import Effect, Jump, JumpWhen, Plan, PlannedKind, PlannedStep
from stationmaster.runbooks.read.document import Condition, ConditionKind
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.risk import Risk
from stationmaster.runbooks.run import Do, Entry, Finish, Manner, Outcome, Settle, Wait
from stationmaster.runbooks.values import BoundPlace, Source

NOW = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
CHECK = PlannedStep(
    key="1", title="look", lines=Lines(first=1, last=1), kind=PlannedKind.CHECK, effect=Effect.COMMAND, on_failure=""
)
CHANGE = replace(CHECK, kind=PlannedKind.ACTION, risk=Risk.CHANGE, title="change")
HEALTH = replace(CHECK, health=True)
MANUAL = replace(CHECK, kind=PlannedKind.MANUAL, effect=Effect.NONE)
DOWN = Condition(kind=ConditionKind.DOWN, text="if it is down")
MOON = Condition(kind=ConditionKind.OTHER, text="if the moon is full")


def plan(*steps: PlannedStep) -> Plan:
    return Plan(runbook="r", digest="d", instance="", service="", steps=steps)


def at(key: str, step: PlannedStep, **more: object) -> PlannedStep:
    return replace(step, key=key, **more)  # type: ignore[arg-type]


def journal(**verdicts: str) -> dict[str, Entry]:
    """`s1="passed"` is a step that ended so, `s1=""` one that was begun."""
    return {
        key[1:]: Entry(
            key=key[1:],
            started_at=NOW,
            tried_at=NOW,
            attempts=1,
            verdict=Verdict(verdict) if verdict else None,
            detail="seen" if verdict else "",
            ended_at=NOW if verdict else None,
        )
        for key, verdict in verdicts.items()
    }


def moves(of: Plan, held: dict[str, Entry], parallel: int = 4, **decisions: str) -> list[str]:
    found = next_moves(of, held, {k.replace("_", ":"): v for k, v in decisions.items()}, NOW, parallel=parallel)
    return [told(each) for each in found]


def told(move: object) -> str:
    match move:
        case Do(step=step, manner=Manner.FIRST):
            return f"do {step.key}"
        case Do(step=step, manner=manner):
            return f"do {step.key} {manner.value}"
        case Settle(step=step, verdict=verdict):
            return f"{verdict.value} {step.key}"
        case ByHand(step=step):
            return f"hand {step.key}"
        case Choose(step=step):
            return f"choose {step.key}"
        case Decide(step=step, jump=jump):
            return f"decide {step.key} {jump.target}"
        case Finish(outcome=outcome):
            return outcome.value
        case Wait():
            return "wait"
    raise AssertionError(move)


OPEN = BoundPlace(written="<x-x>", name="x_x", source=Source.ASKED, told="")
OUTPUT = BoundPlace(written="$POD", name="pod", source=Source.OUTPUT, told="", from_step="1")
BEFORE_5 = Jump(when=JumpWhen.PASSED, target="3", text="go to step 3")

TABLE = [
    ("reads run together", plan(CHECK, at("2", CHECK), at("3", CHECK)), {}, ["do 1", "do 2", "do 3"]),
    ("not with a change", plan(CHECK, at("2", CHANGE)), {}, ["do 1"]),
    ("not of another section", plan(CHECK, at("2", CHECK, section="9")), {}, ["do 1"]),
    ("not what has to be asked", plan(CHECK, at("2", CHECK, places=(OPEN,))), {}, ["do 1"]),
    ("not what needs an output", plan(CHECK, at("2", CHECK, places=(OUTPUT,))), {}, ["do 1"]),
    ("but once it is there", plan(CHECK, at("2", CHECK, places=(OUTPUT,)), at("3", CHECK)), {"s1": "passed"},
     ["do 2", "do 3"]),
    ("not what sets variables", plan(CHECK, at("2", CHECK, keeps=("X",))), {}, ["do 1"]),
    ("not in a session", plan(CHECK, at("2", CHECK, session="ssh h")), {}, ["do 1"]),
    ("a change begun is probed", plan(CHANGE), {"s1": ""}, ["do 1 resumed"]),
    ("a read begun is repeated", plan(CHECK), {"s1": ""}, ["do 1 again"]),
    ("a person is asked again", plan(MANUAL), {"s1": ""}, ["hand 1"]),
    ("a failed read is a finding", plan(CHECK, at("2", CHECK)), {"s1": "failed"}, ["do 2"]),
    ("a failed change is not", plan(CHANGE, at("2", CHECK)), {"s1": "failed"}, ["choose 1"]),
    ("unless it may fail", plan(at("1", CHANGE, on_failure="continue"), at("2", CHECK)), {"s1": "failed"}, ["do 2"]),
    ("or must not", plan(at("1", CHECK, on_failure="stop"), at("2", CHECK)), {"s1": "failed"}, ["failed"]),
    ("a rollback takes over", plan(CHANGE, at("1r", CHANGE, rolls_back="1")), {"s1": "failed"}, ["do 1r"]),
    ("and ends the run", plan(CHANGE, at("1r", CHANGE, rolls_back="1")), {"s1": "failed", "s1r": "passed"}, ["failed"]),
    ("it is not needed", plan(CHANGE, at("1r", CHANGE, rolls_back="1")), {"s1": "passed"}, ["skipped 1r"]),
    ("nor without the change", plan(CHANGE, at("1r", CHANGE, rolls_back="1")), {"s1": "skipped"}, ["skipped 1r"]),
    ("an untested condition", plan(at("1", CHANGE, conditions=(DOWN,))), {}, ["do 1"]),
    ("a condition that holds", plan(HEALTH, at("2", CHANGE, conditions=(DOWN,))), {"s1": "failed"}, ["do 2"]),
    ("one that does not", plan(HEALTH, at("2", CHANGE, conditions=(DOWN,))), {"s1": "passed"}, ["skipped 2"]),
    ("one of a person", plan(at("1", CHANGE, conditions=(MOON,))), {}, ["do 1"]),
    ("what is refused", plan(at("1", CHANGE, refusal="forbidden")), {}, ["refused 1"]),
    ("a jump that is taken", plan(at("1", HEALTH, jumps=(BEFORE_5,)), at("2", CHECK), at("3", CHECK)),
     {"s1": "passed"}, ["skipped 2"]),
    ("and arrives", plan(at("1", HEALTH, jumps=(BEFORE_5,)), at("2", CHECK), at("3", CHECK)),
     {"s1": "passed", "s2": "skipped"}, ["do 3"]),
    ("a jump that is not", plan(at("1", HEALTH, jumps=(BEFORE_5,)), at("2", CHECK), at("3", CHECK)),
     {"s1": "failed"}, ["do 2", "do 3"]),
    ("a jump to nowhere", plan(at("1", HEALTH, jumps=(replace(BEFORE_5, target="9"),)), at("2", CHECK)),
     {"s1": "passed"}, ["do 2"]),
    ("a person's jump", plan(at("1", HEALTH, jumps=(replace(BEFORE_5, when=JumpWhen.ASKED),)), at("3", CHECK)),
     {"s1": "passed"}, ["decide 1 3"]),
    ("the last check decides", plan(HEALTH, at("2", CHANGE), at("3", HEALTH)),
     {"s1": "failed", "s2": "passed", "s3": "passed"}, ["cured"]),
    ("a check before the last change says nothing", plan(HEALTH, at("2", CHANGE)),
     {"s1": "passed", "s2": "passed"}, ["passed"]),
    ("what failed after it counts", plan(HEALTH, at("2", CHANGE), at("3", CHECK)),
     {"s1": "passed", "s2": "passed", "s3": "failed"}, ["failed"]),
    ("nor does it test a condition", plan(HEALTH, at("2", CHANGE), at("3", CHANGE, conditions=(DOWN,))),
     {"s1": "passed", "s2": "passed"}, ["do 3"]),
    ("nothing was changed", plan(HEALTH), {"s1": "passed"}, ["passed"]),
    ("it is not well", plan(HEALTH), {"s1": "failed"}, ["failed"]),
    ("no check at all", plan(CHECK), {"s1": "passed"}, ["passed"]),
    ("a read that failed", plan(CHECK), {"s1": "failed"}, ["failed"]),
    ("somebody was asked", plan(at("1", MANUAL, kind=PlannedKind.ESCALATE, level=2)), {"s1": "passed"}, ["escalated"]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "of", "held", "wanted"), TABLE, ids=[row[0] for row in TABLE])
def test_what_comes_next(what: str, of: Plan, held: dict[str, str], wanted: list[str]) -> None:
    assert moves(of, journal(**held)) == wanted, what


def test_no_more_run_together_than_may() -> None:
    steps = [at(str(number), CHECK) for number in range(1, 9)]
    assert len(moves(plan(*steps), {}, parallel=3)) == 3
    assert len(moves(plan(*steps), {}, parallel=1)) == 1


@pytest.mark.parametrize(("said", "wanted"), [("go-on", "do 2"), ("stop", "failed")])
def test_a_choice_is_kept(said: str, wanted: str) -> None:
    assert moves(plan(CHANGE, at("2", CHECK)), journal(s1="failed"), after_1=said) == [wanted]


@pytest.mark.parametrize(("said", "wanted"), [("yes", "skipped 2"), ("no", "do 2")])
def test_a_decision_is_kept(said: str, wanted: str) -> None:
    asked = replace(BEFORE_5, when=JumpWhen.ASKED)
    steps = plan(at("1", HEALTH, jumps=(asked,)), at("2", CHECK), at("3", CHANGE))
    assert moves(steps, journal(s1="passed"), jump_1_3=said) == [wanted]


def test_a_wait_is_over_at_its_limit() -> None:
    step = at("1", HEALTH, kind=PlannedKind.WAIT, tries=0, limit_s=30.0)
    begun = {"1": Entry(key="1", started_at=NOW, tried_at=NOW, attempts=3, detail="not yet")}
    assert next_moves(plan(step), begun, {}, NOW)[0].__class__ is Wait
    later = next_moves(plan(step), begun, {}, NOW + timedelta(seconds=31))[0]
    assert isinstance(later, Settle)
    assert later.why == "not yet (tried 3 times in 31 s)"
    assert Outcome.FAILED.value == "failed"


@pytest.mark.parametrize(
    ("what", "of", "held", "settled"),
    [
        ("nothing has begun", plan(at("1", CHECK)), {}, 0),
        ("one has ended", plan(at("1", CHECK), at("2", CHECK)), {"s1": "passed"}, 1),
        ("one was begun", plan(at("1", CHECK), at("2", CHECK)), {"s1": "passed", "s2": ""}, 1),
        ("a finding goes on", plan(at("1", CHECK), at("2", CHECK)), {"s1": "failed"}, 1),
        ("a failed change wants a choice", plan(at("1", CHANGE), at("2", CHECK)), {"s1": "failed"}, 0),
        (
            "a jump that is taken is looked at again",
            plan(
                at("1", CHECK, jumps=(Jump(target="3", when=JumpWhen.ALWAYS, text=""),)), at("2", CHECK), at("3", CHECK)
            ),
            {"s1": "passed"},
            0,
        ),
    ],
)
def test_steps_that_have_ended_for_good_are_left_behind(
    what: str, of: Plan, held: dict[str, str], settled: int
) -> None:
    assert settled_steps(of, journal(**held), {}, NOW) == settled, what
    assert next_moves(of, journal(**held), {}, NOW, settled=settled) == next_moves(of, journal(**held), {}, NOW)


def test_ten_thousand_steps_are_decided_one_after_the_other_in_seconds() -> None:
    of = plan(*(at(str(number), CHECK) for number in range(10_000)))
    held: dict[str, Entry] = {}
    settled, begun_at = 0, time.process_time()
    for step in of.steps:
        settled = settled_steps(of, held, {}, NOW, before=settled)
        [move] = next_moves(of, held, {}, NOW, parallel=1, settled=settled)
        assert isinstance(move, Do)
        held |= journal(**{f"s{step.key}": "passed"})
    assert time.process_time() - begun_at < 10
