"""A storm of alerts upon a whole control plane: how many incidents, how soon the first page and the last one arrive."""

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import psutil

from bench.figures import row
from bench.ground import Ground, platform
from bench.receivers import Arrivals, mailbox, webhook
from stationmaster.config import StateDir

_ALERTS, _SERIES, _BATCH, _SENDERS = 10_000, 500, 256, 4
"""Prometheus sends 256 a request."""
_SERVICES, _REGIONS = 20, 5
_ROUNDS = int(os.environ.get("BENCH_STORMS", "3"))
_LIMIT_S = 120.0
_HANDLED = """SELECT count(*) FROM outbox WHERE kind = 'AlertFired'
              AND id <= (SELECT last_id FROM outbox_cursor WHERE consumer = 'incidents')"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    taken_s: float
    slowest_ms: float
    first_page_s: float
    first_mail_s: float
    all_pages_s: float
    incidents: int
    memory_mb: float


def declared(hook: str, mail: str) -> dict[str, Any]:
    """One engineer, who is told by a webhook and by e-mail at once."""
    host, _, port = mail.partition(":")
    contacts = [
        {"name": "hook", "kind": "webhook", "address": f"http://{hook}/page"},
        {"name": "mail", "kind": "email", "address": "engineer@example.org"},
    ]
    smtp = {"host": host, "port": int(port), "sender": "pages@example.org", "starttls": False}
    return {
        "responders": [{"name": "engineer", "contacts": contacts}],
        "escalation_policies": [{"name": "everything", "levels": [{"targets": ["responder/engineer"]}]}],
        "incidents": {"policy": "everything", "smtp": smtp},
    }


def rows() -> Iterator[str]:
    found = [_storm() for _ in range(_ROUNDS)]
    what = f"{_ALERTS:,} alerts of {_SERIES} series, {_SENDERS} senders, {_BATCH} a request"
    yield row("storm: alerts taken in", [_ALERTS / each.taken_s for each in found], "alerts/s", note=what)
    yield row("storm: slowest answer", [each.slowest_ms for each in found], "ms")
    yield row(
        "storm: incidents", [each.incidents for each in found], "", note=f"{_SERVICES} services, {_REGIONS} regions"
    )
    yield row("storm: first alert → first page", [each.first_page_s for each in found], "s", note="at a real webhook")
    yield row(
        "storm: first alert → first mail", [each.first_mail_s for each in found], "s", note="at a real SMTP server"
    )
    yield row("storm: first alert → every incident paged", [each.all_pages_s for each in found], "s", note="webhook")
    yield row("storm: memory of the control plane after it", [each.memory_mb for each in found], "MB")


def _storm() -> _Seen:
    with webhook() as hook, mailbox() as mail, platform(declared(hook.address, mail.address)) as ground:
        begun_s = time.time()
        slowest_s = asyncio.run(_send(ground))
        taken_s = time.time() - begun_s
        incidents = _settled(ground)
        last_s = hook.wait(incidents, _LIMIT_S)
        mail.wait(1, _LIMIT_S)
        return _Seen(
            taken_s=taken_s,
            slowest_ms=slowest_s * 1000,
            first_page_s=hook.got[0].at_s - begun_s,
            first_mail_s=mail.got[0].at_s - begun_s,
            all_pages_s=last_s - begun_s,
            incidents=_checked(incidents, hook),
            memory_mb=psutil.Process(ground.pid_of("control")).memory_info().rss / 1e6,
        )


def _checked(incidents: int, hook: Arrivals) -> int:
    """Every incident is paged once: more pages than incidents would be as wrong as fewer."""
    if len(hook.got) != incidents:
        raise RuntimeError(f"{len(hook.got)} pages of {incidents} incidents")
    return incidents


async def _send(ground: Ground) -> float:
    """Seconds of the slowest answer."""
    token = (ground.state / "admin.token").read_text("utf-8").strip()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    url = f"http://{ground.document['control']['api']}/alertmanager/api/v2/alerts"
    bodies = iter([_body(first) for first in range(0, _ALERTS, _BATCH)])
    slowest_s = 0.0

    async def sender(http: httpx.AsyncClient) -> None:
        nonlocal slowest_s
        for body in bodies:
            sent = time.perf_counter()
            (await http.post(url, content=body)).raise_for_status()
            slowest_s = max(slowest_s, time.perf_counter() - sent)

    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as http:
        await asyncio.gather(*(sender(http) for _ in range(_SENDERS)))
    return slowest_s


def _body(first: int) -> bytes:
    return json.dumps([_alert(number % _SERIES) for number in range(first, min(first + _BATCH, _ALERTS))]).encode()


def _alert(series: int) -> dict[str, Any]:
    labels = {
        "alertname": f"Slow{series % 7}",
        "instance": f"host-{series}:9100",
        "job": "node",
        "service": f"service-{series % _SERVICES}",
        "region": f"region-{series // _SERVICES % _REGIONS}",
        "severity": "critical",
    }
    return {"labels": labels, "annotations": {"summary": f"host-{series} is slow"}}


def _settled(ground: Ground) -> int:
    """How many incidents there are when the fact of every series was handled."""
    uri, end = f"file:{StateDir(ground.state).database}?mode=ro", time.monotonic() + _LIMIT_S
    with closing(sqlite3.connect(uri, uri=True)) as store:
        while store.execute(_HANDLED).fetchone()[0] < _SERIES:
            if time.monotonic() > end:
                raise TimeoutError(f"not all of {_SERIES} series were handled within {_LIMIT_S:g} s")
            time.sleep(0.02)
        return int(store.execute("SELECT count(*) FROM incident").fetchone()[0])
