"""kill -9 of the control plane in the middle of an incident: the next `up` completes it."""

import os
import signal
import time
from typing import Any

import httpx
import pytest

from tests.e2e.cure import assert_cured_once, break_key_service, cure_facts
from tests.e2e.station import Station, alive, wait_until

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


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_as_soon_as_a_fact_is_written_the_loop_completes_after_the_next_up(
    station: Station, moment: str
) -> None:
    since = break_key_service(station)
    wait_until(lambda: cure_facts(station, moment, since=since), f"{moment} is written")
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


def test_a_control_plane_whose_supervisor_was_killed_is_replaced_by_the_next_up(station: Station) -> None:
    before = {each["name"]: each["pid"] for each in station.status()["instances"]}
    orphan = station.control_pid()
    supervisor = station.supervisor_pid()
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: not alive(supervisor), "the supervisor is gone")
    assert alive(orphan)
    station.up()
    assert station.control_pid() != orphan
    assert {each["name"]: each["pid"] for each in station.status()["instances"]} == before


def test_killed_while_its_supervisor_waits_until_all_is_ready_it_is_started_again(station: Station) -> None:
    since = break_key_service(station)
    wait_until(lambda: cure_facts(station, "AlertFired", since=since), "the alert has fired")
    station.kill_control_plane()
    with station.begin_up() as starting:
        wait_until(lambda: station.is_up() and station.run("status").returncode == 0, "the control plane answers")
        before = station.control_pid()
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: station.control_pid() != before, "a new control plane")
        assert httpx.get(f"{station.node_url()}/api/auth/jwks").status_code == 200
        assert starting.wait(60) == 0
    assert_cured_once(station, since)


def test_a_control_plane_that_cannot_start_leaves_the_gateway_and_the_services_alone(station: Station) -> None:
    station.kill_control_plane()
    key = station.state / "master.key"
    kept = key.read_bytes()
    key.write_bytes(b"spoilt")
    try:
        with station.begin_up() as starting:
            assert starting.wait(60) == 1
        wait_until(lambda: not station.is_up(), "the supervisor has given up")
        assert httpx.get(f"{station.node_url()}/api/auth/jwks").status_code == 200
    finally:
        key.write_bytes(kept)
    station.up()


def test_its_own_death_is_an_incident_that_is_worked_and_a_stop_is_none(station: Station) -> None:
    since = station.last_fact()
    os.kill(station.control_pid(), signal.SIGKILL)

    def told(kind: str) -> list[dict[str, Any]]:
        return station.facts(kind, since=since)

    wait_until(lambda: told("IncidentResolved"), "its incident is resolved", limit_s=120)
    (fired,) = told("AlertFired")
    assert fired["alert"]["labels"] | {"severity": "any"} == {
        "alertname": "ControlPlaneDown",
        "environment": "sample",
        "service": "control",
        "severity": "any",
    }
    assert "it died and was away for" in fired["alert"]["summary"]
    assert "its supervisor saw it end by signal 9" in fired["evidence"]
    assert [fact["runbook"] for fact in told("RunStarted")] == ["The control plane is down"]
    since = station.last_fact()
    station.down()
    station.up()
    assert told("AlertFired") == []
