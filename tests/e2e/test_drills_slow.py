"""Drills whose faults only a person or their end can mend: each is known, told, explained, and taken back."""

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
    """Without objectives: an error budget over five minutes would keep incidents open for as long."""
    document = sample_with_free_ports(free_port, [RUNBOOKS])
    for api in document["apis"]:
        api.pop("objectives", None)
    document["monitoring"]["state_limit"] = "600MB"
    with running(tmp_path_factory.mktemp("drills"), document) as built:
        yield built


def patiently_drilled(station: Station, name: str, *options: str) -> dict[str, Any]:
    return drilled(station, name, *options, steady_s=240, limit_s=600)


def alerts(report: dict[str, Any]) -> str:
    return "; ".join(entry["text"] for entry in report["timeline"] if entry["kind"] == "alert.fired")


def test_an_expired_certificate_is_an_incident_and_the_right_one_is_back_after_it(station: Station) -> None:
    report = patiently_drilled(station, "certificate-expired")
    assert (report["passed"], report["load"]["lost"], report["diagnosis"]) == (True, 0, "right")
    assert "has expired" in alerts(report)


def test_metrics_that_are_gone_are_missed_and_found_again(station: Station) -> None:
    report = patiently_drilled(station, "gateway-node-metrics-gone")
    assert (report["passed"], report["load"]["lost"], report["diagnosis"]) == (True, 0, "right")
    assert "are not scraped" in alerts(report)


def test_nodes_that_know_another_signing_key_refuse_tokens_until_they_know_the_right_one(station: Station) -> None:
    report = patiently_drilled(station, "signing-key-rotated-wrongly")
    assert (report["passed"], report["diagnosis"]) == (True, "right")
    assert set(report["load"]["reasons"]) == {"status 401"}, "clients saw what was broken, and nothing else"
    assert report["lost_until_s"] < report["resolved_s"]
    tokens = httpx.get(f"{station.node_url()}/api/auth/jwks", timeout=10)
    assert tokens.status_code == 200


def test_a_yes_of_the_drill_lets_its_run_change_something_and_nobody_has_to_review_it(station: Station) -> None:
    report = patiently_drilled(station, "sample-503s", "--approve")
    assert (report["passed"], report["diagnosis"]) == (True, "right")
    assert report["approvals"] >= 1
    said = [entry["text"] for entry in report["timeline"] if entry["kind"] == "approval.answered"]
    assert said
    assert all(text.endswith("approved — drill sample-503s") for text in said)
    steps = [entry["text"] for entry in report["timeline"] if entry["kind"] == "run.step"]
    assert any("ran `stm node stop" in text and ": passed" in text for text in steps), "what was approved was done"
    assert report["reviewed_s"] is not None


def test_a_full_disk_is_explained_and_its_cure_waits_for_a_yes(station: Station) -> None:
    """The last one: its step wants two people, so that its incident stays open for a while."""
    station.json("drill", "inject", "disk-full", "--for", "5m")
    log = station.state / "logs" / "drill-disk-full.log"
    assert log.exists()

    def is_asked() -> bool:
        asked = station.json("approval", "list")["approvals"]
        return any(log.name in each["command"] and each["risk"] == "destroy" for each in asked)

    wait_until(is_asked, "the runbook has found what fills the disk, and asks before it empties it", limit_s=180)
    stopped = station.run("drill", "stop", "--all", limit_s=60)
    assert "the room is given back" in stopped.stdout
    assert not log.exists()
