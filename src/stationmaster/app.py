"""The one place that builds everything: opens the store, makes the rooms, joins them, runs their loops."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import structlog

from stationmaster.access.loop import Access
from stationmaster.catalog.loop import Catalog
from stationmaster.catalog.start import open_catalog
from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.fleet import store as fleet_store
from stationmaster.fleet.room import executors, open_fleet
from stationmaster.gateway.certificates import Certificates
from stationmaster.gateway.loop import Gateway
from stationmaster.gateway.watchdog import Watchdog
from stationmaster.healing.loop import Healing
from stationmaster.incidents.review.joining import review_loops, watched
from stationmaster.joining.diagnosis_sources import Findings
from stationmaster.joining.drilled_runbooks import drilled_runbooks
from stationmaster.joining.joints import (
    FleetTraffic,
    GatewayBalancer,
    OtherNodeCount,
    ProbeTokens,
    ServedRequests,
    Wanted,
    direct_checks,
    held_words,
    resolved_of,
    users_leave,
)
from stationmaster.joining.listening import listeners_of, serving
from stationmaster.joining.measures import Rooms, metrics_of
from stationmaster.joining.response_rooms import make_response
from stationmaster.joining.review_closing import closing_by_itself
from stationmaster.joining.review_sources import make_reviews
from stationmaster.joining.run_bounds import make_guard
from stationmaster.joining.run_rooms import ActedUpon, make_runs
from stationmaster.joining.signals import make_signals
from stationmaster.joining.talk_sources import RunbooksForTalk, contacts_of
from stationmaster.keys.loop import Keys
from stationmaster.monitor.lifeline import Lifeline, Signs
from stationmaster.monitor.loop import Monitor
from stationmaster.platform import Platform
from stationmaster.runbooks.library import Shelf
from stationmaster.runtime import tracing
from stationmaster.runtime.db import Database, open_database, utc_now
from stationmaster.runtime.files import write_private
from stationmaster.runtime.lock import HeldLock, acquire
from stationmaster.runtime.master_key import load_or_make_cipher
from stationmaster.runtime.metrics import ControlMetrics
from stationmaster.runtime.migrate import migrate
from stationmaster.runtime.tasks import supervise
from stationmaster.runtime.tls import ServerTls, TlsFolder

log = structlog.get_logger("app")

_STOP_GRACE_S = 10.0


def serve_control(manifest: Path, state: StateDir, *, nodes: int | None = None) -> None:
    """Runs the control plane until SIGTERM (what it started goes on) or a shutdown by its API (all is stopped).

    `nodes` is how many gateway nodes there are to be, whatever is declared.
    """
    with _held_control(state):
        asyncio.run(_control(manifest, state, nodes))


def stop_without_control(state: StateDir) -> None:
    """Stops every process of the platform when its control plane is not there to do it."""
    with _held_control(state):
        asyncio.run(_stop_all_directly(state))


async def _control(manifest: Path, state: StateDir, nodes: int | None) -> None:
    async with _opened(state) as database:
        catalog = await open_catalog(database, manifest, leaving=users_leave)
        platform = await build(catalog, state, database, nodes=nodes)
        await _run(platform, state)


async def build(catalog: Catalog, state: StateDir, database: Database, *, nodes: int | None = None) -> Platform:
    """Makes every room and joins them; nothing runs yet."""
    declared = catalog.declared if nodes is None else OtherNodeCount(catalog.declared, nodes)
    keys = Keys(
        database=database,
        cipher=load_or_make_cipher(state.master_key),
        state_dir=state,
        declared=declared,
    )
    await keys.start()
    access = await _access(database, state)
    gateway = Gateway(
        database,
        declared,
        keys.public,
        certificates=Certificates(declared, state.root),
        hear=ServedRequests(keys),
    )
    wanted = Wanted(declared, state.nodes)
    executor = executors(state, wanted, lambda: declared.value.environment)
    room = await open_fleet(database, executor, declared, wanted, wanted.pins)
    fleet = room.fleet
    monitor = Monitor(
        database,
        declared,
        launched=fleet.launched,
        held=lambda: held_words(fleet, monitor),
        token=ProbeTokens(keys),
        linked=lambda: {name: link.connected for name, link in gateway.links().items()},
        deaths=lambda: fleet.deaths,
    )
    fleet.traffic = FleetTraffic(gateway=gateway, monitor=monitor, declared=declared)
    shelf = Shelf(lambda: declared.value.runbooks, lambda: contacts_of(declared.value))
    books = RunbooksForTalk(database=database, shelf=shelf)
    response = await make_response(declared, state, database, books)
    incidents = response.incidents
    watchdog = Watchdog(
        database, declared, gateway, direct=lambda: direct_checks(monitor), resolved=partial(resolved_of, incidents)
    )
    guard = make_guard(declared, database, gateway, lambda: signals.objectives, lambda: monitor.health.value)
    findings = Findings(
        database=database, declared=declared, health=lambda: monitor.health.value, desk=lambda: signals.desk
    )
    upon = ActedUpon(access=access, fleet=fleet, gateway=gateway, guard=guard, shelf=shelf, findings=findings)
    runs = make_runs(declared, state, database, upon)
    rooms = Rooms(
        database=database,
        gateway=gateway,
        incidents=incidents,
        monitor=monitor,
        runbooks=runs.runbooks,
        state=state.root,
    )
    metrics = metrics_of(rooms)
    signals = await make_signals(declared, state, database, monitor=monitor, shelf=shelf, astray=runs.astray)
    drafts = make_reviews(database, incidents, shelf, signals.desk)
    reviews = watched(closing_by_itself(drafts, fleet, gateway, monitor), metrics)
    return Platform(
        declared=declared,
        access=access,
        catalog=catalog,
        fleet=fleet,
        orders=room.orders,
        gateway=gateway,
        healing=Healing(database, GatewayBalancer(gateway, incidents.holders), guard),
        incidents=incidents,
        intake=response.intake,
        status_pages=response.status_pages,
        oncall=response.duty.oncall,
        calendars=response.duty.calendars,
        bundles=response.duty.bundles,
        approvals=runs.approvals,
        drills=runs.drills,
        keys=keys,
        monitor=monitor,
        watchdog=watchdog,
        runbooks=runs.runbooks,
        shelf=shelf,
        desk=signals.desk,
        objectives=signals.objectives,
        drilled=partial(drilled_runbooks, database),
        reviews=reviews,
        metrics=metrics,
        loops={
            **signals.loops(),
            **response.loops(),
            **review_loops(incidents, reviews),
            **runs.loops(),
            "own samples": partial(signals.keep_own, partial(_told, metrics)),
            "deploys": room.deploys.run,
        },
        troubles=lambda: (
            *signals.troubles(),
            *response.troubles(),
            *reviews.troubles(),
            *room.deploys.troubles(),
        ),
        close=signals.close,
        started_at=utc_now(),
    )


async def _told(metrics: ControlMetrics) -> bytes:
    body, _ = await metrics.text()
    return body


async def _access(database: Database, state: StateDir) -> Access:
    access = Access(database, state)
    first_password = await access.start()
    if first_password is not None:
        # Never into the log: `up` shows it, whoever may read this file has admin.token as well.
        write_private(state.first_password, f"{first_password}\n".encode())
    return access


async def _run(platform: Platform, state: StateDir) -> None:
    """Runs every loop in one task group until somebody asks for the end."""
    ending = asyncio.Event()
    tls = ServerTls(platform.declared, TlsFolder(state.tls))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    loops: dict[str, Callable[[], Awaitable[None]]] = {
        "access": platform.access.run,
        "keys": lambda: platform.keys.run(partial(_acknowledged, platform.gateway)),
        "gateway": platform.gateway.run,
        "usage": platform.gateway.usage.run,
        "fleet": platform.fleet.run,
        "monitor": platform.monitor.run,
        "watchdog": platform.watchdog.run,
        "incidents": platform.incidents.run,
        "healing": platform.healing.run,
        "runbooks": platform.runbooks.run,
        "runbook facts": platform.runbooks.consume,
        "runbook shelf": platform.shelf.watch,
        "traces": partial(tracing.follow, platform.declared),
        "tls": tls.run,
        **platform.loops,
    }
    signs = Signs(state.control_alive, state.control_ended)
    loops["lifeline"] = Lifeline(database=platform.monitor.database, declared=platform.declared, signs=signs).run
    # Bound outside the task group, which would wrap the refusal of a taken address.
    listeners = await listeners_of(platform, tls)
    async with asyncio.TaskGroup() as group, serving(platform, state, group, listeners):
        tasks = [group.create_task(supervise(name, loop), name=name) for name, loop in loops.items()]
        log.info("control plane runs", environment=platform.spec.environment, api=str(platform.spec.control.api))
        await _either(ending, platform.stopping)
        for task in tasks:
            task.cancel()
        if platform.stopping.is_set():
            await _stop_platform(platform)
    signs.take_away()
    await platform.fleet.inside.close()
    await asyncio.to_thread(platform.close)


async def _acknowledged(gateway: Gateway) -> bool:
    """Whether every node checks requests with the newest credentials."""
    found = await gateway.publish_credentials()
    return not found.pending and not found.rejected


async def _either(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


async def _stop_platform(platform: Platform) -> None:
    """Ends the gateway nodes, which drain, then every other process."""
    await platform.fleet.stop_all(first=[node.name for node in platform.spec.nodes])


async def _stop_all_directly(state: StateDir) -> None:
    executor = executors(state)
    await asyncio.gather(*(executor.stop(name, grace_s=_STOP_GRACE_S) for name in await executor.seen()))
    await executor.close()
    async with _opened(state) as database, database.write() as connection:
        await fleet_store.forget_launches(connection)
    Signs(state.control_alive, state.control_ended).take_away()


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
