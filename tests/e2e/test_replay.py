"""An incident is made to happen once more from its bundle, on a whole platform, and shown then beside now."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.station import Station, running, sample_with_free_ports, wait_until

pytestmark = pytest.mark.e2e

RUNBOOKS = Path(__file__).parents[2] / "runbooks"
LONG_S = 300.0


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[Station]:
    with running(tmp_path_factory.mktemp("replay"), sample_with_free_ports(free_port, [RUNBOOKS])) as built:
        yield built


def steady(station: Station) -> None:
    wait_until(station.is_quiet, "the platform is in its steady state", limit_s=LONG_S)


def test_an_incident_of_an_instance_happens_again_as_it_did(station: Station, tmp_path: Path) -> None:
    steady(station)
    before = station.json("drill", "run", "key-service-instance-wrong-body", "--instance", "key-us-east", limit_s=400)
    bundle = tmp_path / "incident.jsonl"
    done = station.run("incident", "export", str(before["incident"]), "-o", str(bundle), limit_s=60)
    assert done.returncode == 0, done.stderr
    planned = station.json("drill", "replay", str(bundle), "--dry-run")
    assert [(each["fault"]["kind"], each["fault"]["of"]) for each in planned["faults"]] == [
        ("wrong-body", "key-us-east")
    ]
    assert (planned["drill"]["api"], planned["drill"]["spared"]) == ("keys", True)
    faults = len(station.json("drill", "faults")["faults"])
    steady(station)

    report = station.json("drill", "replay", str(bundle), limit_s=500)
    assert (report["passed"], report["missing"], report["drill"]["load"]["lost"]) == (True, [], 0)
    assert len(station.json("drill", "faults")["faults"]) == faults + 1, "the dry run broke nothing"
    then, now = report["then"], report["now"]
    assert then["runbooks"] == now["runbooks"] != []
    for story in (then, now):
        assert "ServiceInstanceDown" in story["alerts"]
        for stage in ("taken out of the balancer", "restarted", "recovered", "back in the balancer", "resolved"):
            assert story["stages"][stage] is not None, stage
        assert story["steps"]["passed"] > 0
    kept = station.json("drill", "reports", "--drill", f"replay-{before['incident']}")["reports"]
    assert [(each["passed"], each["body"]["then"]["runbooks"]) for each in kept] == [(True, then["runbooks"])]


def test_a_bundle_that_was_changed_is_not_replayed(station: Station, tmp_path: Path) -> None:
    bundle = tmp_path / "incident.jsonl"
    assert station.run("incident", "export", "1", "-o", str(bundle), limit_s=60).returncode == 0
    bundle.write_bytes(bundle.read_bytes().replace(b"key-us-east", b"key-eu-de", 1))
    refused = station.run("drill", "replay", str(bundle))
    assert refused.returncode == 1
    assert "[bundle-broken]" in refused.stderr


def test_an_alert_of_another_system_is_sent_again_with_a_mark(station: Station) -> None:
    steady(station)
    url = f"http://{station.document['control']['api']}/api/v1/intake/alertmanager"
    token = (station.state / "admin.token").read_text("utf-8").strip()

    def send(status: str) -> None:
        alert = {
            "status": status,
            "labels": {"alertname": "QueueTooLong", "service": "sample_api", "severity": "warning"},
            "annotations": {"summary": "queue holds 900"},
        }
        message = {"version": "4", "alerts": [alert]}
        answer = httpx.post(url, json=message, headers={"authorization": f"Bearer {token}"}, timeout=30)
        assert answer.status_code == 200, answer.text

    def numbers() -> list[int]:
        return [each["number"] for each in station.json("incident", "list")["incidents"]]

    known = max(numbers())
    send("firing")
    wait_until(lambda: max(numbers()) > known, "it is an incident", limit_s=60)
    send("resolved")
    steady(station)
    first = max(numbers())
    report = station.json("drill", "replay", "--incident", str(first), limit_s=500)
    assert (report["missing"], report["drill"]["incidents"], report["left"]) == ([], [first + 1], [])
    story = station.json("incident", "show", str(first + 1))
    assert [each["labels"]["replay"] for each in story["alerts"]] == [str(first)]
    assert story["incident"]["status"] in {"resolved", "reviewed"}
