"""kill -9 of the control plane in the middle of an incident: the next `up` completes it."""

import os
import signal
import time

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


def resolved(station: Station) -> bool:
    return bool(station.facts("IncidentResolved"))


def break_key_service(station: Station) -> None:
    pid = next(each["pid"] for each in station.status()["instances"] if each["name"] == "key-us-south")
    os.kill(pid, signal.SIGKILL)


def assert_cured_once(station: Station) -> None:
    wait_until(lambda: resolved(station), "the incident is resolved", limit_s=60)
    wait_until(lambda: station.status()["ready"], "all is well again")
    wait_until(lambda: {each["state"] for each in station.status()["targets"]} == {"in"}, "every target is back")
    assert len(station.facts("IncidentOpened")) == 1
    assert len(station.facts("IncidentResolved")) == 1
    assert [fact["outcome"] for fact in station.facts("RunEnded")] == ["cured"]
    assert len(station.facts("InstanceRestarted")) <= 1
    changes = [(fact["target"], fact["state"]) for fact in station.facts("TargetChanged")]
    assert [state for _, state in changes] == ["out", "in"]
    health = httpx.get(f"{station.instance_url('key-us-south')}/api/auth/healthz")
    assert "The API is available and operational" in health.text


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_as_soon_as_a_fact_is_written_the_loop_completes_after_the_next_up(
    station: Station, moment: str
) -> None:
    break_key_service(station)
    wait_until(lambda: station.facts(moment), f"{moment} is written")
    station.kill_control_plane()
    assert httpx.get(f"{station.node_url()}/api/auth/jwks").status_code == 200
    station.up()
    assert_cured_once(station)


def test_killed_alone_and_again_and_again_the_control_plane_is_started_by_its_supervisor(station: Station) -> None:
    break_key_service(station)
    for _ in range(3):
        time.sleep(0.4)
        before = station.control_pid()
        os.kill(before, signal.SIGKILL)
        wait_until(lambda before=before: station.control_pid() != before, "a new control plane")  # type: ignore[misc]
    assert_cured_once(station)
