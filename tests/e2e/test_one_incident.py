"""One failure is one incident: several instances that die together are led, cured and put back in one."""

import os
import signal
from typing import Any

import httpx
import pytest

from tests.e2e.cure import is_well
from tests.e2e.station import Station, wait_until

pytestmark = pytest.mark.e2e

KEYS = ("key-us-south", "key-us-east", "key-eu-de")


def test_three_killed_instances_are_one_incident_and_each_is_back_when_it_is_well(station: Station) -> None:
    last = station.last_fact()
    pids = {each["name"]: each["pid"] for each in station.status()["instances"]}
    for name in KEYS:
        os.kill(pids[name], signal.SIGKILL)
    wait_until(lambda: station.facts("IncidentResolved", since=last), "the incident is resolved", limit_s=120)
    wait_until(lambda: is_well(station), "all is well again")

    def facts(kind: str) -> list[dict[str, Any]]:
        return station.facts(kind, since=last)

    assert [fact["incident"] for fact in facts("IncidentOpened")] == [facts("IncidentResolved")[0]["incident"]]
    assert len(facts("IncidentResolved")) == 1
    down = [fact for fact in facts("AlertFired") if fact["alert"]["labels"]["alertname"] == "ServiceInstanceDown"]
    assert {fact["alert"]["labels"]["instance"] for fact in down} == set(KEYS)
    assert len(facts("AlertFired")) == 1 + len(facts("AlertJoined"))

    bounds_kept(facts("TargetChanged"))
    quiet = {fact["instance"]: fact["id"] for fact in facts("InstanceQuiet")}
    assert set(quiet) == set(KEYS)
    assert len(facts("InstanceQuiet")) == len(KEYS)
    resolved = facts("IncidentResolved")[0]["id"]
    assert all(number < resolved for number in quiet.values())
    assert {each["state"] for each in station.status()["targets"]} == {"in"}
    restarted = [fact["instance"] for fact in facts("InstanceRestarted")]
    assert sorted(restarted) == sorted(KEYS), "each once"
    for name in KEYS:
        answer = httpx.get(f"{station.instance_url(name)}/api/auth/healthz")
        assert "The API is available and operational" in answer.text

    shown = station.json("incident", "show", str(facts("IncidentOpened")[0]["incident"]))
    assert {each["labels"].get("instance") for each in shown["alerts"]} >= set(KEYS)
    assert not any(each["firing"] for each in shown["alerts"])


def bounds_kept(changes: list[dict[str, Any]]) -> None:
    """Never more than two of three are out by themselves: the last one stays in."""
    out: set[str] = set()
    for change in changes:
        (out.add if change["state"] == "out" else out.discard)(change["target"])
        assert len(out) <= 2, changes
    assert not out
