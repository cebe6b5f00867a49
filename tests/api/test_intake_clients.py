"""Real foreign programs against a served API: Debian's Prometheus, amtool, Alertmanager; and a kill after an answer."""

import asyncio
import json
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from stationmaster.access.roles import Role
from stationmaster.config import StateDir
from stationmaster.core.facts import AlertFired, AlertRecovered
from stationmaster.runtime.db import Database, open_database
from stationmaster.runtime.outbox import facts_since
from tests.api.only_intake import OnlyIntake, make, served
from tests.monitor.differential.real import needed, running
from tests.served import Server

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_LIMIT_S = 40.0


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> OnlyIntake:
    return await make(database, StateDir(tmp_path / "state"))


@pytest.fixture
async def token(platform: OnlyIntake) -> str:
    _row, token = await platform.access.machines.create("prometheus", Role.OPERATOR, None, by="test")
    return token


@pytest.fixture
async def address(platform: OnlyIntake, free_port: Callable[[], int]) -> AsyncIterator[str]:
    async with served(platform, free_port) as found:
        yield found


async def names(database: Database, kind: type[AlertFired] | type[AlertRecovered]) -> list[str]:
    return [each.alert.name for each in await facts_since(database, EPOCH) if isinstance(each, kind)]


async def until(database: Database, kind: type[AlertFired] | type[AlertRecovered], wanted: list[str]) -> None:
    async with asyncio.timeout(_LIMIT_S):
        while (found := sorted(await names(database, kind))) != wanted:
            assert len(found) <= len(wanted), found
            await asyncio.sleep(0.1)


RULES = """
groups:
- name: now
  interval: 1s
  rules:
  - alert: AlwaysOn
    expr: vector(1)
    labels: {service: orders, severity: critical}
    annotations: {summary: 'it is {{ $value }}'}
"""


