"""The bounds on a whole platform: a restart beyond the budget is asked, not made, and a yes passes the bound once."""

import os
import signal
from typing import Any

import pytest

from tests.e2e.conftest import MakeStation
from tests.e2e.cure import INSTANCE, break_key_service, is_well
from tests.e2e.station import Station, wait_until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def narrow_station(station_of: MakeStation) -> Station:
    """A platform that restarts an instance of the key service once an hour."""
    station = station_of()
    keys = next(each for each in station.document["services"] if each["name"] == "api_key_service")
    keys["healing"] = {"max_restarts_per_hour": 1}
    station.write_manifest()
    station.up()
    return station


def kill_and_cure(station: Station) -> None:
    since = break_key_service(station)
    wait_until(lambda: station.facts("IncidentResolved", since=since), "the first incident is over", limit_s=180)
    wait_until(lambda: is_well(station), "all is well again", limit_s=120)


def test_a_restart_beyond_the_budget_is_asked_and_a_yes_passes_it_once(narrow_station: Station) -> None:
    station = narrow_station
    wait_until(lambda: is_well(station), "the platform is ready", limit_s=120)
    kill_and_cure(station)
    since = station.last_fact()
    pid = next(each["pid"] for each in station.status()["instances"] if each["name"] == INSTANCE)
    os.kill(pid, signal.SIGKILL)

    def facts(kind: str) -> list[dict[str, Any]]:
        return station.facts(kind, since=since)

    wait_until(lambda: facts("ApprovalAsked"), "somebody is asked", limit_s=180)
    asked = facts("ApprovalAsked")[0]
    assert asked["command"] == f"stm instance restart {INSTANCE}"
    assert f"{INSTANCE} was restarted 1 times within an hour, the policy allows 1" in asked["why"]
    assert facts("InstanceRestarted") == []
    assert [each["state"] for each in facts("TargetChanged")] == ["out"], "callers are spared meanwhile"
    shown = station.json("incident", "show", str(asked["incident"]))
    assert any("the policy allows 1" in each["text"] for each in shown["timeline"])

    said = station.run("approval", "allow", asked["run"], asked["step"], "--yes", "-r", "once more", limit_s=60)
    assert said.returncode == 0, said.stdout + said.stderr
    wait_until(lambda: facts("IncidentResolved"), "the second incident is over", limit_s=180)
    assert [each["instance"] for each in facts("InstanceRestarted")] == [INSTANCE]
    wait_until(lambda: is_well(station), "all is well again", limit_s=120)
