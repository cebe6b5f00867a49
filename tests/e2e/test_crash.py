"""kill -9 of the control plane in the middle of an incident: the next `up` completes it."""

import os
import signal
import time
from typing import Any

import httpx
import pytest

from tests.e2e.station import Station, wait_until

pytestmark = pytest.mark.e2e

MOMENTS = [
    "AlertFired",
    "IncidentOpened",
    "RunStarted",
    "TargetChanged",
    "RunStepEnded",
    "InstanceRestarted",
    "AlertRecovered",
    "RunEnded",
]


def break_key_service(station: Station) -> int:
    """Kills an instance and returns the number of the last fact before that."""
    last = station.last_fact()
    pid = next(each["pid"] for each in station.status()["instances"] if each["name"] == "key-us-south")
    os.kill(pid, signal.SIGKILL)
    return last


def assert_cured_once(station: Station, since: int) -> None:
    def facts(kind: str) -> list[dict[str, Any]]:
        return station.facts(kind, since=since)

    wait_until(lambda: facts("IncidentResolved"), "the incident is resolved", limit_s=60)
    wait_until(lambda: station.status()["ready"], "all is well again")
    assert {each["state"] for each in station.status()["targets"]} == {"in"}
    assert [len(facts(kind)) for kind in ("IncidentOpened", "RunStarted", "IncidentResolved")] == [1, 1, 1]
    assert [fact["outcome"] for fact in facts("RunEnded")] == ["cured"]
    assert len(facts("InstanceRestarted")) <= 1
    assert [fact["state"] for fact in facts("TargetChanged")] == ["out", "in"]
    health = httpx.get(f"{station.instance_url('key-us-south')}/api/auth/healthz")
    assert "The API is available and operational" in health.text


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_as_soon_as_a_fact_is_written_the_loop_completes_after_the_next_up(
    station: Station, moment: str
) -> None:
    since = break_key_service(station)
    wait_until(lambda: station.facts(moment, since=since), f"{moment} is written")
    station.kill_control_plane()
    assert httpx.get(f"{station.node_url()}/api/auth/jwks").status_code == 200
    station.up()
    assert_cured_once(station, since)


def test_killed_alone_and_again_and_again_the_control_plane_is_started_by_its_supervisor(station: Station) -> None:
    since = break_key_service(station)
    for _ in range(3):
        time.sleep(0.4)
        before = station.control_pid()
        os.kill(before, signal.SIGKILL)
        wait_until(lambda before=before: station.control_pid() != before, "a new control plane")  # type: ignore[misc]
    assert_cured_once(station, since)
