"""The running platform follows its declaration and its operators under load, and loses no request over it."""

import copy
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import MakeStation
from tests.e2e.cure import cure_facts
from tests.e2e.station import Station, wait_until
from tests.e2e.test_kill_each import NODES, RATE, calls, is_well  # noqa: F401 `calls` is a fixture
from tests.e2e.traffic import Call, Traffic

pytestmark = pytest.mark.e2e

REORDERED = ["stationmaster", "sample-api", "--instance", "{instance}", "--listen", "{address}"]


@pytest.fixture
def declared(station: Station) -> Iterator[dict[str, Any]]:
    """The declaration, to be changed and applied; put back afterwards."""
    wait_until(lambda: is_well(station), "all is well before", limit_s=60)
    before = copy.deepcopy(station.document)
    yield station.document
    station.document = before
    apply(station)
    wait_until(lambda: is_well(station), "all is well after", limit_s=60)


def apply(station: Station) -> None:
    station.write_manifest()
    done = station.run("apply", "--file", str(station.manifest), "--yes")
    assert done.returncode == 0, done.stdout + done.stderr


def service(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in document["services"] if each["name"] == name)
    return found


def pids(station: Station) -> dict[str, int]:
    seen = station.status()
    return {each["name"]: each["pid"] for each in (*seen["nodes"], *seen["instances"])}


def nothing_lost(traffic: Traffic) -> None:
    settled = time.monotonic()
    wait_until(lambda: len(traffic.answers(settled)) > RATE / 2, "a little more of load")
    traffic.end()
    assert not traffic.lost(0), traffic.lost(0)


def test_a_changed_command_restarts_the_instances_one_by_one(
    station: Station,
    declared: dict[str, Any],
    calls: tuple[Call, ...],  # noqa: F811
) -> None:
    before = pids(station)
    with Traffic(calls, rate=RATE) as traffic:
        service(declared, "sample_api")["command"] = REORDERED
        apply(station)

        def rolled() -> bool:
            now = pids(station)
            out = [each for each in station.status()["targets"] if each["state"] != "in"]
            assert len(out) <= 1
            return all(now[f"sample-{number}"] not in (None, before[f"sample-{number}"]) for number in (1, 2, 3))

        wait_until(rolled, "all three run the new command", limit_s=60)
        wait_until(lambda: is_well(station), "all is well", limit_s=30)
        nothing_lost(traffic)
    after = pids(station)
    others = before.keys() - {"sample-1", "sample-2", "sample-3"}
    assert {name: after[name] for name in others} == {name: before[name] for name in others}


def test_an_instance_and_a_node_come_and_go(
    station: Station,
    declared: dict[str, Any],
    calls: tuple[Call, ...],  # noqa: F811
    free_port: Callable[[], int],
) -> None:
    def address() -> str:
        return f"127.0.0.1:{free_port()}"

    since = station.last_fact()
    host = next(each for each in declared["virtual_hosts"] if each["name"] == "sample_api")
    node = {"name": "gateway-9", "listen": address(), "admin": address()}
    with Traffic(calls, rate=RATE) as traffic:
        new = {"name": "sample-9", "region": "eu-de", "address": address()}
        service(declared, "sample_api")["instances"].append(new)
        host["targets"].append({"instance": "sample-9"})
        declared["gateway"]["nodes"].append(node)
        apply(station)
        wait_until(lambda: is_well(station), "all is well with the new ones", limit_s=30)
        assert {"sample-9", "gateway-9"} <= pids(station).keys()
        (call,) = [each for each in calls if (each.node, each.kind) == (NODES[0], "api key")]
        url = f"http://{node['listen']}/sample/hello"
        seen = {httpx.get(url, headers=dict(call.headers)).headers["x-served-by"] for _ in range(40)}
        assert seen == {"sample-1", "sample-2", "sample-3", "sample-9"}
        assert httpx.get(url).status_code == 401

        service(declared, "sample_api")["instances"].pop()
        host["targets"].pop()
        declared["gateway"]["nodes"].pop()
        apply(station)
        wait_until(lambda: not any("-9" in each for each in station.processes()), "both are gone", limit_s=30)
        nothing_lost(traffic)
    assert station.facts("AlertFired", since=since) == []


def test_what_an_operator_stops_stays_stopped_without_alarm_until_it_is_started(
    station: Station,
    declared: dict[str, Any],
    calls: tuple[Call, ...],  # noqa: F811
) -> None:
    since = station.last_fact()
    with Traffic(calls, rate=RATE) as traffic:
        station.json("instance", "stop", "key-us-south", "--reason", "maintenance")
        station.json("instance", "stop", "sample-1", "--reason", "maintenance")
        shown = {each["name"]: each for each in station.status()["instances"]}
        assert (shown["key-us-south"]["pid"], shown["sample-1"]["pid"]) == (None, None)
        assert shown["sample-1"]["detail"] == "stopped by admin: maintenance"
        station.kill_control_plane()
        station.up()
        assert pids(station)["sample-1"] is None
        station.json("instance", "start", "key-us-south")
        station.json("instance", "start", "sample-1")
        wait_until(lambda: is_well(station), "all is well", limit_s=90)
        station.json("instance", "restart", "sample-2", "--reason", "leaks memory")
        wait_until(lambda: is_well(station), "all is well again", limit_s=30)
        nothing_lost(traffic)
    assert cure_facts(station, "IncidentOpened", since=since) == []


def test_more_nodes_than_are_declared_serve_as_well(station_of: MakeStation) -> None:
    station = station_of()
    station.up("--nodes", "4")
    nodes = station.status()["nodes"]
    assert [node["name"] for node in nodes] == ["gateway-1", "gateway-2", "gateway-3", "gateway-4"]
    for node in nodes:
        assert httpx.get(f"http://{node['listen']}/api/auth/jwks").status_code == 200
        assert httpx.get(f"https://{node['listen_tls']}/api/auth/jwks", verify=False).status_code == 200
        assert httpx.get(f"http://{node['listen']}/sample/hello").status_code == 401
    station.kill_control_plane()
    station.up("--nodes", "4")
    assert [node["pid"] for node in station.status()["nodes"]] == [node["pid"] for node in nodes]


def test_a_state_folder_that_is_deleted_ends_the_platform_and_says_so(station_of: MakeStation) -> None:
    station = station_of()
    station.state.mkdir(mode=0o755)
    with station.begin_attached() as process:
        wait_until(lambda: station.run("status").returncode == 0 and station.status()["ready"], "ready", limit_s=60)
        assert station.state.stat().st_mode & 0o777 == 0o700
        shutil.rmtree(station.state, ignore_errors=True)
        assert process.wait(60) == 1
        assert process.stdout is not None
        said = process.stdout.read().decode()
    assert "open to others" in said
    assert "was deleted while the platform was up; its processes have been stopped [state-deleted]" in said
    wait_until(lambda: station.processes() == [], "nothing is left")
