"""What has to be true after an instance of the key service was killed, whatever else was killed meanwhile."""

import os
import signal
from functools import partial
from typing import Any

import httpx

from tests.e2e.station import Station, wait_until

INSTANCE = "key-us-south"
OWN_DEATH = "ControlPlaneDown"


def break_key_service(station: Station, instance: str = INSTANCE) -> int:
    """Kills an instance and returns the number of the last fact before that."""
    last = station.last_fact()
    pid = next(each["pid"] for each in station.status()["instances"] if each["name"] == instance)
    os.kill(pid, signal.SIGKILL)
    return last


def assert_cured_once(station: Station, since: int, instance: str = INSTANCE) -> None:
    assert violations(station, since, instance) == []


def violations(station: Station, since: int, instance: str = INSTANCE) -> list[str]:
    """Waits until the one incident since the fact `since` is resolved and all is well; says what was not as it must."""
    wait_until(lambda: cure_facts(station, "IncidentResolved", since=since), "the incident is resolved", limit_s=90)
    wait_until(lambda: is_well(station), "all is well again")

    facts = partial(cure_facts, station, since=since)
    health = httpx.get(f"{station.instance_url(instance)}/api/auth/healthz")
    seen_and_wanted: dict[str, tuple[object, object]] = {
        "targets": ({each["state"] for each in station.status()["targets"]}, {"in"}),
        "opened": (len(facts("IncidentOpened")), 1),
        "runs": (len(facts("RunStarted")), 1),
        "resolved": (len(facts("IncidentResolved")), 1),
        "outcomes": ([fact["outcome"] for fact in facts("RunEnded")], ["cured"]),
        "restarted more than once": (len(facts("InstanceRestarted")) > 1, False),
        "target changes": ([fact["state"] for fact in facts("TargetChanged")], ["out", "in"]),
        "health": ("The API is available and operational" in health.text, True),
    }
    return [f"{what}: {seen}, not {wanted}" for what, (seen, wanted) in seen_and_wanted.items() if seen != wanted]


def cure_facts(station: Station, kind: str, *, since: int) -> list[dict[str, Any]]:
    """Without those that tell of the control plane's own death, and of what was done about it."""
    own = {fact["incident"] for fact in station.facts("IncidentOpened") if _is_own(fact)}
    return [
        fact
        for fact in station.facts(kind, since=since)
        if fact.get("incident") not in own and not ("alert" in fact and _is_own(fact))
    ]


def _is_own(fact: dict[str, Any]) -> bool:
    return bool(fact["alert"]["labels"]["alertname"] == OWN_DEATH)


def is_well(station: Station) -> bool:
    """Whether the control plane answers and finds all ready; False while it is away."""
    done = station.run("status", "--json")
    return done.returncode == 0 and '"ready":true' in done.stdout.replace(" ", "")
