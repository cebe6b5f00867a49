"""Where nodes, registry and direct checks disagree, and when that is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.core.facts import BalancerState
from stationmaster.gateway.disagreement import (
    DirectCheck,
    Finding,
    Kind,
    NodeView,
    View,
    follow,
    lasting,
    mendable,
    resent,
)
from stationmaster.gateway.targets import Sighting, TargetRow

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
WHERE = ("shop", "127.0.0.1:8081")
ROW = TargetRow(virtual_host="shop", address="127.0.0.1:8081", instance="shop-1", state=BalancerState.IN)
WELL, SICK = Sighting(), Sighting(failing=("it fails its health check",))
GOOD = DirectCheck(ok=True, detail="status 200", since=NOW)
BAD = DirectCheck(ok=False, detail="connection refused", since=NOW)


def node(name: str, sighting: Sighting | None = WELL, *, connected: bool = True, newest: bool = True) -> NodeView:
    seen = {} if sighting is None else {WHERE: sighting}
    return NodeView(name=name, connected=connected, newest=newest, seen=seen)


def view(*nodes: NodeView, row: TargetRow = ROW, direct: DirectCheck | None = GOOD) -> View:
    checks = {"shop-1": direct} if direct else {}
    return View(nodes=nodes, targets=(row,), direct=checks, checked=frozenset({"shop"}))


def texts(seen: View) -> list[str]:
    return [each.text for each in follow((), seen, NOW)]


OUT = replace(ROW, state=BalancerState.OUT, manual=True, by="ada", why="new kernel")
DRAINING = replace(ROW, state=BalancerState.DRAIN, manual=True)
HELD_IN = replace(ROW, manual=True, by="ada", why="a false alarm")
LEFT = replace(ROW, state=BalancerState.OUT, by="self-healing", why="it failed", incident=5)


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (view(node("g-1"), node("g-2")), []),
        (view(node("g-1", None), row=OUT), []),
        (view(node("g-1", Sighting(draining=True)), row=DRAINING), []),
        (view(node("g-1", SICK), direct=BAD), []),
        (view(node("g-1", SICK), direct=None), []),
        (
            view(node("g-1", None), node("g-2"), row=OUT),
            ["node g-2 still sends to 127.0.0.1:8081 of shop that is out"],
        ),
        (view(node("g-1"), row=DRAINING), ["node g-1 still sends to 127.0.0.1:8081 of shop that drains"]),
        (
            view(node("g-1"), row=replace(ROW, weight=0)),
            ["node g-1 still sends to 127.0.0.1:8081 of shop that has no weight"],
        ),
        (
            view(node("g-1", None)),
            ["127.0.0.1:8081 of shop is in rotation, but node g-1 does not know it"],
        ),
        (
            view(node("g-1", Sighting(draining=True))),
            ["127.0.0.1:8081 of shop is in rotation, but node g-1 holds it as draining"],
        ),
        (
            view(node("g-1", SICK), node("g-2", SICK)),
            [
                "every node finds 127.0.0.1:8081 of shop unhealthy (it fails its health check) "
                "while the direct check is good"
            ],
        ),
        (
            view(node("g-1", SICK), node("g-2")),
            [
                "node g-1 finds 127.0.0.1:8081 of shop unhealthy (it fails its health check) "
                "while the direct check is good"
            ],
        ),
        (
            view(node("g-1"), node("g-2", SICK), direct=BAD),
            ["127.0.0.1:8081 of shop fails its direct check (connection refused) while g-1 sends to it"],
        ),
        (
            view(node("g-1"), row=HELD_IN, direct=BAD),
            [
                "127.0.0.1:8081 of shop fails its direct check (connection refused) while g-1 sends to it; "
                "it is held in by ada (a false alarm)"
            ],
        ),
        (
            view(node("g-1", connected=False, newest=False)),
            ["node g-1 is not connected to the control plane"],
        ),
        (
            view(node("g-1", connected=False, newest=False), row=OUT),
            [
                "node g-1 is not connected to the control plane",
                "node g-1 still sends to 127.0.0.1:8081 of shop that is out",
            ],
        ),
        (view(node("g-1", None, connected=False)), ["node g-1 is not connected to the control plane"]),
        (
            view(node("g-1", newest=False)),
            ["node g-1 has not taken the newest configuration; `node show g-1` tells what it refuses"],
        ),
        (
            view(replace(node("g-1"), seen=None)),
            ["node g-1 is connected, but its administration does not answer"],
        ),
        (view(node("g-1", None), row=LEFT), []),
        (
            replace(view(node("g-1", None), row=LEFT), over=frozenset({5})),
            ["127.0.0.1:8081 of shop is out since a change by self-healing (it failed), but its direct check is good"],
        ),
    ],
)
def test_disagreements_are_said_in_words(seen: View, found: list[str]) -> None:
    assert texts(seen) == found


def test_a_target_that_is_not_declared_is_no_business_of_a_node() -> None:
    seen = replace(view(node("g-1")), targets=())
    assert texts(seen) == ["node g-1 still sends to 127.0.0.1:8081 of shop that is not declared"]


def test_a_virtual_host_without_checks_is_named_as_such() -> None:
    (text,) = texts(replace(view(node("g-1"), direct=BAD), checked=frozenset()))
    assert text.endswith("the virtual host declares no health check")


def test_a_disagreement_becomes_a_finding_when_it_lasts_and_ends_with_its_cause() -> None:
    wrong = view(node("g-1"), row=OUT)
    found = follow((), wrong, NOW)
    assert lasting(found, NOW) == ()
    later = NOW + timedelta(seconds=3)
    found = follow(found, wrong, later)
    assert [(each.kind, each.since) for each in lasting(found, later)] == [(Kind.STILL_SENT, NOW)]
    assert follow(found, view(node("g-1", None), row=OUT), later) == ()


def test_what_a_message_may_mend_is_sent_again_but_not_all_the_time() -> None:
    wrong, found, sent_at = view(node("g-1"), row=OUT), tuple[Finding, ...](), []
    for second in range(30):
        now = NOW + timedelta(seconds=second)
        found = follow(found, wrong, now)
        if due := mendable(found, now):
            sent_at.append(second)
            found = resent(found, due, now)
    assert sent_at == [3, 13, 23]
    assert found[0].resent == 3


def test_what_no_message_can_mend_is_told_alone() -> None:
    wrong = view(node("g-1", SICK))
    found = follow((), wrong, NOW)
    later = NOW + timedelta(minutes=1)
    found = follow(found, wrong, later)
    assert [each.kind for each in lasting(found, later)] == [Kind.FOUND_FAILING]
    assert mendable(found, later) == ()
