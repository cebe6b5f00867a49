"""Gathers what is known of one target: from the store, from every node, from the watchdog."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

from stationmaster.core.facts import InstanceRestarted
from stationmaster.core.spec import CheckKind, GatewayNode, HealthCheck, VirtualHost
from stationmaster.gateway.explain import Evidence, Happened, NodeSays
from stationmaster.gateway.rotation import AUDITED_AS, TargetRow
from stationmaster.gateway.sighting import sightings
from stationmaster.gateway.watchdog import Watchdog, seen_by
from stationmaster.runtime import audit
from stationmaster.runtime.audit import Asked, Change
from stationmaster.runtime.db import utc_now
from stationmaster.runtime.outbox import facts_of

_HISTORY = timedelta(days=7)
_CHANGES = 50


async def inquire(watchdog: Watchdog, virtual_host: str, target: str) -> Evidence:
    """`target` is an address or an instance. Raises PlatformError `unknown-target`."""
    spec = watchdog.declared.value
    row = await watchdog.gateway.rotation.row(virtual_host, target)
    host = next(each for each in spec.virtual_hosts if each.name == row.virtual_host)
    origin = next((each.origin for each in host.targets if str(each.address) == row.address), host.origin)
    return Evidence(
        row=row,
        declared_at=str(origin),
        checked=_checked(host),
        nodes=tuple(await asyncio.gather(*(_says(node, watchdog, row) for node in spec.nodes))),
        direct=watchdog.direct(row.instance),
        history=await _history(watchdog, row),
        findings=seen_by(watchdog.findings.value, row.virtual_host, row.address),
    )


async def _says(node: GatewayNode, watchdog: Watchdog, row: TargetRow) -> NodeSays:
    seen = await sightings(node.admin, row.virtual_host)
    link = watchdog.gateway.links().get(node.name)
    return NodeSays(
        node=node.name,
        connected=link is not None and link.connected,
        newest=link is not None and link.acknowledged,
        answered=seen is not None,
        sighting=(seen or {}).get((row.virtual_host, row.address)),
        failing_since=watchdog.failing_since.get((node.name, row.virtual_host, row.address)),
    )


async def _history(watchdog: Watchdog, row: TargetRow) -> tuple[Happened, ...]:
    asked = Asked(kind=AUDITED_AS, name=f"{row.virtual_host}/{row.address}", limit=_CHANGES)
    async with watchdog.database.read() as connection:
        changes = [_change(each) for _, each in await audit.changes(connection, asked)]
    restarts: Iterable[InstanceRestarted] = ()
    if row.instance:
        restarts = await facts_of(watchdog.database, InstanceRestarted, utc_now() - _HISTORY)
    happened = [
        *changes,
        *watchdog.chronicle.of(row.virtual_host, row.address),
        *(
            Happened(at=each.at, by=each.by, text=f"restarted {each.instance}: {each.why}")
            for each in restarts
            if each.instance == row.instance
        ),
    ]
    return tuple(sorted(happened, key=lambda each: each.at, reverse=True))


def _change(change: Change) -> Happened:
    before, after = change.before or {}, change.after or {}
    held = " (held by hand)" if after.get("manual") else ""
    forced = ", insisted on against the declared share" if after.get("forced") else ""
    text = f"{before.get('state', '?')} -> {after.get('state', '?')}{held}: {after.get('why', '')}{forced}"
    return Happened(at=change.at, by=change.who, text=text)


def _checked(host: VirtualHost) -> str:
    if host.health is None:
        return ""
    check = host.health
    return (
        f"every node checks it every {check.interval_ms} ms ({_what(check)}; unhealthy after {check.down_after} bad "
        f"answers, healthy after {check.up_after} good ones)"
    )


def _what(check: HealthCheck) -> str:
    match check.kind:
        case CheckKind.HTTP:
            body = f" with {check.contains!r} in the body" if check.contains else ""
            return f"GET {check.path} has to answer {check.status}{body} within {check.timeout_ms} ms"
        case CheckKind.TCP:
            return f"it has to take a connection within {check.timeout_ms} ms"
        case CheckKind.GRPC:
            return f"gRPC health of {check.grpc_service or 'the whole server'} within {check.timeout_ms} ms"
        case kind:
            raise ValueError(f"a node makes no check of type {kind.value}")
