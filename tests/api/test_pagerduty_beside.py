"""Other real clients over the same HTTPS: PagerDuty's events client, Debian's Alertmanager, a whole control plane."""

import asyncio
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pagerduty
import pytest
import yaml

from stationmaster.access.roles import Role
from stationmaster.config import StateDir
from stationmaster.core.facts import AlertFired, AlertRecovered
from stationmaster.runtime.db import Database
from stationmaster.runtime.outbox import facts_since
from tests.api.only_pagerduty import OnlyPagerDuty, client_of, make, served
from tests.api.test_intake_clients import _post, alertmanager
from tests.monitor.differential.real import needed

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_LIMIT_S = 40.0


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> OnlyPagerDuty:
    return await make(database, StateDir(tmp_path / "state"))


@pytest.fixture
async def base(platform: OnlyPagerDuty, free_port: Callable[[], int]) -> AsyncIterator[str]:
    async with served(platform, free_port) as found:
        yield found


async def names(database: Database, kind: type[AlertFired] | type[AlertRecovered]) -> list[str]:
    return sorted(each.alert.name for each in await facts_since(database, EPOCH) if isinstance(each, kind))


async def until(database: Database, kind: type[AlertFired] | type[AlertRecovered], wanted: list[str]) -> None:
    async with asyncio.timeout(_LIMIT_S):
        while await names(database, kind) != wanted:
            await asyncio.sleep(0.1)


async def test_the_events_client_triggers_acknowledges_and_resolves_what_the_rest_client_sees(
    base: str, platform: OnlyPagerDuty
) -> None:
    _row, routing_key = await platform.intake.keys.create("orders", by="test")
    _row2, token = await platform.access.machines.create("ci", Role.VIEWER, None, by="test")
    trusted = ssl.create_default_context(cafile=str(platform.ca))

    def send(act: str, *words: str) -> str:
        with pagerduty.EventsApiV2Client(routing_key, base_url=base, verify=trusted, trust_env=False) as events:
            key: str = getattr(events, act)(*words)
            return key

    def status() -> str:
        with client_of(base, platform.ca, token) as client:
            (one,) = client.list_all("incidents", params={"date_range": "all"})
            said: str = one["status"]
            return said

    assert await asyncio.to_thread(send, "trigger", "the disk is full", "db-1", "disk-1") == "disk-1"
    await platform.world.settle()
    assert await asyncio.to_thread(status) == "triggered"
    await asyncio.to_thread(send, "acknowledge", "disk-1")
    assert await asyncio.to_thread(status) == "acknowledged"
    await asyncio.to_thread(send, "resolve", "disk-1")
    await platform.world.settle()
    (one,) = await platform.incidents.all()
    (alert,) = (await platform.incidents.story(one.number)).alerts
    assert not alert.firing


async def test_a_real_alertmanager_sends_over_https(
    base: str, platform: OnlyPagerDuty, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    program = needed("prometheus-alertmanager")
    _row, token = await platform.access.machines.create("alertmanager", Role.OPERATOR, None, by="test")
    _key, routing_key = await platform.intake.keys.create("orders", by="test")
    trusted = {"ca_file": str(platform.ca)}
    receiver = {
        "name": "both",
        "webhook_configs": [
            {
                "url": f"{base}/api/v1/intake/alertmanager",
                "http_config": {"authorization": {"credentials": token}, "tls_config": trusted},
            }
        ],
        "pagerduty_configs": [
            {
                "url": f"{base}/v2/enqueue",
                "routing_key": routing_key,
                "class": "FromPager",
                "http_config": {"tls_config": trusted},
            }
        ],
    }
    route = {"receiver": "both", "group_wait": "0s", "group_interval": "1s"}
    config = yaml.safe_dump({"route": route, "receivers": [receiver]})
    (tmp_path / "alertmanager.yml").write_text(config, "utf-8")
    port, now = free_port(), datetime.now(UTC)
    with alertmanager(program, tmp_path, port):
        labels = {"alertname": "Slow", "service": "orders"}
        await _post(port, [{"labels": labels, "startsAt": now.isoformat()}])
        await until(platform.world.database, AlertFired, ["FromPager", "Slow"])
        over = {"labels": labels, "startsAt": now.isoformat(), "endsAt": datetime.now(UTC).isoformat()}
        await _post(port, [over])
        await until(platform.world.database, AlertRecovered, ["FromPager", "Slow"])


PLATFORM = """\
environment: lab
control: {{api: "127.0.0.1:{api}", xds: "127.0.0.1:{xds}", api_tls: "127.0.0.1:{tls}"}}
services:
  - {{name: orders, port: 8081, escalation_policy: all}}
responders:
  - {{name: ada, contacts: [{{name: mail, kind: email, address: ada@example.org}}]}}
schedules:
  - {{name: primary, time_zone: UTC, layers: [{{name: weeks, responders: [ada], starts: "2026-01-05"}}]}}
escalation_policies:
  - {{name: all, levels: [{{targets: [schedule/primary]}}]}}
"""


@pytest.fixture
def control(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[StateDir]:
    """A control plane as `up` starts it, of a platform that has nothing to run."""
    ports = {"api": free_port(), "xds": free_port(), "tls": free_port()}
    file, state = tmp_path / "platform.yaml", StateDir(tmp_path / "state")
    file.write_text(PLATFORM.format(**ports), "utf-8")
    command = [sys.executable, "-m", "stationmaster", "control", "--file", str(file), "--state", str(state.root)]
    with (tmp_path / "control.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "NO_COLOR": "1"})

    def serves() -> bool:
        assert process.poll() is None, (tmp_path / "control.log").read_text()
        return state.control_tls_url.exists() and state.admin_token.exists()

    try:
        deadline = time.monotonic() + _LIMIT_S
        while not serves():
            assert time.monotonic() < deadline, (tmp_path / "control.log").read_text()
            time.sleep(0.05)
        yield state
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def test_a_whole_control_plane_serves_the_client_over_https(control: StateDir) -> None:
    base = control.control_tls_url.read_text().strip()
    ca, token = control.tls / "ca.pem", control.admin_token.read_text().strip()
    with client_of(base, ca, token, "ada@example.org") as client:
        client.max_network_attempts = 3
        service = client.find("services", "orders")
        assert service is not None
        order = {
            "type": "incident",
            "title": "No orders",
            "service": {"id": service["id"], "type": "service_reference"},
        }
        made = client.rpost("incidents", json=order)
        assert made["escalation_policy"]["summary"] == "all"
        assert client.rput(made, json={"status": "acknowledged"})["status"] == "acknowledged"
        assert client.rput(made, json={"status": "resolved"})["status"] == "resolved"
        (on_call,) = client.list_all("oncalls")
        assert on_call["user"]["summary"] == "ada"
    trusted = ssl.create_default_context(cafile=str(ca))
    with httpx.Client(verify=trusted, trust_env=False, headers={"authorization": f"Bearer {token}"}) as http:
        assert http.get(f"{base}/api/v1/incidents").json()["incidents"][0]["title"] == "No orders"
    with httpx.Client(trust_env=False) as http, pytest.raises(httpx.RemoteProtocolError):
        http.get(base.replace("https", "http") + "/healthz")
