"""The monitor of a running platform: alerts of what is killed, of what is not scraped, of rule files; queries from
outside."""

import http.server
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import MakeStation
from tests.e2e.station import Station, wait_until

pytestmark = pytest.mark.e2e

RULES = """\
groups:
- name: lab
  interval: 1s
  rules:
  - record: lab:depth:max
    expr: max(lab_queue_depth)
  - alert: QueueTooLong
    expr: lab_queue_depth > 100
    for: 1s
    labels: {severity: critical, service: queue}
    annotations:
      summary: "queue {{ $labels.queue }} of {{ $labels.instance }} holds {{ $value | humanize }}"
"""


class Exporter:
    """Tells one gauge; may be switched off and on again on its port."""

    def __init__(self, port: int) -> None:
        self.port, self.depth = port, 7
        self._server: http.server.ThreadingHTTPServer | None = None

    def on(self) -> None:
        exporter = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = f'lab_queue_depth{{queue="orders"}} {exporter.depth}\n'.encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def off(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@pytest.fixture(scope="module")
def exporter(free_port: Callable[[], int]) -> Iterator[Exporter]:
    made = Exporter(free_port())
    made.on()
    yield made
    made.off()


@pytest.fixture(scope="module")
def watched(station_of: MakeStation, exporter: Exporter) -> Station:
    station = station_of()
    (station.folder / "lab.yml").write_text(RULES, "utf-8")
    station.document["monitoring"] = {
        "scrape_interval": "500ms",
        "scrape_timeout": "400ms",
        "evaluation_interval": "1s",
        "rules": ["lab.yml"],
        "scrape": [{"name": "lab", "targets": [f"127.0.0.1:{exporter.port}"], "labels": {"team": "shop"}}],
    }
    station.write_manifest()
    station.up()
    wait_until(lambda: station.status()["ready"], "the platform is ready")
    return station


def fired(station: Station, name: str, since: int, **labels: str) -> dict[str, Any] | None:
    return _told(station, "AlertFired", name, since, labels)


def recovered(station: Station, name: str, since: int, **labels: str) -> dict[str, Any] | None:
    return _told(station, "AlertRecovered", name, since, labels)


def _told(station: Station, kind: str, name: str, since: int, labels: dict[str, str]) -> dict[str, Any] | None:
    wanted = {"alertname": name, **labels}
    for fact in station.facts(kind, since=since):
        if wanted.items() <= fact["alert"]["labels"].items():
            return fact
    return None


def value(station: Station, query: str) -> float | None:
    found = station.json("query", query)["result"]
    return float(found[0]["value"][1]) if found else None


def test_a_killed_instance_raises_an_alert_that_names_it_and_a_recovery(watched: Station) -> None:
    since = watched.last_fact()
    before = {each["name"]: each for each in watched.status()["instances"]}["sample-2"]
    os.kill(before["pid"], signal.SIGKILL)
    wait_until(lambda: fired(watched, "ServiceInstanceDown", since, instance="sample-2"), "the alert")
    alert = fired(watched, "ServiceInstanceDown", since, instance="sample-2")
    assert alert is not None
    text = f"{alert['alert']['summary']}: {alert['evidence']}"
    for word in ("sample_api", watched.document["environment"], "sample-2", before["address"]):
        assert word in text
    wait_until(lambda: recovered(watched, "ServiceInstanceDown", since, instance="sample-2"), "the recovery")


def test_a_target_that_is_not_scraped_any_more_raises_the_no_data_alert(watched: Station, exporter: Exporter) -> None:
    wait_until(lambda: value(watched, 'up{job="lab"}') == 1, "it is scraped")
    since = watched.last_fact()
    exporter.off()
    wait_until(lambda: fired(watched, "ScrapeTargetDown", since, job="lab"), "the no-data alert")
    exporter.on()
    wait_until(lambda: recovered(watched, "ScrapeTargetDown", since, job="lab"), "it ends")


def test_a_rule_of_a_prometheus_rule_file_opens_an_incident(watched: Station, exporter: Exporter) -> None:
    since = watched.last_fact()
    wait_until(lambda: value(watched, "lab:depth:max") == 7, "the recording rule writes")
    exporter.depth = 2500
    wait_until(lambda: fired(watched, "QueueTooLong", since), "the alert")
    alert = fired(watched, "QueueTooLong", since)
    assert alert is not None
    assert alert["alert"]["summary"] == f"queue orders of 127.0.0.1:{exporter.port} holds 2.5k"
    assert alert["alert"]["labels"]["team"] == "shop"
    assert alert["alert"]["rule"].endswith("lab.yml:7")
    wait_until(
        lambda: any("QueueTooLong" in each["title"] for each in watched.json("incident", "list")["incidents"]),
        "an incident",
    )
    exporter.depth = 7
    wait_until(lambda: recovered(watched, "QueueTooLong", since), "it ends")


def test_a_firing_alert_outlives_a_killed_control_plane_and_fires_once(watched: Station, exporter: Exporter) -> None:
    since = watched.last_fact()
    exporter.depth = 900
    wait_until(lambda: fired(watched, "QueueTooLong", since), "the alert")
    watched.kill_control_plane()
    watched.up()
    began = time.monotonic()
    wait_until(lambda: value(watched, "lab:depth:max") == 900 and time.monotonic() - began > 4, "some cycles more")
    facts = [each for each in watched.facts("AlertFired", since=since) if each["alert"]["labels"].get("queue")]
    assert len(facts) == 1
    exporter.depth = 7
    wait_until(lambda: recovered(watched, "QueueTooLong", since), "it ends")


def test_requests_are_counted_by_api_and_class(watched: Station) -> None:
    counted = 'sum(stationmaster_api_requests_total{api="keys",code_class="2xx"})'
    before = value(watched, counted) or 0
    for number in range(40):
        assert httpx.get(f"{watched.node_url(number % 2)}/api/auth/healthz").status_code == 200
    wait_until(lambda: (value(watched, counted) or 0) >= before + 40, "all of them are counted")
    wait_until(lambda: value(watched, 'probe_success{instance="sample-1"}') == 1, "checks are samples as well")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool, which is not installed here")
def test_promtool_asks_us_like_a_prometheus(watched: Station, tmp_path_factory: pytest.TempPathFactory) -> None:
    token = (watched.state / "admin.token").read_text().strip()
    control = (watched.state / "control.url").read_text().strip()
    url = control.replace("http://", f"http://any:{token}@") + "/prometheus"
    ask = ["promtool", "query", "instant", url, 'up{job="lab"}']
    done = subprocess.run(ask, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'job="lab"' in done.stdout
    exported = watched.run("rules", "export", str(watched.folder / "lab.yml"))
    file = tmp_path_factory.mktemp("rules") / "exported.yml"
    file.write_text(exported.stdout, "utf-8")
    check = ["promtool", "check", "rules", str(file)]
    checked = subprocess.run(check, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr + checked.stdout


def test_the_moment_of_an_alert_is_that_of_the_failure(watched: Station) -> None:
    for fact in watched.facts("AlertFired"):
        assert datetime.fromisoformat(fact["alert"]["starts_at"]) <= datetime.fromisoformat(fact["at"])
