"""A platform of two services in two regions, and what befalls it: alerts, silences and runs, through the real store."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import select

from stationmaster.core.facts import Alert, AlertFired, AlertRecovered, Fact
from stationmaster.core.names import ApiName, InstanceName, NodeName, ServiceName, VirtualHostName
from stationmaster.core.response import IncidentSettings, LabelMatch
from stationmaster.core.spec import Address, Api, GatewayNode, Instance, PlatformSpec, Service, Target, VirtualHost
from stationmaster.incidents import held
from stationmaster.incidents.life import Status
from stationmaster.incidents.linked import incident_alerts
from stationmaster.incidents.loop import CONSUMER, Incidents
from stationmaster.incidents.silences import Silence, silenced
from stationmaster.incidents.steady import Steady
from stationmaster.incidents.store import incidents
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.incidents.world import ZERO

SERVICES = {"keys": ("eu", "us"), "orders": ("eu", "us"), "store": ("eu",)}


def instance(service: str, region: str, port: int) -> Instance:
    return Instance(
        name=InstanceName(f"{service}-{region}"),
        service=ServiceName(service),
        region=region,
        address=Address(host="127.0.0.1", port=port),
    )


def declared(settings: IncidentSettings | None = None) -> PlatformSpec:
    """The service `orders` needs `store`; the API `shop` leads to it by way of the virtual host `orders_host`."""
    services = tuple(
        Service(
            name=ServiceName(name),
            port=80,
            depends_on=(ServiceName("store"),) if name == "orders" else (),
            instances=tuple(instance(name, region, 8000 + 10 * at + n) for n, region in enumerate(regions)),
        )
        for at, (name, regions) in enumerate(SERVICES.items())
    )
    targets = tuple(Target(address=each.address, instance=each.name) for each in services[1].instances)
    host = VirtualHost(name=VirtualHostName("orders_host"), targets=targets)
    at = Address(host="127.0.0.1", port=1)
    return PlatformSpec(
        environment="lab",
        services=services,
        virtual_hosts=(host,),
        apis=(Api(name=ApiName("shop"), paths=("/shop",), virtual_host=host.name),),
        nodes=(GatewayNode(name=NodeName("node-1"), listen=at, admin=at),),
        incidents=settings or IncidentSettings(),
    )


def alert(name: str, **labels: str) -> Alert:
    full = {"alertname": name, "environment": "lab", **labels}
    key = ",".join(f"{one}={value}" for one, value in sorted(full.items()))
    return Alert(fingerprint=key[-64:], labels=full, summary=f"{name} fires", url="", starts_at=ZERO)


def down(service: str, region: str) -> Alert:
    named = {"service": service, "region": region, "instance": f"{service}-{region}", "severity": "critical"}
    return alert("ServiceInstanceDown", **named)


def silence(number: str, seconds: float, now: datetime, **labels: str) -> Silence:
    return Silence(
        id=number,
        matchers=tuple(LabelMatch(name=name, value=value) for name, value in labels.items()),
        starts_at=now,
        ends_at=now + timedelta(seconds=seconds),
        created_by="ada",
        comment="",
        updated_at=now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    number: int
    fingerprint: str
    instance: str
    firing: bool
    worked: bool
    open: bool


@dataclass(slots=True)
class Ground:
    database: Database
    spec: PlatformSpec = field(default_factory=declared)
    now: datetime = ZERO
    silences: tuple[Silence, ...] = ()
    incidents: Incidents = field(init=False)
    _read: int = 0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The process is gone; another one knows what stands in the store."""
        clock = Steady(wall=lambda: self.now, monotonic=self._running_s)
        self.incidents = Incidents(
            self.database,
            Cell(self.spec),
            clock=clock,
            silenced=lambda labels, now: silenced(self.silences, labels, now),
        )

    def _running_s(self) -> float:
        return (self.now - ZERO).total_seconds()

    async def tell(self, *facts: Fact) -> list[Fact]:
        """Returns what became facts since it was asked last."""
        async with self.database.write() as connection:
            await outbox.append(connection, *facts)
        return await self.settle()

    async def settle(self) -> list[Fact]:
        while await outbox.drain(self.database, CONSUMER, self.incidents.handle, batch=1):
            pass
        found = await outbox.facts_since(self.database, ZERO - timedelta(days=1))
        fresh, self._read = found[self._read :], len(found)
        return fresh

    async def fires(self, *alerts: Alert) -> list[Fact]:
        return await self.tell(
            *(AlertFired(at=self.now, alert=replace(each, starts_at=self.now), evidence="seen") for each in alerts)
        )

    async def recovers(self, *alerts: Alert) -> list[Fact]:
        return await self.tell(*(AlertRecovered(at=self.now, alert=each, evidence="well") for each in alerts))

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def rows(self) -> Sequence[Row]:
        wanted = select(
            incident_alerts.c.incident,
            incident_alerts.c.fingerprint,
            incident_alerts.c.instance,
            incident_alerts.c.firing,
            incident_alerts.c.run_open,
            incidents.c.status,
        ).join(incidents, incidents.c.number == incident_alerts.c.incident)
        async with self.database.read() as connection:
            return [
                Row(
                    number=row.incident,
                    fingerprint=row.fingerprint,
                    instance=row.instance,
                    firing=row.firing,
                    worked=row.run_open,
                    open=not Status(row.status).is_over,
                )
                for row in await connection.execute(wanted)
            ]

    async def held(self) -> set[str]:
        async with self.database.read() as connection:
            return {each.fired.alert.fingerprint for each in await held.all_held(connection)}

    async def open_numbers(self) -> list[int]:
        return sorted({each.number for each in await self.incidents.all() if not each.status.is_over})
