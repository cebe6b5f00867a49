"""The one place that builds everything: opens the store, makes the rooms, joins them, runs their loops."""

import asyncio
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import structlog
import uvicorn

from stationmaster.api.app import make_api
from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec, Supervision
from stationmaster.fleet import store as fleet_store
from stationmaster.fleet.executors.process import ProcessExecutor
from stationmaster.fleet.inventory import Launch, launches
from stationmaster.fleet.loop import Fleet
from stationmaster.gateway import node as gateway_node
from stationmaster.gateway.loop import Gateway
from stationmaster.healing.loop import Healing
from stationmaster.incidents.loop import Incidents
from stationmaster.joints import GatewayBalancer, RunEffects
from stationmaster.keys.loop import Keys
from stationmaster.manifest.read import load
from stationmaster.monitor.loop import Monitor
from stationmaster.platform import Platform
from stationmaster.runbooks.bind import InventoryView
from stationmaster.runbooks.library import Shelf
from stationmaster.runbooks.loop import Runbooks
from stationmaster.runtime.board import Cell
from stationmaster.runtime.cipher import load_or_make_cipher
from stationmaster.runtime.db import Database, open_database, utc_now
from stationmaster.runtime.files import create_private, write_private
from stationmaster.runtime.lock import HeldLock, acquire
from stationmaster.runtime.migrate import migrate
from stationmaster.runtime.serve import bind
from stationmaster.runtime.tasks import supervise

log = structlog.get_logger("app")

_STOP_GRACE_S = 10.0


def serve_control(manifest: Path, state: StateDir) -> None:
    """Runs the control plane until SIGTERM (what it started goes on) or a shutdown by its API (all is stopped)."""
    with _held_control(state):
        asyncio.run(_control(manifest, state))


def stop_without_control(state: StateDir) -> None:
    """Stops every process of the platform when its control plane is not there to do it."""
    with _held_control(state):
        asyncio.run(_stop_all_directly(state))


async def _control(manifest: Path, state: StateDir) -> None:
    spec = load(manifest)
    async with _opened(state) as database:
        platform = await build(spec, state, database)
        await _run(platform, state)


async def build(spec: PlatformSpec, state: StateDir, database: Database) -> Platform:
    """Makes every room and joins them; nothing runs yet."""
    keys = Keys(
        database=database,
        cipher=load_or_make_cipher(state.master_key),
        state_dir=state,
        issuer=spec.issuer,
        audience=spec.environment,
        users=spec.api_users,
    )
    await keys.start()
    declared = Cell(spec)
    gateway = Gateway(database, declared, keys.public)
    fleet = Fleet(database, ProcessExecutor(state), (*_node_launches(spec, state), *launches(spec)))
    monitor = Monitor(database, spec, launched=fleet.launched)
    shelf = Shelf(spec.runbooks)
    inventory = InventoryView.of(spec)
    effects = RunEffects(database=database, fleet=fleet, gateway=gateway, policy=spec.healing)
    return Platform(
        spec=spec,
        fleet=fleet,
        gateway=gateway,
        healing=Healing(database, GatewayBalancer(gateway), spec.healing),
        incidents=Incidents(database),
        keys=keys,
        monitor=monitor,
        runbooks=Runbooks(database=database, runbooks=shelf.runbooks, inventory=lambda: inventory, perform=effects),
        shelf=shelf,
        started_at=utc_now(),
    )


def _node_launches(spec: PlatformSpec, state: StateDir) -> Iterator[Launch]:
    for node in spec.nodes:
        bootstrap = gateway_node.bootstrap(node, spec.control.xds, spec.environment, state.nodes)
        yield Launch(name=node.name, argv=gateway_node.argv(bootstrap), supervision=Supervision.RESTART)


async def _run(platform: Platform, state: StateDir) -> None:
    """Runs every loop in one task group until somebody asks for the end."""
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    loops: dict[str, Callable[[], Awaitable[None]]] = {
        "gateway": platform.gateway.run,
        "fleet": platform.fleet.run,
        "monitor": platform.monitor.run,
        "incidents": platform.incidents.run,
        "healing": platform.healing.run,
        "runbooks": platform.runbooks.run,
        "runbook facts": platform.runbooks.consume,
        "runbook shelf": platform.shelf.watch,
    }
    # Bound outside the task group, which would wrap the refusal of a taken address.
    listener = bind(platform.spec.control.api)
    async with asyncio.TaskGroup() as group, _serving(platform, state, group, listener):
        tasks = [group.create_task(supervise(name, loop), name=name) for name, loop in loops.items()]
        log.info("control plane runs", environment=platform.spec.environment, api=str(platform.spec.control.api))
        await _either(ending, platform.stopping)
        for task in tasks:
            task.cancel()
        if platform.stopping.is_set():
            await _stop_platform(platform)


async def _either(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


@asynccontextmanager
async def _serving(
    platform: Platform, state: StateDir, group: asyncio.TaskGroup, listener: socket.socket
) -> AsyncIterator[None]:
    """Serves the REST API for as long as the block runs, and tells clients where it is."""
    api = make_api(platform, token=_admin_token(state))
    config = uvicorn.Config(
        api, lifespan="off", ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=3
    )
    server = _Server(config)
    with listener:
        task = group.create_task(server.serve(sockets=[listener]), name="api")
        write_private(state.control_url, f"http://{platform.spec.control.api}\n".encode())
        try:
            yield
        finally:
            server.should_exit = True
            await asyncio.wait([task], timeout=5)


class _Server(uvicorn.Server):
    """Leaves the process's signals to the app."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _stop_platform(platform: Platform) -> None:
    """Drains the gateway nodes, then ends every process."""
    await asyncio.gather(*(gateway_node.drain(node.admin) for node in platform.spec.nodes))
    await platform.fleet.stop_all()


async def _stop_all_directly(state: StateDir) -> None:
    executor = ProcessExecutor(state)
    await asyncio.gather(*(executor.stop(name, grace_s=_STOP_GRACE_S) for name in await executor.seen()))
    async with _opened(state) as database, database.write() as connection:
        await fleet_store.forget_launches(connection)


@asynccontextmanager
async def _opened(state: StateDir) -> AsyncIterator[Database]:
    database = open_database(state.database)
    try:
        await migrate(database)
        yield database
    finally:
        await database.close()


@contextmanager
def _held_control(state: StateDir) -> Iterator[HeldLock]:
    """One control plane owns a state folder."""
    state.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = acquire(state.control_lock)
    if held is None:
        raise PlatformError(
            "control-running",
            f"another control plane works on {state.root}",
            hint="`stationmaster status` shows it, `stationmaster down` stops it",
        )
    try:
        yield held
    finally:
        held.release()


def _admin_token(state: StateDir) -> str:
    """The token of the command line, made at the first start; only this user may read it."""
    if not state.admin_token.exists():
        create_private(state.admin_token, f"{secrets.token_urlsafe(32)}\n".encode())
    return state.admin_token.read_text("utf-8").strip()
