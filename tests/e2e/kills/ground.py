"""The platform that is broken in `make kills`: the sample with people to page, a risky runbook, and counted starts."""

import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from stationmaster.config import STATE_VARIABLE
from stationmaster.runtime.lock import holder
from tests.e2e.kills.drawn import INSTANCES, Kind, Strike
from tests.e2e.station import PROGRAM, SAMPLE, Station, sample_with_free_ports

ALERT = "LedgerMissing"
API_FAULT_S = 25.0
_RUNBOOK = """---
title: The ledger is missing
type: alert
alert: {alert}
severity: critical
---

# The ledger is missing

## Diagnosis

1. See whether it is there.
   ```bash {{risk=read timeout=10s expect="line"}}
   cat {ledger}
   ```

## Remedy

1. Write its line.
   ```bash {{risk=change when=down timeout=30s verify="grep --quiet line {ledger}"}}
   echo line | tee --append {ledger}
   ```

## Verification

1. It is there.
   ```bash {{risk=read timeout=10s expect="line" wait=20s}}
   cat {ledger}
   ```
"""


@dataclass(slots=True, kw_only=True)
class Ground:
    station: Station

    @property
    def ledger(self) -> Path:
        """What the step that somebody has to allow adds a line to."""
        return self.station.folder / "ledger"

    def starts(self, instance: str) -> int:
        """How often the instance's own program was really started, whoever says so."""
        with suppress(FileNotFoundError):
            return len((self.station.folder / "starts" / instance).read_text("ascii").splitlines())
        return 0

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the REST API answers; None while the control plane is away or refuses."""
        state = self.station.state
        try:
            url = (state / "control.url").read_text("utf-8").strip()
            headers = {"authorization": f"Bearer {(state / 'admin.token').read_text('utf-8').strip()}"}
            with httpx.Client(base_url=url, headers=headers, timeout=10, trust_env=False) as client:
                answer = client.request(method, path, json=body)
            return (answer.json() if answer.content else {}) if answer.is_success else None
        except (httpx.HTTPError, OSError, json.JSONDecodeError):
            return None

    def strike(self, target: Strike) -> int:
        """SIGKILL to every process that runs one of the verbs, supervisors first; how many control planes died."""
        found = [(verb, each) for verb, each in self._verbs() if verb in target.value]
        for _, process in sorted(found, key=lambda each: each[0], reverse=True):
            with suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs([process for _, process in found], timeout=10)
        return sum(verb == "control" for verb, _ in found)

    def has_control(self) -> bool:
        return any(verb == "control" for verb, _ in self._verbs())

    def has_supervisor(self) -> bool:
        held = holder(self.station.state / "up.lock") is not None
        return held or any(verb == "up" for verb, _ in self._verbs())

    def _verbs(self) -> list[tuple[str, psutil.Process]]:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                verb = process.cmdline()[len(PROGRAM) :][:1]
                if verb and verb[0] in Strike.BOTH.value and process.environ().get(STATE_VARIABLE) == self._mark:
                    found.append((verb[0], process))
        return found

    @property
    def _mark(self) -> str:
        return str(self.station.state)


def ground_in(folder: Path, next_port: Callable[[], int], page_url: str) -> Ground:
    """Nothing runs yet."""
    document = sample_with_free_ports(next_port, (SAMPLE.parent / "runbooks", folder / "runbooks"))
    document["healing"]["max_restarts_per_hour"] = 3600
    hook = {"name": "hook", "kind": "webhook", "address": page_url}
    document["responders"] = [{"name": "ada", "contacts": [hook]}]
    document["schedules"] = []
    document["channels"] = [{"name": "ops", "kind": "webhook", "address": page_url}]
    document["escalation_policies"] = [
        {
            "name": "platform",
            "levels": [
                {"targets": ["responder/ada"]},
                {"after": "15m", "targets": ["channel/ops"], "when": ["restarts failed 2"]},
            ],
        }
    ]
    document["incidents"] = {**document.get("incidents", {}), "policy": "platform", "channels": ["ops"]}
    (folder / "starts").mkdir()
    for service in document["services"]:
        if service["name"] == "api_key_service":
            counted = ["sh", "-c", 'date >> "$0"; exec "$@"', f"{folder}/starts/{{instance}}"]
            service["command"] = [*counted, sys.executable, "-m", *service["command"]]
    station = Station(folder=folder, document=document)
    ground = Ground(station=station)
    ground.ledger.write_text("line\n", "ascii")
    (folder / "runbooks").mkdir()
    runbook = _RUNBOOK.format(alert=ALERT, ledger=ground.ledger)
    (folder / "runbooks" / "ledger.md").write_text(runbook, "utf-8")
    station.write_manifest()
    return ground


@dataclass(slots=True, kw_only=True)
class Fault:
    """What is broken in a round, and what goes on beside it: yeses, and a foreign alert that fires while it should."""

    ground: Ground
    kind: Kind
    instance: str
    name: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Of the foreign alert: one that fires in many rounds would be damped as flapping, and its incident stay open."""
    since_s: float = 0.0
    _looked_s: float = 0.0
    _over: bool = False

    def begin(self) -> None:
        self.since_s = time.monotonic()
        match self.kind:
            case Kind.INSTANCE_DOWN:
                self._inject("kill", self.instance)
            case Kind.WRONG_BODY:
                self._inject("wrong-body", self.instance)
            case Kind.SERVICE_DOWN:
                for each in INSTANCES:
                    self._inject("kill", each)
            case Kind.NODE_DOWN:
                self._inject("kill", "gateway-1")
            case Kind.API_FAULT:
                self._inject("abort", "sample", status=503)
            case Kind.APPROVAL:
                os.truncate(self.ground.ledger, 0)
        self._tell()

    def tick(self) -> None:
        """Twice a second: answers what is asked, and tells what is true."""
        if time.monotonic() - self._looked_s < 0.5:
            return
        self._looked_s = time.monotonic()
        self._say_yes()
        self._tell()
        if self.kind is Kind.API_FAULT and not self._over and self._age_s > API_FAULT_S:
            self._over = self.ground.ask("DELETE", "/api/v1/faults") is not None

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is left to be mended."""
        if self.kind is Kind.APPROVAL:
            return self.ground.ledger.stat().st_size > 0
        return self._over if self.kind is Kind.API_FAULT else True

    @property
    def _age_s(self) -> float:
        return time.monotonic() - self.since_s

    def _inject(self, kind: str, of: str, *, status: int = 503) -> None:
        order = {"drill": "kills", "kind": kind, "of": of, "for_s": 120, "status": status}
        assert self.ground.ask("POST", "/api/v1/faults", order) is not None, f"{kind} {of} is refused"

    def _say_yes(self) -> None:
        for each in (self.ground.ask("GET", "/api/v1/approvals") or {}).get("approvals", ()):
            order = {"allow": True, "digest": each["digest"], "why": "make kills"}
            self.ground.ask("POST", f"/api/v1/approvals/{each['run']}/{each['step']}", order)

    def _tell(self) -> None:
        """As Prometheus does: over and over while it fires, and that it is over."""
        if self.kind is not Kind.APPROVAL:
            return
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        labels = {"alertname": ALERT, "environment": "sample", "severity": "critical", "ledger": self.name}
        alert = {"labels": labels, "annotations": {"summary": "the ledger is missing"}}
        self.ground.ask("POST", "/alertmanager/api/v2/alerts", [{**alert, **({"endsAt": at} if self.is_over else {})}])
