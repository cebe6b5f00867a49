"""A whole platform finds out why callers get 503, and whoever is paged reads it with their page or right after it."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.e2e.station import SAMPLE, Station, sample_with_free_ports, wait_until

pytestmark = pytest.mark.e2e

LIMIT_S = 240
BOOK = "Gateway guide"
GUIDE = """---
title: Gateway guide
alert: UpstreamErrors
---

# Gateway guide

## Common Issues

### 1. High Latency Issues

**Symptoms:**
- Response times > 2 seconds

**Diagnosis Steps:**

1. Look at the load.
   ```bash
   uptime
   ```

**Resolution Steps:**

1. Give it another instance.
   ```bash
   stm service scale <service> 4
   ```

### 2. 503 Service Unavailable Errors

**Symptoms:**
- Clients receiving 503 errors
- High error rates in monitoring

**Diagnosis Steps:**

1. List the targets.
   ```bash
   stm target list --host <virtual-host>
   ```
2. Ask a tool that is not here.
   ```bash
   kubectl get pods
   ```

**Resolution Steps:**

1. Roll back.
   ```bash
   stm service rollback <service>
   ```

### 3. Authentication Failures

**Symptoms:**
- 401 Unauthorized errors

**Resolution Steps:**

1. Restart everything.
   ```bash
   stm service rollback <service>
   ```
"""


class Hook:
    """A receiver of webhooks."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        got = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_said: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def notes(self) -> list[dict[str, str]]:
        return [each["commonAnnotations"] for each in self.got]

    def diagnoses(self) -> list[str]:
        return [each["diagnosis"] for each in self.notes() if "diagnosis" in each]


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int], hook: Hook) -> Iterator[Station]:
    folder = tmp_path_factory.mktemp("diagnosis")
    books = folder / "runbooks"
    books.mkdir()
    for each in SAMPLE.parent.joinpath("runbooks").iterdir():
        if each.name != "upstream-503.md":
            books.joinpath(each.name).write_bytes(each.read_bytes())
    books.joinpath("guide.md").write_text(
        # The rule stands in the guide: without a limit nothing would fire.
        GUIDE.replace("## Common Issues", "## Alert thresholds\n\n- Error rate > 5%\n\n## Common Issues"),
        "utf-8",
    )
    document = sample_with_free_ports(free_port, [books])
    address = f"http://127.0.0.1:{hook.server.server_address[1]}/"
    for api in document["apis"]:
        api.pop("objectives", None)  # their alerts would have the incident first
    for responder in document["responders"]:
        responder["contacts"] = [{"name": "hook", "kind": "webhook", "address": address}]
    built = Station(folder, document)
    built.write_manifest()
    try:
        # It may take longer than `up` waits for it; the test waits itself.
        built.run("up", "--file", str(built.manifest), "--detach", limit_s=LIMIT_S)
        yield built
    finally:
        built.down()


def is_steady(station: Station) -> bool:
    done = station.run("status", "--json", limit_s=60)
    seen = json.loads(done.stdout) if done.returncode == 0 else {}
    return bool(seen.get("ready")) and not seen["open_incidents"]


def test_callers_get_503_and_the_page_says_why_and_what_is_proposed(station: Station, hook: Hook) -> None:
    wait_until(lambda: is_steady(station), "the platform is in its steady state", limit_s=LIMIT_S)
    hook.got.clear()
    report = station.json("drill", "run", "sample-503s", "--approve", limit_s=400)
    # On a busy machine a check through a node may fail first, and that is an incident as well.
    stories = [station.json("incident", "show", str(each)) for each in report["incidents"]]
    story, made = next((story, made) for story in stories for made in story["diagnoses"] if made["runbook"] == BOOK)
    assert made["likely"] == "503 Service Unavailable Errors"
    assert made["causes"][0]["speaks_for"][0].startswith(
        "“Clients receiving 503 errors”: the alert UpstreamErrors tells of it"
    )
    assert {each["title"] for each in made["causes"] if each["ruled_out"]} >= {"Authentication Failures"}
    assert {each["title"] for each in made["checks"]} >= {"List the targets.", "Look at the load."}
    assert any("not runnable here" in each for each in made["unseen"])
    assert made["proposed"]["command"] == "stm service rollback sample_api"
    assert made["proposed"]["asks"]
    said = "likely cause: 503 Service Unavailable Errors"
    wait_until(
        lambda: any(each.startswith(said) for each in hook.diagnoses()),
        "somebody who was paged reads the diagnosis",
        limit_s=LIMIT_S,
    )
    assert any(entry["kind"] == "diagnosis" for entry in story["timeline"])
    steps = [each["text"] for each in story["timeline"] if each["kind"] == "run.step"]
    assert not any(" passed" in each for each in steps if "Restart everything" in each or "another instance" in each)
    approvals = [each for each in hook.notes() if each.get("occasion") == "approval"]
    assert approvals
    assert all("diagnosis" in each for each in approvals), "the question and its reasons are one message"
