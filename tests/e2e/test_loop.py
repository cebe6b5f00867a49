"""The whole way on real parts: fault, detection, balancer, incident, runbook, restart, verification, resolution."""

import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import MakeStation
from tests.e2e.station import Station, wait_until

pytestmark = pytest.mark.e2e

ORDER = [
    "alert.fired",
    "incident.opened",
    "target.out",
    "instance.restarted",
    "alert.recovered",
    "target.in",
    "incident.resolved",
]


def kinds_in_order(report: dict[str, Any]) -> list[str]:
    """First appearances of the stages that the story consists of."""
    first: dict[str, None] = {}
    for entry in report["timeline"]:
        if entry["kind"] in ORDER:
            first.setdefault(entry["kind"])
    return list(first)


def texts(report: dict[str, Any], kind: str) -> list[str]:
    return [entry["text"] for entry in report["timeline"] if entry["kind"] == kind]


def test_a_request_passes_with_a_token_or_a_key_and_not_without(station: Station) -> None:
    made = station.json("key", "create", "ada")
    form = {"grant_type": "client_credentials"}
    keys = f"{station.node_url()}/api/auth/token"
    answer = httpx.post(keys, data=form, auth=(made["client_id"], made["client_secret"]))
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]

    for number in (0, 1):
        url = f"{station.node_url(number)}/sample/hello"
        assert httpx.get(url).status_code == 401
        by_token = httpx.get(url, headers={"authorization": f"Bearer {token}", "x-consumer-username": "root"})
        assert (by_token.status_code, by_token.json()["consumer"], by_token.json()["path"]) == (200, "ada", "/hello")
        assert httpx.get(url, headers={"apikey": made["api_key"]}).status_code == 200
        assert httpx.get(url, headers={"apikey": made["api_key"] + "x"}).status_code == 401
        assert httpx.get(url, headers={"authorization": f"Bearer {token}x"}).status_code == 401


def test_the_doctor_lists_the_apis_and_goes_on_without_the_control_plane(station: Station) -> None:
    url = f"{station.instance_url('doctor')}/kong/apis"
    wait_until(lambda: httpx.get(url).status_code == 200, "the doctor has a registry")
    assert [api["name"] for api in httpx.get(url).json()["data"]] == ["keys", "sample"]
    station.kill_control_plane()
    assert [api["name"] for api in httpx.get(url).json()["data"]] == ["keys", "sample"]


def test_a_killed_key_service_instance_is_cured_and_no_request_is_lost(station: Station) -> None:
    report = station.json("drill", "run", "key-service-instance-down", limit_s=320)

    assert report["passed"] is True
    assert (report["load"]["lost"], report["load"]["reasons"]) == (0, {})
    assert report["load"]["sent"] > 50
    assert kinds_in_order(report) == ORDER
    assert "api_key_service" in texts(report, "alert.fired")[0]
    assert "env: sample is down" in texts(report, "alert.fired")[0]
    assert station.instance_url("key-us-south") in texts(report, "alert.fired")[0]
    assert all(node in texts(report, "target.out")[0] for node in ("gateway-1", "gateway-2"))
    assert any("self-healing removed" in text for text in texts(report, "note"))

    shown = station.json("incident", "show", str(report["incident"]))
    assert shown["incident"]["status"] in {"resolved", "reviewed"}, "the platform reviews what it knows the cause of"
    assert {each["state"] for each in station.status()["targets"]} == {"in"}
    listed = station.run("incident", "list").stdout
    assert shown["incident"]["status"] in listed
    assert "ServiceInstanceDown: key-us-south" in listed


def test_the_seed_runbook_itself_is_matched_and_worked(station_of: MakeStation, seeds: Path) -> None:
    station = station_of(seeds)
    station.up()
    wait_until(station.is_quiet, "what its checks found at the start is over", limit_s=180)
    report = station.json("drill", "run", "key-service-instance-down", "--instance", "key-us-east", limit_s=320)

    assert (report["passed"], report["load"]["lost"]) == (True, 0)
    assert kinds_in_order(report) == ORDER
    assert "Key service instance is down" in texts(report, "run.started")[0]
    steps = "\n".join(texts(report, "run.step"))
    assert "The API is available and operational" in steps
    assert f"ran `curl {station.instance_url('key-us-east')}/api/auth/healthz`" in steps
    assert texts(report, "run.ended")[0].startswith("run ended: cured")


def test_after_down_nothing_is_left_and_up_starts_all_again(station: Station) -> None:
    assert len(station.processes()) >= 10
    station.down()
    assert station.processes() == []
    station.up()
    assert station.status()["ready"] is True


def test_a_dead_gateway_node_is_started_again(station: Station) -> None:
    before = {node["name"]: node["pid"] for node in station.status()["nodes"]}
    os.kill(before["gateway-1"], signal.SIGKILL)

    def back() -> bool:
        node = station.status()["nodes"][0]
        return node["pid"] not in (None, before["gateway-1"]) and node["acknowledged"]

    wait_until(back, "gateway-1 is back and serves the newest configuration")
    assert httpx.get(f"{station.node_url()}/api/auth/jwks").status_code == 200
