"""`silence`, `alert` and `heartbeat` against a served API."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from stationmaster.cli.main import app
from stationmaster.config import StateDir
from stationmaster.runtime.db import Database
from tests.api.only_intake import make, served

Said = Callable[..., Awaitable[str]]


@pytest.fixture
async def root(database: Database, tmp_path: Path, free_port: Callable[[], int]) -> AsyncIterator[Path]:
    root = tmp_path / "state"
    async with served(await make(database, StateDir(root)), free_port) as address:
        (root / "control.url").write_text(f"http://{address}\n", "utf-8")
        yield root


@pytest.fixture
def said(root: Path) -> Said:
    async def run(*words: str, status: int = 0) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--state", str(root)])
        assert result.exit_code == status, result.output
        return result.output

    return run


async def call(root: Path, method: str, path: str, **sent: Any) -> httpx.Response:
    url = (root / "control.url").read_text().strip()
    headers = {"authorization": f"Bearer {(root / 'admin.token').read_text().strip()}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as http:
        return await http.request(method, path, **sent)


async def test_a_silence_is_added_listed_and_expired(root: Path, said: Said) -> None:
    number = (await said("silence", "add", "service=orders", "--for", "2h", "-c", "a new disk")).strip()
    window = await said("silence", "add", 'region=~"eu.*"', "--from", "+1h", "--name", "switch upgrade")
    listed = await said("silence", "list")
    assert 'service="orders"' in listed
    assert "switch upgrade" in listed
    assert "switch upgrade:" not in listed
    (shown,) = [each for each in json.loads(await said("silence", "list", "--json"))["silences"] if each["name"]]
    assert (shown["state"], shown["id"]) == ("pending", window.strip())
    assert "expired" in await said("silence", "expire", number)
    assert number not in await said("silence", "list")
    assert number in await said("silence", "list", "--all")
    assert "bad-matcher" in await said("silence", "add", "service", status=1)
    assert "bad-silence" in await said("silence", "add", "service=~.*", status=1)
    assert "silence-expired" in await said("silence", "expire", number, status=1)


async def test_a_routing_key_is_shown_once_and_its_alert_is_listed(root: Path, said: Said) -> None:
    made = json.loads(await said("alert", "key", "create", "--service", "orders", "--json"))
    payload = {"summary": "disk full", "source": "db-1", "severity": "error"}
    event = {"routing_key": made["routing_key"], "event_action": "trigger", "dedup_key": "d", "payload": payload}
    assert (await call(root, "POST", "/v2/enqueue", json=event)).status_code == 202
    assert "disk full" in await said("alert", "list")
    listed = await said("alert", "key", "list")
    assert made["key"]["id"] in listed
    assert made["routing_key"] not in listed
    await said("alert", "key", "revoke", made["key"]["id"])
    assert "revoked" in await said("alert", "key", "list")
    assert "unknown-service" in await said("alert", "key", "create", "--service", "nobody", status=1)


async def test_a_heartbeat_is_set_beaten_listed_and_removed(root: Path, said: Said) -> None:
    await said("heartbeat", "set", "nightly-backup", "--every", "1d", "--grace", "1h", "--service", "orders")
    assert "never" in await said("heartbeat", "list")
    await said("heartbeat", "beat", "nightly-backup")
    (shown,) = json.loads(await said("heartbeat", "list", "--json"))["heartbeats"]
    assert (shown["interval_s"], shown["grace_s"], shown["missed"]) == (86_400, 3_600, False)
    assert shown["beat_at"] is not None
    await said("heartbeat", "remove", "nightly-backup")
    assert "unknown-heartbeat" in await said("heartbeat", "beat", "nightly-backup", status=1)
