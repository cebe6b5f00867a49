"""Things are broken on purpose on a whole platform under load: it works them by itself, and nothing stays broken."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.station import Station, drilled, running, sample_with_free_ports, wait_until

pytestmark = pytest.mark.e2e

RUNBOOKS = Path(__file__).parents[2] / "runbooks"


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[Station]:
    with running(tmp_path_factory.mktemp("drills"), sample_with_free_ports(free_port, [RUNBOOKS])) as built:
        yield built


def kinds(report: dict[str, Any]) -> set[str]:
    return {entry["kind"] for entry in report["timeline"]}


def test_a_gateway_node_that_dies_is_an_incident_of_its_own_that_no_client_notices(station: Station) -> None:
    report = drilled(station, "gateway-node-down")
    assert (report["passed"], report["load"]["lost"]) == (True, 0)
    assert report["load"]["elsewhere"] > 0, "clients met the dead node"
    assert report["restarted_s"] is not None, "the supervisor started it again, and the incident tells of it"
    steps = [entry["text"] for entry in report["timeline"] if entry["kind"] == "run.step"]
    assert any("ran `stm node show gateway-1`" in text for text in steps)


def test_an_instance_that_answers_something_else_is_found_taken_out_restarted_and_put_back(station: Station) -> None:
    report = drilled(station, "key-service-instance-wrong-body")
    assert (report["passed"], report["load"]["lost"]) == (True, 0)
    assert report["diagnosis"] in ("right", "open")
    assert len(report["incidents"]) == 1
    assert {"target.out", "instance.restarted", "target.in", "run.ended", "incident.resolved"} <= kinds(report)


def test_a_service_that_is_down_in_all_regions_is_one_incident_and_every_instance_is_cured(station: Station) -> None:
    report = drilled(station, "key-service-down")
    assert (report["passed"], report["lost_allowed"], report["steady_again"]) == (True, True, True)
    assert len(report["incidents"]) == 1
    restarted = {
        text for entry in report["timeline"] if entry["kind"] == "instance.restarted" for text in [entry["text"]]
    }
    for name in ("key-us-south", "key-us-east", "key-eu-de"):
        assert any(name in text for text in restarted), name


def test_what_hangs_goes_on_when_its_time_is_over(station: Station) -> None:
    made = station.json("drill", "inject", "hang", "doctor", "--for", "2s")
    url = f"{station.instance_url('doctor')}/healthz"
    with pytest.raises(httpx.TimeoutException):
        httpx.get(url, timeout=0.5)

    def undone() -> bool:
        faults = station.json("drill", "faults")["faults"]
        return any(each["id"] == made["id"] and each["undone_at"] for each in faults)

    wait_until(undone, "the fault is taken back")
    wait_until(lambda: httpx.get(url, timeout=5).status_code == 200, "it answers again")


def test_a_fault_at_the_gateway_outlives_no_control_plane(station: Station) -> None:
    node = station.status()["nodes"][0]["listen"]
    url = f"http://{node}/api/auth/jwks"
    station.json("drill", "inject", "abort", "keys", "--for", "5m")
    assert httpx.get(url).status_code == 503
    station.kill_control_plane()
    assert httpx.get(url).status_code == 503, "nodes go on with what they have"
    station.up()
    wait_until(lambda: httpx.get(url).status_code == 200, "requests pass again", limit_s=60)
    faults = station.json("drill", "faults")["faults"]
    assert all(each["undone_at"] for each in faults)


def test_nothing_is_broken_where_drills_are_not_allowed(station: Station) -> None:
    station.document["drills"]["allowed"] = False
    station.write_manifest()
    applied = station.run("apply", "-f", str(station.manifest), "--yes")
    assert applied.returncode == 0, applied.stderr
    refused = station.run("drill", "inject", "kill", "sample-1")
    assert refused.returncode == 1
    assert "does not allow drills" in refused.stderr
    assert "hint: declare `drills: {allowed: true}`" in refused.stderr
