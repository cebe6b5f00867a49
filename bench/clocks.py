"""10,000 open incidents whose clocks run: what a look at them costs, and how late pages are after kill -9."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil
import structlog

from bench.figures import row
from bench.ground import Ground, platform
from bench.receivers import Arrivals, webhook
from stationmaster.config import StateDir
from stationmaster.core.facts import Alert
from stationmaster.core.response import (
    Contact,
    ContactKind,
    EscalationPolicy,
    Level,
    PageTarget,
    PolicyName,
    Responder,
    ResponderName,
    TargetKind,
    Urgency,
)
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import linked, store
from stationmaster.incidents.claims import Claimed
from stationmaster.incidents.loop import Incidents
from stationmaster.incidents.notify.receipt import Receipt, delivered
from stationmaster.incidents.pager import Pager
from stationmaster.incidents.routing import Routed
from stationmaster.incidents.sending_loop import Sender
from stationmaster.incidents.steady import Steady
from stationmaster.incidents.watch import PageWatch
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, metadata, open_database

_INCIDENTS = 10_000
_AFTER_S = 600
"""After which each incident reaches its level."""
_LOOKS, _DUE_AT_ONCE, _ROUNDS = 50, 25, 20
_PROBES, _EVERY_S, _LEAD_S = 450, 0.1, 12.0
"""Pages that come to be due one after the other, from so long after the start on."""
_KILLS = int(os.environ.get("BENCH_CLOCK_KILLS", "3"))
_LIMIT_S = 60.0

_POLICY = EscalationPolicy(
    name=PolicyName("everything"),
    levels=(Level(targets=(PageTarget(kind=TargetKind.RESPONDER, name="engineer"),), after_s=_AFTER_S),),
)
_ROUTED = Routed(policy=_POLICY, urgency=Urgency.HIGH, channels=(), why="")


def rows() -> Iterator[str]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with TemporaryDirectory() as folder:
        yield from asyncio.run(_looks(Path(folder)))
    yield from _drift()


async def seeded(database: Database, due: list[datetime]) -> None:
    """Opens an incident for each moment, at which its one level is reached; the pager has looked at all of them."""
    async with database.write() as connection:
        for number, moment in enumerate(due):
            begun = moment - timedelta(seconds=_AFTER_S)
            found = Alert(
                fingerprint=f"f{number}",
                labels={"alertname": "Slow", "instance": f"host-{number}:9100", "severity": "critical"},
                summary=f"host-{number} is slow",
                url="",
                starts_at=begun,
            )
            opened = replace(store.opening(f"Slow on host-{number}", begun, _ROUTED), chain_at=begun)
            opened_as = await store.open_incident(connection, opened, found)
            await linked.record_alert(connection, opened_as, found)
            await store.change(connection, opened_as, due_at=moment)


async def _looks(folder: Path) -> list[str]:
    """Of the real pager on a real store; only the sending is left out."""
    database, now = open_database(folder / "clocks.db"), datetime.now(UTC)
    async with database.write() as connection:
        await connection.run_sync(metadata.create_all)
    await seeded(database, [now + timedelta(hours=1, seconds=number) for number in range(_INCIDENTS)])
    clock = Steady(wall=lambda: now, monotonic=lambda: 0.0)
    incidents = Incidents(database, Cell(_spec()), clock=clock)
    pager = Pager(incidents.ground, _sent).sender
    quiet = [await _timed_look(pager, 0) for _ in range(_LOOKS)]
    watch = PageWatch(incidents.ground, incidents.overdue, _sent)
    watched = []
    for _ in range(_LOOKS):
        begun = time.perf_counter()
        await watch.look()
        watched.append((time.perf_counter() - begun) * 1000)
    busy: list[float] = []
    noted: list[float] = []
    now += timedelta(hours=1, seconds=-1)
    for _ in range(_ROUNDS):
        now += timedelta(seconds=_DUE_AT_ONCE)
        busy.append(await _timed_look(pager, _DUE_AT_ONCE, noted))
    await database.close()
    size = f"{_INCIDENTS:,} open incidents"
    return [
        row(f"{size}: a look when nothing is due", quiet, "ms", note="every second and after commits"),
        row(f"{size}: a look of the watchdog", watched, "ms", note="every 5 s"),
        row(f"{size}: a look that claims {_DUE_AT_ONCE} pages", busy, "ms"),
        row(f"{size}: noting that a page is sent", noted, "ms", note="a commit each"),
    ]


async def _timed_look(pager: Sender[Claimed], expected: int, noted: list[float] | None = None) -> float:
    """Milliseconds. Raises RuntimeError where it claims anything else than what is due."""
    begun = time.perf_counter()
    claimed = await pager.tick()
    took_ms = (time.perf_counter() - begun) * 1000
    if len(claimed) != expected:
        raise RuntimeError(f"{len(claimed)} pages are claimed, not {expected}")
    for each in claimed:
        begun = time.perf_counter()
        await pager.finish(each)
        if noted is not None:
            noted.append((time.perf_counter() - begun) * 1000)
    return took_ms


async def _sent(_: Claimed) -> Receipt:
    return delivered("by the bench")


def _spec() -> PlatformSpec:
    contact = Contact(name="hook", kind=ContactKind.WEBHOOK, address="http://127.0.0.1:9/page")
    return PlatformSpec(
        environment="bench",
        responders=(Responder(name=ResponderName("engineer"), contacts=(contact,)),),
        escalation_policies=(_POLICY,),
    )


def _drift() -> Iterator[str]:
    alive, dead, later, gone, memory = [], [], [], [], []
    for _ in range(_KILLS):
        with webhook() as hook, platform(_declared(hook.address)) as ground:
            ground.run("down")
            first = asyncio.run(_seed(ground))
            ground.up()
            found = _killed(ground, hook, first.timestamp())
            memory.append(psutil.Process(ground.pid_of("control")).memory_info().rss / 1e6)
        alive.append(found["alive"])
        dead.append(found["dead"])
        later.append(found["later"])
        gone.append(found["gone"])
    size = f"{_INCIDENTS:,} open incidents"
    yield row(f"{size}: a page is due → it arrives, median", alive, "s", note=f"one every {_EVERY_S * 1000:g} ms")
    yield row("kill -9 → the control plane answers again", gone, "s", note="its supervisor starts it")
    yield row("it answers again → the last page that came to be due meanwhile", dead, "s")
    yield row(
        "a page is due after the restart → it arrives, latest", later, "s", note="none lost; none twice but doubtful"
    )
    yield row(f"{size}: memory of the control plane", memory, "MB")


def _declared(hook: str) -> dict[str, Any]:
    contacts = [{"name": "hook", "kind": "webhook", "address": f"http://{hook}/page"}]
    return {
        "responders": [{"name": "engineer", "contacts": contacts}],
        "escalation_policies": [
            {"name": "everything", "levels": [{"targets": ["responder/engineer"], "after": f"{_AFTER_S}s"}]}
        ],
        "incidents": {"policy": "everything"},
    }


async def _seed(ground: Ground) -> datetime:
    """Many whose clocks run and reach nothing in the next hour, and the probes; says when the first of those is due."""
    database = open_database(StateDir(ground.state).database)
    far = datetime.now(UTC) + timedelta(hours=1)
    await seeded(database, [far + timedelta(seconds=each) for each in range(_INCIDENTS - _PROBES)])
    first = datetime.now(UTC) + timedelta(seconds=_LEAD_S)
    await seeded(database, [first + timedelta(seconds=_EVERY_S * number) for number in range(_PROBES)])
    await database.close()
    return first


def _killed(ground: Ground, hook: Arrivals, first_s: float) -> dict[str, float]:
    """Kills the control plane in the middle of the probes, and waits for all of their pages."""
    up_s = time.time()
    killed_s = first_s + _EVERY_S * _PROBES / 4
    pid = ground.pid_of("control")
    time.sleep(max(killed_s - time.time(), 0))
    killed_s = time.time()
    os.kill(pid, signal.SIGKILL)
    back_s = _answers(ground)
    hook.wait(_PROBES, _LIMIT_S)
    before = _INCIDENTS - _PROBES + 1
    due = {f"stationmaster/bench/{before + number}": first_s + _EVERY_S * number for number in range(_PROBES)}
    came = {each.group: each.at_s for each in reversed(hook.got)}
    twice = len(hook.got) - len(came)
    if set(came) != set(due) or twice > 8:
        raise RuntimeError(f"{len(set(due) - set(came))} pages lost, {twice} sent twice")
    late = {group: at_s - due[group] for group, at_s in came.items()}
    calm = [late[each] for each in due if up_s < due[each] < killed_s - 1]
    meanwhile = [came[each] - back_s for each in due if killed_s <= due[each] <= back_s]
    after = [late[each] for each in due if due[each] > back_s + 1]
    if not calm or not after:
        raise RuntimeError(f"no page was due before the end or after the new start ({back_s - killed_s:.1f} s)")
    return {
        "alive": median(calm),
        "dead": max([*meanwhile, 0.0]),
        "later": max(after),
        "gone": back_s - killed_s,
    }


def _answers(ground: Ground) -> float:
    """Seconds since the epoch."""
    url, end = f"http://{ground.document['control']['api']}/healthz", time.monotonic() + _LIMIT_S
    with httpx.Client(trust_env=False, timeout=2) as client:
        while time.monotonic() < end:
            with suppress(httpx.HTTPError):
                if client.get(url).is_success:
                    return time.time()
            time.sleep(0.01)
    raise TimeoutError(f"the control plane does not answer within {_LIMIT_S:g} s")
