"""The sentence that says whether a target takes requests, and the story behind it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.core.facts import BalancerState
from stationmaster.gateway.disagreement import DirectCheck
from stationmaster.gateway.explain import Evidence, Happened, NodeSays, story, verdict
from stationmaster.gateway.targets import Sighting, TargetRow

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ROW = TargetRow(virtual_host="shop", address="127.0.0.1:8081", instance="shop-1", state=BalancerState.IN)
NAME = "127.0.0.1:8081 (shop-1) of shop"
SICK = Sighting(failing=("it fails its health check",))


def says(name: str, sighting: Sighting | None, *, answered: bool = True) -> NodeSays:
    return NodeSays(node=name, connected=answered, newest=True, answered=answered, sighting=sighting)


def evidence(*nodes: NodeSays, row: TargetRow = ROW) -> Evidence:
    return Evidence(row=row, declared_at="platform.yaml:62:9", checked="", nodes=nodes, direct=None, history=())


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        (evidence(says("g-1", Sighting())), f"{NAME} takes requests from every node that answers"),
        (
            evidence(says("g-1", Sighting()), says("g-2", SICK)),
            f"{NAME} takes requests from g-1 alone: g-2: it fails its health check",
        ),
        (
            evidence(says("g-1", SICK), says("g-2", None)),
            f"{NAME} is in rotation, but no node sends to it: g-1: it fails its health check; g-2: does not know it",
        ),
        (
            evidence(says("g-1", None, answered=False)),
            f"{NAME} is in rotation, but no node answers to say whether it takes requests",
        ),
        (
            evidence(says("g-1", SICK), row=replace(ROW, manual=True, by="ada", why="a false alarm")),
            f"{NAME} is in rotation, held in by ada (a false alarm), but no node sends to it: "
            "g-1: it fails its health check",
        ),
        (
            evidence(row=replace(ROW, state=BalancerState.OUT, by="self-healing", why="it failed")),
            f"{NAME} takes no new requests: out because of self-healing (it failed)",
        ),
        (
            evidence(row=replace(ROW, state=BalancerState.DRAIN, manual=True, by="ada", why="new kernel")),
            f"{NAME} takes no new requests: held drain by ada (new kernel)",
        ),
        (evidence(row=replace(ROW, weight=0)), f"{NAME} takes no requests: its weight is 0"),
        (
            evidence(says("g-1", Sighting()), row=replace(ROW, instance=None)),
            "127.0.0.1:8081 of shop takes requests from every node that answers",
        ),
    ],
)
def test_the_verdict_is_one_sentence(seen: Evidence, sentence: str) -> None:
    assert verdict(seen) == sentence


def test_the_story_answers_what_a_person_asks_next() -> None:
    row = replace(
        ROW,
        state=BalancerState.OUT,
        by="self-healing",
        why="it failed",
        at=NOW - timedelta(minutes=3),
        incident=5,
        acknowledged={"g-2": 12.4, "g-1": 3.2},
        pending=("g-3",),
    )
    ago = NOW - timedelta(seconds=90)
    sighting = replace(SICK, succeeded=7, failed=2, connect_failures=2)
    seen = replace(
        evidence(replace(says("g-1", sighting), newest=False, failing_since=ago), row=row),
        direct=DirectCheck(ok=False, detail="connection refused", since=ago),
        history=(Happened(at=ago, by="runbook", text="restarted shop-1: step 3"),),
        incident="incident #5, shop-1 is down, is triggered",
    )
    assert story(seen, NOW) == (
        "declared at platform.yaml:62:9 with weight 100; the virtual host declares no health check: nodes judge it by "
        "its answers alone",
        "out since 02:57:00 UTC (3 min ago) by self-healing for incident #5: it failed (automatic changes apply); "
        "acknowledged by g-1 after 3 ms, by g-2 after 12 ms, not in time by g-3",
        "node g-1 sends nothing to it: it fails its health check since 02:58:30 UTC (90 s ago); 7 requests succeeded, "
        "2 failed, 0 timed out, 0 under way, 2 connections refused [it has not taken the newest configuration]",
        "direct check is bad since 02:58:30 UTC (90 s ago): connection refused",
        "incident #5, shop-1 is down, is triggered",
        "2026-11-21 02:58:30 UTC, runbook: restarted shop-1: step 3",
    )


@pytest.mark.parametrize(("manual", "told"), [(False, "checked every 100 ms"), (True, "nodes do not check it while")])
def test_the_story_says_that_nodes_do_not_check_what_is_held_in(manual: bool, told: str) -> None:
    row = replace(ROW, manual=manual, by="ada", why="a false alarm", at=NOW)
    first, *_ = story(replace(evidence(row=row), checked="checked every 100 ms"), NOW)
    assert told in first
