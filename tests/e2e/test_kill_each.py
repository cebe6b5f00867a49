"""kill -9 of every process of the platform in turn, under load: no idempotent request is lost that another node or
another instance can answer, and everything is back within its time."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psutil
import pytest

from tests.e2e.station import Station, wait_until
from tests.e2e.traffic import Call, Traffic

pytestmark = pytest.mark.e2e

RATE = 60.0
NODES = ("gateway-1", "gateway-2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """`within_s`: how long until it is back and everything is well."""

    name: str
    within_s: float


VICTIMS = (
    # Its own death is an incident, and its runbook is worked.
    Victim(name="control plane", within_s=60),
    Victim(name="gateway-1", within_s=30),
    Victim(name="gateway-2", within_s=30),
    Victim(name="the Envoy of gateway-1", within_s=30),
    Victim(name="doctor", within_s=30),
    Victim(name="sample-1", within_s=30),
    Victim(name="sample-2", within_s=30),
    Victim(name="sample-3", within_s=30),
    # Their runbook starts these: it looks, takes the target out, restarts, verifies and puts it back.
    Victim(name="key-us-south", within_s=60),
    Victim(name="key-us-east", within_s=60),
    Victim(name="key-eu-de", within_s=60),
)


@pytest.fixture(scope="module")
def calls(module_station: Station) -> tuple[Call, ...]:
    """Through both nodes: with an API key, with a token, and to the public API."""
    station = module_station
    if not station.is_up():
        station.up()
    made = station.json("key", "create", "ada")
    answer = httpx.post(
        f"{station.node_url()}/api/auth/token",
        data={"grant_type": "client_credentials"},
        auth=(made["client_id"], made["client_secret"]),
    )
    assert answer.status_code == 200, answer.text
    proofs = {
        "api key": {"apikey": made["api_key"]},
        "token": {"authorization": f"Bearer {answer.json()['access_token']}"},
    }
    return tuple(_calls(station, proofs))


def _calls(station: Station, proofs: dict[str, dict[str, str]]) -> Iterator[Call]:
    for number, node in enumerate(NODES):
        url = station.node_url(number)
        yield Call(node=node, kind="public", url=f"{url}/api/auth/jwks")
        for kind, headers in proofs.items():
            yield Call(node=node, kind=kind, url=f"{url}/sample/hello", headers=headers)


def pid_of(station: Station, victim: str) -> int:
    if victim == "control plane":
        return station.control_pid()
    node = victim.removeprefix("the Envoy of ")
    seen = station.status()
    pid = int(next(each["pid"] for each in (*seen["nodes"], *seen["instances"]) if each["name"] == node))
    return (
        pid if node == victim else next(each.pid for each in psutil.Process(pid).children() if "envoy" in each.name())
    )


def is_well(station: Station) -> dict[str, Any] | None:
    """The status, when the control plane answers and finds everything as it has to be."""
    done = station.run("status", "--json")
    if done.returncode != 0:
        return None
    seen = station.status()
    well = seen["ready"] and not seen["open_incidents"] and {each["state"] for each in seen["targets"]} == {"in"}
    return seen if well and not seen["problems"] else None


def is_back(station: Station, victim: str, before: int) -> bool:
    if is_well(station) is None:
        return False
    try:
        return pid_of(station, victim) != before
    except StopIteration:
        return False


@pytest.mark.parametrize("victim", VICTIMS, ids=lambda victim: victim.name)
def test_a_process_is_killed_under_load(station: Station, calls: tuple[Call, ...], victim: Victim) -> None:
    wait_until(lambda: is_well(station), "all is well before", limit_s=60)
    node = victim.name.removeprefix("the Envoy of ")
    with Traffic(calls, rate=RATE) as traffic:
        wait_until(lambda: len(traffic.answers(0)) > RATE / 2, "the load runs")
        before = pid_of(station, victim.name)
        started = time.monotonic()
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: is_back(station, victim.name, before), f"{victim.name} is back", limit_s=victim.within_s)
        back_s = time.monotonic() - started
        settled = time.monotonic()
        wait_until(lambda: len(traffic.answers(settled)) > RATE, "a second more of load")
        traffic.end()
    lost, sent = traffic.lost(0), len(traffic.answers(0))
    print(f"{victim.name}: {sent} sent, {lost.total()} lost {dict(lost)}, back after {back_s:.1f} s")
    elsewhere = {name: traffic.lost(0, node=name) for name in NODES if name != node}
    assert all(not each for each in elsewhere.values()), elsewhere
    assert not traffic.lost(settled), "lost after all was well again"
    if node not in NODES:
        assert lost.total() == 0, lost