async def test_a_real_prometheus_opens_an_incident(
    address: str, platform: OnlyIntake, token: str, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    folder = tmp_path / "prometheus"
    folder.mkdir()
    (folder / "rules.yml").write_text(RULES, "utf-8")
    config = f"""
rule_files: [{folder}/rules.yml]
alerting:
  alertmanagers:
  - path_prefix: /alertmanager
    authorization: {{credentials: {token}}}
    static_configs: [{{targets: ['{address}']}}]
"""
    port = free_port()
    # What it finds to send before it has discovered where to is sent again after this delay, a minute by default.
    with running(folder, port, config, "--rules.alert.resend-delay=1s") as real:
        await until(platform.intake.database, AlertFired, ["AlwaysOn"])
        told = (await asyncio.to_thread(real.http.get, "/metrics")).text
        errors = [line for line in told.splitlines() if line.startswith("prometheus_notifications_errors_total{")]
        assert [line.rpartition(" ")[2] for line in errors] == ["0"]
    (alert,) = await platform.intake.desk.firing()
    assert alert.given.annotations == {"summary": "it is 1"}
    async with asyncio.timeout(10):
        while not await platform.incidents.all():
            await asyncio.sleep(0.05)


async def amtool(address: str, config: Path, *words: str) -> str:
    program = needed("amtool")
    url = f"--alertmanager.url=http://{address}/alertmanager"
    process = await asyncio.create_subprocess_exec(
        program,
        url,
        f"--http.config.file={config}",
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(_LIMIT_S):
        out, err = await process.communicate()
    assert process.returncode == 0, (words, err.decode(), out.decode())
    return out.decode()


@pytest.mark.parametrize("how", ["bearer", "basic"])
async def test_a_real_amtool_adds_silences_and_shows_alerts(
    address: str, platform: OnlyIntake, token: str, tmp_path: Path, how: str
) -> None:
    config = tmp_path / "http.yml"
    if how == "bearer":
        config.write_text(f"authorization: {{credentials: {token}}}\n", "utf-8")
    else:
        config.write_text(f"basic_auth: {{username: amtool, password: {token}}}\n", "utf-8")

    silence = (
        await amtool(address, config, "silence", "add", "service=orders", "-c", "a new disk", "-d", "1h")
    ).strip()
    await amtool(address, config, "alert", "add", "Quiet", "service=orders", "--annotation=summary=hush")
    await amtool(address, config, "alert", "add", "Loud", "service=payments")
    shown = json.loads(await amtool(address, config, "-o", "json", "alert", "query", "--silenced"))
    assert [each["labels"]["alertname"] for each in shown] == ["Quiet"]
    assert "Loud" in await amtool(address, config, "alert", "query", "alertname=~Lou.")
    assert await names(platform.intake.database, AlertFired) == ["Loud"]
    assert silence in await amtool(address, config, "silence", "query", "service=orders")
    await amtool(address, config, "silence", "update", "-d", "2h", silence)
    await amtool(address, config, "silence", "expire", silence)
    await until(platform.intake.database, AlertFired, ["Loud", "Quiet"])
    assert "nobody" in await amtool(address, config, "config", "show")
    assert "orders" in await amtool(address, config, "silence", "query", "--expired")


async def test_a_real_alertmanager_sends_by_webhook_and_as_to_pagerduty(
    address: str, platform: OnlyIntake, token: str, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    program = needed("prometheus-alertmanager")
    _key, routing_key = await platform.intake.keys.create("orders", by="test")
    config = tmp_path / "alertmanager.yml"
    config.write_text(
        f"""
route:
  receiver: both
  group_wait: 0s
  group_interval: 1s
receivers:
- name: both
  webhook_configs:
  - url: http://{address}/api/v1/intake/alertmanager
    http_config: {{authorization: {{credentials: {token}}}}}
  pagerduty_configs:
  - url: http://{address}/v2/enqueue
    routing_key: {routing_key}
    severity: error
    class: FromPager
""",
        "utf-8",
    )
    port = free_port()
    with alertmanager(program, tmp_path, port):
        now = datetime.now(UTC)
        await _post(port, [{"labels": {"alertname": "Slow", "service": "orders"}, "startsAt": now.isoformat()}])
        await until(platform.intake.database, AlertFired, ["FromPager", "Slow"])
        (theirs,) = await _get(port)
        (ours,) = await _get(int(address.rpartition(":")[2]), "/alertmanager", token, 'alertname="Slow"')
        assert ours["fingerprint"] == theirs["fingerprint"]
        assert ours.keys() >= theirs.keys()
        ended = {"labels": {"alertname": "Slow", "service": "orders"}, "endsAt": datetime.now(UTC).isoformat()}
        await _post(port, [ended | {"startsAt": now.isoformat()}])
        await until(platform.intake.database, AlertRecovered, ["FromPager", "Slow"])


@contextmanager
def alertmanager(program: str, folder: Path, port: int) -> Iterator[None]:
    command = [
        program,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (folder / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


async def _get(port: int, prefix: str = "", token: str | None = None, wanted: str = "") -> list[dict[str, Any]]:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(trust_env=False, headers=headers) as http:
        url = f"http://127.0.0.1:{port}{prefix}/api/v2/alerts"
        found: list[dict[str, Any]] = (await http.get(url, params={"filter": wanted} if wanted else {})).json()
        return found


async def _post(port: int, alerts: list[dict[str, Any]]) -> None:
    async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(_LIMIT_S):
        while True:
            try:
                answer = await http.post(f"http://127.0.0.1:{port}/api/v2/alerts", json=alerts)
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            assert answer.status_code == 200, answer.text
            return


async def test_what_was_answered_is_there_after_kill_9(tmp_path: Path, free_port: Callable[[], int]) -> None:
    port, root = free_port(), tmp_path / "state"
    server = Server(tmp_path)
    try:
        process = server.start(
            f"from tests.api.only_intake import serve\nserve(StateDir(Path({str(root)!r})), {port})", port
        )
        bearer = {"authorization": f"Bearer {(root / 'sender.token').read_text()}"}
        for number in range(20):
            alerts = [{"labels": {"alertname": f"A{number}"}}]
            answer = process.call("POST", "/alertmanager/api/v2/alerts", json=alerts, headers=bearer)
            assert answer.status_code == 200
        process.stop(signal.SIGKILL)
    finally:
        server.close()
    database = open_database(StateDir(root).database)
    try:
        assert sorted(await names(database, AlertFired)) == sorted(f"A{number}" for number in range(20))
    finally:
        await database.close()
