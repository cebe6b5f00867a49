"""What people do by hand while an incident is open stands in its timeline."""

from dataclasses import replace

from stationmaster.core.facts import BalancerState, InstanceRestarted, RunDeclined, TargetChanged
from stationmaster.runtime.db import Database
from tests.incidents.test_incidents import alert, at, fired, recovered, told

URL = "http://127.0.0.1:8888/api/auth/healthz"
DOWN = replace(alert(), summary=f"Service: api_key_service in env: sample is down, url is {URL}")


def change(seconds: float, target: str) -> TargetChanged:
    return TargetChanged(
        at=at(seconds),
        virtual_host="api_key_service",
        target=target,
        state=BalancerState.OUT,
        by="ada",
        why="looks odd",
        acknowledged={"gateway-1": 3.0},
        manual=True,
    )


def restart(seconds: float, instance: str) -> InstanceRestarted:
    return InstanceRestarted(at=at(seconds), instance=instance, by="ada", why="leaks memory")


async def test_a_target_taken_out_and_an_instance_restarted_by_hand_are_noted_on_their_incident(
    database: Database,
) -> None:
    others = replace(alert("f2", "key-eu-de"), url="http://127.0.0.1:88881/x")
    incidents = await told(
        database,
        fired(0, DOWN),
        fired(0, others),
        change(1, "127.0.0.1:8888"),
        change(2, "127.0.0.1:9999"),
        restart(3, "key-us-south"),
        restart(4, "sample-1"),
    )
    entries = {}
    for number in (1, 2):
        found = await incidents.find(number)
        assert found is not None
        entries[number] = [(each.kind, each.by) for each in found[1] if each.by == "ada"]
    assert entries == {1: [("target.out", "ada"), ("instance.restarted", "ada")], 2: []}


async def test_an_incident_that_is_over_is_left_alone(database: Database) -> None:
    incidents = await told(
        database,
        fired(0, DOWN),
        RunDeclined(at=at(1), incident=1, why="no match"),
        recovered(2, DOWN),
        change(3, "127.0.0.1:8888"),
    )
    found = await incidents.find(1)
    assert found is not None
    assert "target.out" not in [each.kind for each in found[1]]
