"""What the bounds allow, refuse and put off; and that no order of runs exceeds them."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.core.facts import BalancerState
from stationmaster.core.healing import HealingOverrides, HealingPolicy
from stationmaster.healing.bounds import Allowed, Busy, Change, Done, Judged, Refused, Situation, judge
from stationmaster.healing.decide import TargetView
from stationmaster.healing.touched import Touched

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
KEYS = frozenset({"keys"})
RESTART = Change(
    run="run-1", step="3", attempt=1, touches=Touched(services=KEYS, restarts=("key-1",), only_restarts=True)
)
MORE_THAN_A_RESTART = replace(RESTART, touches=replace(RESTART.touches, only_restarts=False))
DOWN = frozenset({"key-1", "key-2"})
REMOVE = Change(
    run="run-1",
    step="2",
    attempt=1,
    touches=Touched(services=KEYS, withdraws=(("keys", "a:1"),), only_moves=True),
)
NODE = Change(run="run-1", step="1", attempt=1, touches=Touched(restarts=("gw-1",), nodes=("gw-1",)))
RETURN = Change(run="run-1", step="5", attempt=1, touches=Touched(services=KEYS, only_moves=True, only_returns=True))


def done(
    minutes_ago: float = 1, *, run: str = "run-0", services: frozenset[str] = KEYS, restarts: tuple[str, ...] = (),
    is_open: bool = False, counts: bool = True, revives: bool = False,
) -> Done:  # fmt: skip
    at = NOW - timedelta(minutes=minutes_ago)
    key = (run, f"at {minutes_ago}", 1)
    return Done(at=at, key=key, services=services, restarts=restarts, is_open=is_open, counts=counts, revives=revives)


def ring(*states: str) -> tuple[TargetView, ...]:
    return tuple(
        TargetView(
            virtual_host="keys",
            address=f"a:{number}",
            instance=f"key-{number}",
            state=BalancerState(state),
            incident=None,
        )
        for number, state in enumerate(states, start=1)
    )


def at(policy: HealingPolicy | None = None, **known: object) -> Situation:
    declared = policy or HealingPolicy()
    return replace(Situation(policy_of=lambda _service: declared), **known)  # type: ignore[arg-type]


TWICE = HealingPolicy(max_restarts_per_hour=2)
ROWS: list[tuple[str, Change, Situation, str]] = [
    ("nothing was done yet", RESTART, at(), "allowed"),
    ("below the budget", RESTART, at(TWICE, done=[done(restarts=("key-1",))]), "allowed"),
    (
        "the budget of the instance is used up",
        RESTART,
        at(TWICE, done=[done(5, restarts=("key-1",)), done(9, restarts=("key-1",))]),
        "key-1 was restarted 2 times within an hour, the policy allows 2",
    ),
    (
        "others of the service do not count",
        RESTART,
        at(TWICE, done=[done(5, restarts=("key-2",)), done(9, restarts=("key-2",))]),
        "allowed",
    ),
    (
        "what is an hour old does not count",
        RESTART,
        at(TWICE, done=[done(5, restarts=("key-1",)), done(60, restarts=("key-1",))]),
        "allowed",
    ),
    (
        "what was taken back does not count",
        RESTART,
        at(TWICE, done=[done(5, restarts=("key-1",)), done(9, restarts=("key-1",), counts=False)]),
        "allowed",
    ),
    ("a budget of nothing", RESTART, at(HealingPolicy(max_restarts_per_hour=0)), "key-1 was restarted 0 times"),
    (
        "the platform has done enough",
        RESTART,
        at(HealingPolicy(max_actions_per_hour=2), done=[done(1, services=frozenset()), done(2)]),
        "2 changes were made within an hour, the policy allows 2",
    ),
    ("another run works on it", RESTART, at(done=[done(is_open=True)]), "busy: run-0 changes keys"),
    ("its own change is no hindrance", RESTART, at(done=[done(is_open=True, run="run-1")]), "allowed"),
    (
        "another run works on something else",
        RESTART,
        at(done=[done(is_open=True, services=frozenset({"shop"}))]),
        "allowed",
    ),
    (
        "another run starts another instance that is down as well",
        RESTART,
        at(down=DOWN, done=[done(is_open=True, restarts=("key-2",), revives=True)]),
        "allowed",
    ),
    (
        "this instance is up",
        RESTART,
        at(done=[done(is_open=True, restarts=("key-2",), revives=True)]),
        "busy: run-0 changes keys",
    ),
    (
        "the other instance was up",
        RESTART,
        at(down=DOWN, done=[done(is_open=True, restarts=("key-2",))]),
        "busy: run-0 changes keys",
    ),
    (
        "another run starts the same instance",
        RESTART,
        at(down=DOWN, done=[done(is_open=True, restarts=("key-1",), revives=True)]),
        "busy: run-0 changes keys",
    ),
    (
        "something else is done besides",
        MORE_THAN_A_RESTART,
        at(down=DOWN, done=[done(is_open=True, restarts=("key-2",), revives=True)]),
        "busy: run-0 changes keys",
    ),
    (
        "several changes at once are wanted",
        RESTART,
        at(HealingPolicy(one_change_at_a_time=False), done=[done(is_open=True)]),
        "allowed",
    ),
    ("a target of three", REMOVE, at(targets=ring("in", "in", "in")), "allowed"),
    ("the last target", REMOVE, at(targets=ring("in", "out")), "left out: a:1 stays in keys: 0 of 2 targets"),
    (
        "a larger share",
        REMOVE,
        at(HealingPolicy(max_withdrawn_percent=40), targets=ring("in", "in")),
        "left out: a:1 stays in keys: 50 % would be withdrawn",
    ),
    ("what is out already", REMOVE, at(targets=ring("out", "in")), "allowed"),
    ("a node while the other serves", NODE, at(serving=frozenset({"gw-1", "gw-2"})), "allowed"),
    ("a node that hangs while the other serves", NODE, at(serving=frozenset({"gw-2"})), "allowed"),
    ("the last node", NODE, at(serving=frozenset({"gw-1"})), "no other gateway node serves while gw-1 is away"),
    ("it got worse before", RESTART, at(worse=["callers fare worse since step 2: 40 %"]), "callers fare worse"),
    (
        "what puts back is bound by nothing",
        RETURN,
        at(HealingPolicy(max_actions_per_hour=0), done=[done(is_open=True)], worse=["worse"]),
        "allowed",
    ),
    (
        "what takes back is bound by nothing",
        replace(RESTART, takes_back=True),
        at(HealingPolicy(max_restarts_per_hour=0), done=[done(is_open=True)], worse=["worse"]),
        "allowed",
    ),
    (
        "what was counted before a crash is not counted again",
        RESTART,
        at(HealingPolicy(max_restarts_per_hour=0), done=[replace(done(), key=RESTART.key)]),
        "allowed",
    ),
]


def said(judged: Judged) -> str:
    match judged:
        case Allowed():
            return "allowed"
        case Busy(why=why):
            return f"busy: {why}"
        case Refused(why=why, asks=asks):
            return ("" if asks else "left out: ") + "; ".join(why)


@pytest.mark.parametrize(("change", "situation", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_the_bounds_say(change: Change, situation: Situation, expected: str) -> None:
    assert said(judge(change, situation, NOW)).startswith(expected)


def test_two_targets_of_one_command_are_counted_together() -> None:
    touches = Touched(services=KEYS, withdraws=(("keys", "a:1"), ("keys", "a:2")), only_moves=True)
    judged = judge(replace(REMOVE, touches=touches), at(targets=ring("in", "in")), NOW)
    assert said(judged) == "left out: a:2 stays in keys: 0 of 2 targets would be left, the policy demands 1"


def test_what_a_service_declares_comes_before_what_the_platform_declares() -> None:
    platform = HealingPolicy(max_restarts_per_hour=9, max_actions_per_hour=9)
    own = HealingOverrides(max_restarts_per_hour=1).over(platform)
    situation = Situation(
        policy_of=lambda service: own if service == "keys" else platform, done=[done(restarts=("key-1",))]
    )
    assert isinstance(judge(RESTART, situation, NOW), Refused)
    elsewhere = replace(RESTART, touches=replace(RESTART.touches, services=frozenset({"shop"})))
    assert isinstance(judge(elsewhere, situation, NOW), Allowed)
    assert own.max_actions_per_hour == 9


WISHES = st.lists(
    st.tuples(
        st.integers(0, 3),  # run
        st.sampled_from(["key-1", "key-2", "shop-1"]),
        st.integers(0, 1200),  # seconds since the wish before
        st.booleans(),  # whether it ends before the next wish
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(wishes=WISHES, restarts=st.integers(0, 3), actions=st.integers(0, 8))
def test_no_order_of_runs_exceeds_a_budget(
    wishes: list[tuple[int, str, int, bool]], restarts: int, actions: int
) -> None:
    policy = HealingPolicy(max_restarts_per_hour=restarts, max_actions_per_hour=actions)
    made: list[Done] = []
    now = NOW
    for number, (run, instance, pause_s, ends) in enumerate(wishes):
        now += timedelta(seconds=pause_s)
        service = frozenset({instance.partition("-")[0]})
        change = Change(
            run=f"run-{run}", step=str(number), attempt=1, touches=Touched(services=service, restarts=(instance,))
        )
        judged = judge(change, Situation(policy_of=lambda _service: policy, done=made), now)
        if isinstance(judged, Allowed):
            made.append(Done(at=now, key=change.key, services=service, restarts=(instance,), is_open=not ends))
        hour = [each for each in made if now - each.at < timedelta(hours=1)]
        assert len(hour) <= actions
        assert all(count <= restarts for count in Counter(name for each in hour for name in each.restarts).values())
        under_way = [(each.key[0], next(iter(each.services))) for each in hour if each.is_open]
        assert all(len({run for run, service in under_way if service == wanted}) <= 1 for _, wanted in under_way)
