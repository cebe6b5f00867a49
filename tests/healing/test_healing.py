"""What healing withdraws, what it refuses, and what it notes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stationmaster.core.changes import ChangeBegan, ChangeEnded
from stationmaster.core.facts import (
    Alert,
    AlertJoined,
    BalancerState,
    EscalationAsked,
    Fact,
    IncidentOpened,
    IncidentResolved,
    InstanceQuiet,
    NoteAdded,
    TargetChanged,
)
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import HealingPolicy, PlatformSpec
from stationmaster.healing.decide import PutBack, Refuse, TakeOut, TargetView, failing_instance, on_failure, on_quiet
from stationmaster.healing.guard import Guard
from stationmaster.healing.loop import Healing
from stationmaster.healing.loop import _change as change_of
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.outbox import append, facts_of, facts_since

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
POLICY = HealingPolicy()


def ring(*states: str, virtual_host: str = "keys") -> list[TargetView]:
    return [
        TargetView(
            virtual_host=virtual_host,
            address=f"127.0.0.1:{8888 + number}",
            instance=f"key-{number}",
            state=BalancerState(state),
            incident=9 if state == "out" else None,
        )
        for number, state in enumerate(states)
    ]


@pytest.mark.parametrize(
    ("states", "policy", "refusal"),
    [
        (("in", "in", "in"), POLICY, None),
        (("in", "out", "in"), POLICY, None),
        (("in", "out", "out"), POLICY, "0 of 3 targets would be left, the policy demands 1"),
        (("in",), POLICY, "0 of 1 targets would be left, the policy demands 1"),
        (("in", "in", "in"), HealingPolicy(min_targets=3), "2 of 3 targets would be left, the policy demands 3"),
        (
            ("in", "out", "in", "in"),
            HealingPolicy(max_withdrawn_percent=40),
            "50 % would be withdrawn, the policy allows 40 %",
        ),
    ],
    ids=["one of three", "two of three", "never the last", "never the only one", "minimum kept", "share kept"],
)
def test_a_failing_target_leaves_its_ring_inside_the_bounds(
    states: tuple[str, ...], policy: HealingPolicy, refusal: str | None
) -> None:
    (move,) = on_failure("key-0", ring(*states), policy, why="down")
    if refusal is None:
        assert move == TakeOut(virtual_host="keys", address="127.0.0.1:8888", why="down")
    else:
        last = refusal.startswith("0 of")
        assert move == Refuse(virtual_host="keys", address="127.0.0.1:8888", why=refusal, last=last)


def test_every_ring_that_holds_the_instance_is_looked_at_by_itself() -> None:
    targets = ring("in", "in") + ring("in", virtual_host="other")
    assert [type(move) for move in on_failure("key-0", targets, POLICY, why="down")] == [TakeOut, Refuse]


@pytest.mark.parametrize(
    ("holders", "incident", "returns"),
    [
        ((), 9, True),
        ((), 10, False),
        ((10,), 9, False),
        ((10,), 10, True),
        ((9, 10), 9, True),
    ],
    ids=["its own", "another", "split off and still firing", "what was split off is over", "nothing fires any more"],
)
def test_a_target_returns_with_the_incident_that_has_its_alert_now(
    holders: tuple[int, ...], incident: int, returns: bool
) -> None:
    targets = [replace(each, holders=frozenset(holders)) for each in ring("out", "in")]
    assert [each.address for each in on_quiet(incident, targets)] == (["127.0.0.1:8888"] if returns else [])


def test_what_is_out_already_or_bears_no_name_is_left_alone() -> None:
    unnamed = [replace(target, instance=None) for target in ring("in", "in")]
    assert on_failure("key-0", ring("out", "in"), POLICY, why="down") == ()
    assert on_failure("key-0", unnamed, POLICY, why="down") == ()


def test_only_what_left_for_the_incident_comes_back() -> None:
    assert [move.address for move in on_quiet(9, ring("out", "in", "out"))] == ["127.0.0.1:8888", "127.0.0.1:8890"]
    assert on_quiet(8, ring("out", "in")) == ()
    assert isinstance(on_quiet(9, ring("out"))[0], PutBack)


def healing(database: Database, balancer: "RememberingBalancer", policy: HealingPolicy = POLICY) -> Healing:
    spec = PlatformSpec(environment="test", healing=policy)
    return Healing(database, balancer, Guard(database=database, spec=lambda: spec, targets=balancer.views))


class RememberingBalancer:
    """A balancer whose moves can be read afterwards."""

    def __init__(self, targets: Sequence[TargetView], *, refuses: bool = False) -> None:
        self.targets = list(targets)
        self.moves: list[tuple[str, str]] = []
        self._refuses = refuses

    async def views(self) -> Sequence[TargetView]:
        return self.targets

    async def take_out(self, virtual_host: str, address: str, *, by: str, why: str, incident: int) -> TargetChanged:
        if self._refuses:
            raise PlatformError("last-target", "it is the last target")
        return self._moved(virtual_host, address, BalancerState.OUT, by=by, why=why)

    async def put_back(self, virtual_host: str, address: str, *, by: str, why: str, incident: int) -> TargetChanged:
        return self._moved(virtual_host, address, BalancerState.IN, by=by, why=why)

    def _moved(self, virtual_host: str, address: str, state: BalancerState, *, by: str, why: str) -> TargetChanged:
        self.moves.append((address, state.value))
        return TargetChanged(
            at=NOW, virtual_host=virtual_host, target=address, state=state, by=by, why=why, acknowledged={"n1": 9.0}
        )


def opened() -> IncidentOpened:
    labels = {"alertname": "ServiceInstanceDown", "instance": "key-0"}
    alert = Alert(fingerprint="f", labels=labels, summary="down", url="http://127.0.0.1:1", starts_at=NOW)
    return IncidentOpened(at=NOW, incident=9, title="t", alert=alert)


async def notes(database: Database) -> list[str]:
    return [fact.text for fact in await facts_since(database, NOW) if isinstance(fact, NoteAdded)]


async def test_an_incident_takes_its_target_out_and_leaves_a_note(database: Database) -> None:
    balancer = RememberingBalancer(ring("in", "in", "in"))
    await healing(database, balancer).act(opened())
    assert balancer.moves == [("127.0.0.1:8888", "out")]
    assert await notes(database) == [
        "self-healing removed 127.0.0.1:8888 from keys because key-0 fails its health check; acknowledged by n1"
    ]


async def test_a_removal_that_a_crash_cut_off_before_its_note_is_noted_afterwards(database: Database) -> None:
    done = [replace(target, by="self-healing") for target in ring("out", "in", "in")]
    balancer = RememberingBalancer(done)
    await healing(database, balancer).act(opened())
    assert balancer.moves == []
    assert await notes(database) == [
        "self-healing removed 127.0.0.1:8888 from keys because key-0 fails its health check"
    ]


@pytest.mark.parametrize("by", ["self-healing", "runbook run-9"])
async def test_a_removal_that_a_crash_cut_off_holds_up_no_other_change(database: Database, by: str) -> None:
    fact = opened()
    dying = healing(database, RememberingBalancer(ring("in", "in", "in")))
    (move,) = on_failure("key-0", ring("in", "in", "in"), POLICY, why="down")
    change = change_of(move, fact, dying.guard)
    await dying.guard.begin(change, incident=9, waits=False)
    after = healing(database, RememberingBalancer([replace(each, by=by) for each in ring("out", "in", "in")]))
    for _ in range(2):
        await after.act(fact)
    ended = await facts_of(database, ChangeEnded, NOW)
    assert [(each.run, each.step) for each in ended] == [(change.run, change.step)]


async def test_a_removal_that_fails_asks_for_the_manual_one(database: Database) -> None:
    balancer = RememberingBalancer(ring("in", "in", "in"), refuses=True)
    await healing(database, balancer).act(opened())
    assert balancer.moves == []
    assert await notes(database) == [
        "self-healing could not remove 127.0.0.1:8888 from keys: it is the last target; remove it manually"
    ]


async def test_a_resolved_incident_leaves_no_target_behind(database: Database) -> None:
    balancer = RememberingBalancer(ring("out", "in", "in"))
    await healing(database, balancer).act(IncidentResolved(at=NOW, incident=9))
    assert balancer.moves == [("127.0.0.1:8888", "in")]
    assert await notes(database) == [
        "self-healing put 127.0.0.1:8888 back into keys: every alert of incident #9 has recovered"
    ]


def of(labels: dict[str, str], rule: str = "") -> Alert:
    return Alert(fingerprint="f", labels=labels, summary="", url="", starts_at=NOW, rule=rule)


@pytest.mark.parametrize(
    ("alert", "instance"),
    [
        (of({"alertname": "ServiceInstanceDown", "instance": "key-0"}), "key-0"),
        (of({"alertname": "ServiceInstanceDown", "instance": "key-0"}, rule="alertmanager"), None),
        (of({"alertname": "HighLatency", "instance": "key-0"}, rule="runbooks/latency.md:41"), None),
        (of({"alertname": "UpstreamErrors", "instance": "key-0"}), None),
        (of({"alertname": "ServiceInstanceDown"}), None),
    ],
    ids=["our own check", "somebody else says so", "slowness", "errors", "no instance"],
)
def test_only_a_check_of_the_instance_itself_shows_that_it_is_dead(alert: Alert, instance: str | None) -> None:
    assert failing_instance(alert) == instance


def joined(instance: str, *, worked: bool = True) -> AlertJoined:
    alert = of({"alertname": "ServiceInstanceDown", "instance": instance})
    return AlertJoined(at=NOW, incident=9, alert=alert, why="the same service", worked=worked)


async def test_an_alert_that_joins_takes_its_target_out_too_inside_the_bounds(database: Database) -> None:
    balancer = RememberingBalancer(ring("in", "out", "in"))
    await healing(database, balancer).act(joined("key-0"))
    assert balancer.moves == [("127.0.0.1:8888", "out")]
    balancer = RememberingBalancer(ring("in", "out", "out"))
    await healing(database, balancer).act(joined("key-0"))
    assert balancer.moves == []
    assert "127.0.0.1:8888 stays in keys: 0 of 3 targets would be left" in (await notes(database))[-1]


async def test_what_only_follows_takes_nothing_out(database: Database) -> None:
    balancer = RememberingBalancer(ring("in", "in", "in"))
    await healing(database, balancer).act(joined("key-0", worked=False))
    assert balancer.moves == []


@pytest.mark.parametrize(
    ("fact", "moves"),
    [
        (InstanceQuiet(at=NOW, incident=9, instance="key-1"), [("127.0.0.1:8889", "in")]),
        (InstanceQuiet(at=NOW, incident=8, instance="key-1"), []),
        (InstanceQuiet(at=NOW, incident=9, instance="key-2"), []),
        (IncidentResolved(at=NOW, incident=9), [("127.0.0.1:8888", "in"), ("127.0.0.1:8889", "in")]),
    ],
    ids=["its own", "of another incident", "that is in", "what remains"],
)
async def test_an_instance_that_is_quiet_comes_back_alone(
    database: Database, fact: Fact, moves: list[tuple[str, str]]
) -> None:
    balancer = RememberingBalancer(ring("out", "out", "in"))
    await healing(database, balancer).act(fact)
    assert balancer.moves == moves


async def test_what_healing_removes_is_counted_and_the_budget_asks_a_person(database: Database) -> None:
    balancer = RememberingBalancer(ring("in", "in", "in"))
    await healing(database, balancer, HealingPolicy(max_actions_per_hour=0)).act(opened())
    assert balancer.moves == []
    assert "0 changes were made within an hour, the policy allows 0" in (await notes(database))[0]
    (asked,) = await facts_of(database, EscalationAsked, NOW)
    assert asked.level == 1
    assert "stm target out keys 127.0.0.1:8888" in asked.why
    await healing(database, balancer).act(opened())
    assert balancer.moves == [("127.0.0.1:8888", "out")]
    assert len(await facts_of(database, ChangeBegan, NOW)) == 1


async def test_the_last_target_stays_and_nobody_is_called_for_what_nobody_may_do(database: Database) -> None:
    await healing(database, RememberingBalancer(ring("in", "out"))).act(opened())
    assert (await notes(database))[0].startswith("127.0.0.1:8888 stays in keys: 0 of 2 targets would be left")
    assert not await facts_of(database, EscalationAsked, NOW)


class HoldingBalancer(RememberingBalancer):
    """A balancer in which somebody holds every target."""

    async def take_out(self, virtual_host: str, address: str, *, by: str, why: str, incident: int) -> TargetChanged:
        raise PlatformError("held-manually", f"{address} is held in by ada")


def removed_by_hand(virtual_host: str = "keys") -> TargetChanged:
    return TargetChanged(
        at=utc_now(),
        virtual_host=virtual_host,
        target="127.0.0.1:8888",
        state=BalancerState.OUT,
        by="ada",
        why="it is dead",
        acknowledged={"n1": 9.0},
        manual=True,
    )


async def test_a_removal_that_a_balancer_refuses_is_asked_of_a_person_once_and_recorded(database: Database) -> None:
    room = healing(database, HoldingBalancer(ring("in", "in", "in")))
    await room.act(opened())
    await room.act(opened())
    (asked,) = await facts_of(database, EscalationAsked, NOW)
    assert asked.why == (
        "self-healing could not remove 127.0.0.1:8888 from keys: 127.0.0.1:8888 is held in by ada; remove it manually: "
        '`stm target out keys 127.0.0.1:8888 --reason "manually removed target"`'
    )
    await room.act(removed_by_hand("other"))
    await room.act(removed_by_hand())
    found = [fact for fact in await facts_of(database, NoteAdded, NOW) if fact.by == "ada"]
    assert [(each.incident, each.text) for each in found] == [
        (9, "manually removed target 127.0.0.1:8888 from keys: it is dead")
    ]


async def test_what_people_remove_without_being_asked_is_no_business_of_an_incident(database: Database) -> None:
    room = healing(database, RememberingBalancer(ring("in", "in", "in")))
    await room.act(opened())
    await room.act(removed_by_hand())
    assert not [fact for fact in await facts_of(database, NoteAdded, NOW) if fact.by == "ada"]


async def test_an_incident_that_is_over_hears_of_no_removal(database: Database) -> None:
    room = healing(database, HoldingBalancer(ring("in", "in", "in")))
    await room.act(opened())
    async with database.write() as connection:
        await append(connection, IncidentResolved(at=utc_now(), incident=9))
    await room.act(removed_by_hand())
    assert not [fact for fact in await facts_of(database, NoteAdded, NOW) if fact.by == "ada"]
