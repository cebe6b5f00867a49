"""The drill of a key service instance, over and over on one platform: how long each stage takes, what is lost."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from bench.figures import row

_ROUNDS = 5
_STAGES = (
    ("detected", "detected_s"),
    ("taken out of the balancer", "out_of_balancer_s"),
    ("restarted", "restarted_s"),
    ("recovered", "recovered_s"),
    ("back in the balancer", "back_in_balancer_s"),
    ("incident resolved", "resolved_s"),
)


def rows() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "STATIONMASTER_STATE": folder}
        _run(environment, "up", "--detach")
        try:
            reports = [_drill(environment) for _ in range(_ROUNDS)]
        finally:
            _run(environment, "down")
    for stage, field in _STAGES:
        yield row(f"fault → {stage}", [report[field] for report in reports], "s")
    lost = [report["load"]["lost"] for report in reports]
    sent = sum(report["load"]["sent"] for report in reports)
    yield row("idempotent requests lost per drill", lost, "", note=f"of {sent} sent in all at 50/s")
    yield row("slowest request per drill", [report["load"]["slowest_ms"] for report in reports], "ms")


def _drill(environment: dict[str, str]) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(_run(environment, "drill", "run", "key-service-instance-down", "--json"))
    return report


def _run(environment: dict[str, str], *arguments: str) -> str:
    command = (sys.executable, "-m", "stationmaster", *arguments)
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=180).stdout
