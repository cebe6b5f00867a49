"""The command line at its entrances: help, JSON, and refusals that say what to do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stationmaster.config import STATE_VARIABLE

OWN = Path(__file__).parents[2] / "runbooks" / "key-service-instance-down.md"


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, STATE_VARIABLE: str(folder / "state"), "COLUMNS": "160"}
    command = (sys.executable, "-m", "stationmaster", *arguments)
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("up",),
        ("down",),
        ("status",),
        ("incident", "list"),
        ("incident", "show"),
        ("runbook", "read"),
        ("drill", "run"),
        ("key", "create"),
        ("key", "list"),
        ("key", "show"),
        ("key", "rotate"),
        ("key", "revoke"),
        ("key", "secret"),
        ("token", "revoke"),
        ("signing-key", "list"),
        ("signing-key", "rotate"),
        ("cipher", "status"),
        ("cipher", "rotate"),
        ("cipher", "new-key"),
        ("control",),
        ("keys",),
        ("doctor",),
        ("sample-api",),
    ],
    ids=" ".join,
)
def test_every_verb_has_help(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(tmp_path, *arguments, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        (("status",), "the control plane is not running here", "stationmaster up"),
        (("incident", "list"), "the control plane is not running here", "stationmaster up"),
        (("key", "create", "ada"), "the control plane is not running here", "stationmaster up"),
        (("drill", "run", "no-such-drill"), "the control plane is not running here", "stationmaster up"),
        (("down",), "there is no", "--state"),
        (("down", "--state", "/"), "no platform was ever run from /", "--state"),
        (("status", "--state", "/dev/null"), "the control plane is not running here", "--state"),
        (("up", "--state", "/dev/null"), "/dev/null cannot be the state folder", "--state"),
        (("up", "-f", "no-such.yaml"), "no-such.yaml", "hint"),
        (("runbook", "read", "no-such.md"), "no-such.md", "hint"),
        (("keys", "--listen", "nowhere", "--instance", "k"), "'nowhere' is no HOST:PORT", "127.0.0.1:8888"),
        (("keys", "--listen", "127.0.0.1:99999", "--instance", "k"), "is no HOST:PORT", "127.0.0.1:8888"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_refusal_is_one_message_with_a_hint_and_status_1(
    tmp_path: Path, arguments: tuple[str, ...], said: str, hint: str
) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_every_problem_of_a_platform_yaml_is_told_with_its_line_and_nothing_is_started(tmp_path: Path) -> None:
    manifest = tmp_path / "platform.yaml"
    manifest.write_text(
        "environment: x\nregions: [a, a]\nservicez: []\napis:\n  - {name: n, paths: [no-slash]}\n", "utf-8"
    )
    done = run(tmp_path, "up", "-f", str(manifest))
    assert done.returncode == 1
    for line in (2, 3, 5):
        assert f"{manifest}:{line}:" in done.stderr
    assert not (tmp_path / "state").exists()


def test_a_runbook_is_read_without_any_platform(tmp_path: Path) -> None:
    table = run(tmp_path, "runbook", "read", str(OWN))
    assert table.returncode == 0
    assert "curl --silent --show-error" in table.stdout
    document = json.loads(run(tmp_path, "runbook", "read", str(OWN), "--json").stdout)
    assert document["service"] == "api_key_service"
    assert {"1", "2", "3"} <= {row["address"] for row in document["steps"]}


def test_a_binary_file_is_no_runbook(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_bytes(b"\x00\xff\x00")
    done = run(tmp_path, "runbook", "read", str(tmp_path / "x.md"))
    assert done.returncode == 1
    assert "UTF-8" in done.stderr
