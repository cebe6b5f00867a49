"""A version that breaks a service for good is taken back by the full recovery, on a whole platform, also when it is
killed in the middle."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.station import PROGRAM, Station, alive, running, sample_with_free_ports, wait_until

pytestmark = pytest.mark.e2e

RUNBOOKS = Path(__file__).parents[2] / "runbooks"
SHORTER = {"wait=1m ": "wait=3s ", "wait=2m}": "wait=20s}", "--timeout 45s": "--timeout 8s"}
"""How long runbooks wait for remedies that cannot help here."""
SERVICE = "api_key_service"
LONG_S = 480


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[Station]:
    folder = tmp_path_factory.mktemp("recovery")
    with running(folder, sample_with_free_ports(free_port, [impatient(folder / "runbooks")])) as built:
        yield built


def impatient(folder: Path) -> Path:
    """Our runbooks, with shorter waits."""
    folder.mkdir()
    for each in RUNBOOKS.glob("*.md"):
        text = each.read_text("utf-8")
        for long, short in SHORTER.items():
            text = text.replace(long, short)
        (folder / each.name).write_text(text, "utf-8")
    return folder


def phase(station: Station) -> str:
    return str(station.json("service", "versions", SERVICE)["deployment"]["phase"])


def deploy_breakable(station: Station, flag: Path) -> None:
    """Deploys a version that is well until the flag is there, and then dies whatever restarts it."""
    wait_until(lambda: phase(station) == "good", "the first version stands well", limit_s=LONG_S)
    serve = f"{sys.executable} -m stationmaster keys --listen {{address}} --instance {{instance}} --region {{region}}"
    script = f"{serve} & while [ ! -e {flag} ]; do sleep 0.2; done; kill $!; exit 3"
    words = ("-c", "/bin/sh", "-c", "-c", "-c", script)
    done = station.run("service", "deploy", SERVICE, *words, "--bake", "0", "-r", "new", limit_s=LONG_S)
    assert done.returncode == 0, done.stdout + done.stderr


def break_for_good(station: Station, flag: Path) -> None:
    flag.touch()

    def all_down() -> bool:
        found = [each for each in station.status()["instances"] if each["service"] == SERVICE]
        return all(each["health"] == "down" for each in found)

    wait_until(all_down, "every instance is down", limit_s=LONG_S)


def watch_gateway(url: str, seen: list[httpx.Response], over: threading.Event) -> None:
    while not over.wait(0.5):
        try:
            seen.append(httpx.get(url, timeout=5))
        except httpx.HTTPError:
            continue


def test_recovery_is_killed_goes_on_and_brings_the_last_good_version_back(station: Station, tmp_path: Path) -> None:
    flag = station.folder / "broken"
    deploy_breakable(station, flag)
    break_for_good(station, flag)
    journal = tmp_path / "runs.db"
    command = ("recover", SERVICE, "--yes", "--journal", str(journal))
    env = {**station.surroundings, "COLUMNS": "200"}
    seen: list[httpx.Response] = []
    over = threading.Event()
    watcher = threading.Thread(target=watch_gateway, args=(f"{station.node_url()}/api/auth/jwks", seen, over))
    watcher.start()
    try:
        first = subprocess.Popen((*PROGRAM, *command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
        closed = ("wait", f"traffic/{SERVICE}", "--for", "closed", "--timeout", "200s")
        assert station.run(*closed, limit_s=LONG_S).returncode == 0
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        assert not alive(first.pid)
        again = station.run(*command, limit_s=500)
    finally:
        over.set()
        watcher.join()

    assert again.returncode == 0, again.stdout + again.stderr
    assert "goes on with " in again.stderr
    found = station.json("service", "versions", SERVICE)
    assert (found["deployment"]["version"], found["deployment"]["phase"]) == (1, "rolled-back")
    assert {each["version"] for each in found["instances"]} == {1}
    told = [each for each in seen if each.status_code == 503 and "under recovery" in each.text]
    assert told, "callers were told by the gateway"
    assert {each.headers["retry-after"] for each in told} == {"60"}
    assert httpx.get(f"{station.node_url()}/api/auth/jwks").status_code == 200
    silences = station.json("maintenance", "list")["silences"]
    assert not silences, "the window is over"


def test_a_run_for_the_incident_proposes_the_recovery_and_one_yes_does_it(station: Station) -> None:
    wait_until(lambda: station.status()["open_incidents"] == 0, "the incident before is over", limit_s=LONG_S)
    wait_until(lambda: station.status()["ready"], "all is well", limit_s=LONG_S)
    last = max(each["number"] for each in station.json("incident", "list")["incidents"])
    flag = station.folder / "broken"
    flag.unlink()
    again = station.run("service", "deploy", SERVICE, "--version", "2", "--bake", "0", limit_s=LONG_S)
    assert again.returncode == 0, again.stdout + again.stderr
    break_for_good(station, flag)

    def asked() -> list[dict[str, str]]:
        every = station.json("approval", "list")["approvals"]
        return [each for each in every if f"stm recover {SERVICE}" in each["command"]]

    wait_until(asked, "the run asks for a yes", limit_s=LONG_S)
    (question,) = asked()
    assert station.run("approval", "allow", question["run"], question["step"], "--yes").returncode == 0
    wait_until(lambda: station.status()["ready"] and not station.status()["open_incidents"], "cured", limit_s=500)
    assert station.json("service", "versions", SERVICE)["deployment"]["version"] == 1
    new = [each["number"] for each in station.json("incident", "list")["incidents"] if each["number"] > last]
    assert new
