"""Probes: 2,000 a second on one core, how late they are, how soon a death is a fact, and 2,000 deaths at once."""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles

from bench.figures import row
from bench.ground import free_address
from stationmaster.core.names import InstanceName, ServiceName
from stationmaster.core.spec import Address, HealthCheck, Instance, PlatformSpec, Service
from stationmaster.monitor.ledger import Change, Closing, Opening
from stationmaster.monitor.loop import Monitor
from stationmaster.monitor.rules import Health, alert_of
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, open_database, utc_now
from stationmaster.runtime.migrate import migrate

_INSTANCES, _PORTS = 2000, 200
_WATCHED_S, _ROUNDS = 10.0, 3
_CHECK = HealthCheck(path="/healthz", contains="well", interval_ms=1000, timeout_ms=1000)
_DEATHS = 150

_SERVER = """
import asyncio, sys, time
ANSWER = (b"HTTP/1.1 200 OK\\r\\nServer: bench\\r\\nContent-Type: text/plain\\r\\nContent-Length: 11\\r\\n\\r\\n"
          b"all is well")
class Answering(asyncio.Protocol):
    def connection_made(self, transport): self.transport = transport
    def data_received(self, data):
        self.transport.write(ANSWER)
        self.transport.close()
async def main():
    loop = asyncio.get_running_loop()
    servers = {}
    for port in map(int, sys.argv[1:]):
        servers[port] = await loop.create_server(Answering, "127.0.0.1", port, backlog=1024)
    print("ready", flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        servers[int(line)].close()
        print(time.monotonic(), flush=True)
asyncio.run(main())
"""
"""Closes the port that it reads, and says when; the monotonic clock is that of the machine."""


def rows() -> Iterator[str]:
    cpu, late, drift, deaths, together = asyncio.run(_measured())
    yield row(f"CPU of one core, {_INSTANCES:,} HTTP probes at 1 s", cpu, "%", note="monitor with store, real sockets")
    yield row("a probe behind its schedule, median", [median(late)], "ms", note=f"{len(late):,} probes")
    yield row("a probe behind its schedule, p99", [quantiles(late, n=100)[98]], "ms")
    yield row("probes made of those that were due", drift, "%")
    limit_ms = _CHECK.interval_ms * _CHECK.down_after + 200
    yield row("a listener closed -> alert fact committed", deaths, "ms", note=f"{len(deaths)} deaths among all")
    yield row("the same, p99", [quantiles(deaths, n=100)[98]], "ms", note=f"aim below {limit_ms} ms")
    yield row(f"{_INSTANCES:,} alerts at once -> all facts committed", together, "ms", note="aim below 1,000 ms")


async def _measured() -> tuple[list[float], list[float], list[float], list[float], list[float]]:
    ports = [int(free_address().rpartition(":")[2]) for _ in range(_PORTS)]
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(Path(folder) / "bench.db")
        await migrate(database)
        async with _answering(ports) as server:
            monitor, late = _monitor(database, ports)
            task = asyncio.get_running_loop().create_task(monitor.run())
            async for shown in monitor.health.changes(tick=1.0):
                if all(each.state is Health.UP for each in shown.values()):
                    break
            cpu, drift = [], []
            for _ in range(_ROUNDS):
                share, made = await _watched(late)
                cpu.append(share)
                drift.append(made)
            calm = list(late)
            deaths = await _killed(monitor, server, ports)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        together = [await _all_at_once(monitor) for _ in range(_ROUNDS)]
        await database.close()
    return cpu, calm, drift, deaths, together


def _monitor(database: Database, ports: list[int]) -> tuple[Monitor, list[float]]:
    name = ServiceName("bench")
    instances = tuple(
        Instance(
            name=InstanceName(f"bench-{number}"),
            service=name,
            region="eu-de",
            address=Address(host="127.0.0.1", port=ports[number % len(ports)]),
        )
        for number in range(_INSTANCES)
    )
    service = Service(name=name, port=80, health=_CHECK, instances=instances)
    late: list[float] = []
    monitor = Monitor(database, Cell(PlatformSpec(environment="bench", services=(service,))))
    _note_lateness(monitor, late)
    return monitor, late


def _note_lateness(monitor: Monitor, late: list[float]) -> None:
    real = monitor.schedule.ticks

    async def ticks(name: str, interval_s: float) -> AsyncIterator[None]:
        async for _ in real(name, interval_s):
            late.append((time.monotonic() - monitor.schedule.due[name]) * 1000)
            yield

    monitor.schedule.ticks = ticks  # type: ignore[method-assign]


async def _watched(late: list[float]) -> tuple[float, float]:
    """The share of a core, and the share of the probes that were due which were made, in percent."""
    late.clear()
    began, cpu = time.monotonic(), time.process_time()
    await asyncio.sleep(_WATCHED_S)
    elapsed = time.monotonic() - began
    return (time.process_time() - cpu) / elapsed * 100, len(late) / (_INSTANCES * elapsed) * 100


async def _killed(monitor: Monitor, server: asyncio.subprocess.Process, ports: list[int]) -> list[float]:
    """Closes ports one after the other at random moments; milliseconds until the fact of an instance was committed."""
    written: dict[str, float] = {}
    real = monitor.ledger.write

    async def write(*changes: Change) -> None:
        await real(*changes)
        now = time.monotonic()
        for change in changes:
            if isinstance(change, Opening):
                written[change.alert.labels.get("instance", "")] = now

    monitor.ledger.write = write  # type: ignore[method-assign]
    closed: dict[int, float] = {}
    if server.stdin is None or server.stdout is None:
        raise RuntimeError("the server has no pipes")
    for port in ports[:_DEATHS]:
        await asyncio.sleep(random.random() * 0.1)
        server.stdin.write(b"%d\n" % port)
        closed[port] = float(await server.stdout.readline())
    await asyncio.sleep(4)
    return [
        (written[f"bench-{number}"] - closed[ports[number]]) * 1000
        for number in range(_DEATHS)
        if f"bench-{number}" in written
    ]


async def _all_at_once(monitor: Monitor) -> float:
    alerts = [alert_of(watched, utc_now()) for watched in monitor.watched.values()]
    began = time.perf_counter()
    await asyncio.gather(*(monitor.ledger.write(Opening(alert=alert, evidence="refused")) for alert in alerts))
    elapsed = time.perf_counter() - began
    await monitor.ledger.write(*(Closing(fingerprint=each.fingerprint, at=utc_now(), why="up") for each in alerts))
    return elapsed * 1000


@asynccontextmanager
async def _answering(ports: list[int]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _SERVER,
        *map(str, ports),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        if process.stdout is not None:
            await process.stdout.readline()
        yield process
    finally:
        process.kill()
        await process.wait()
