"""A status page on virtual time: the real store, incidents and page, without their loops."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from stationmaster.core.facts import Alert, AlertFired, AlertRecovered
from stationmaster.core.names import InstanceName, NodeName, ServiceName
from stationmaster.core.response import Component, Publishing, Smtp, StatusPage
from stationmaster.core.spec import Address, GatewayNode, Instance, PlatformSpec, Service
from stationmaster.incidents.silences import Silence
from stationmaster.incidents.status.loop import StatusPages, TextFor, no_text
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.incidents.world import ZERO, World
from tests.incidents.world import spec as incident_spec

ORDERS, PAYMENTS, API = "Orders", "Payments", "Public API"
PAGE = StatusPage(
    title="Sample",
    components=(
        Component(name=ORDERS, group="Shop", description="Buying things", services=(ServiceName("orders"),)),
        Component(name=PAYMENTS, group="Shop", services=(ServiceName("payments"),)),
        Component(name=API, apis=("orders",)),
    ),
)


def _service(name: str, port: int, count: int) -> Service:
    instances = tuple(
        Instance(
            name=InstanceName(f"{name}-{number}"),
            service=ServiceName(name),
            region="eu" if number < 3 else "us",
            address=Address(host="10.1.2.3", port=port + number),
        )
        for number in range(1, count + 1)
    )
    return Service(name=ServiceName(name), port=port, instances=instances)


def spec(page: StatusPage = PAGE, smtp: Smtp | None = None) -> PlatformSpec:
    base = incident_spec()
    return replace(
        base,
        services=(_service("orders", 8080, 4), _service("payments", 9080, 1)),
        nodes=tuple(_node(number) for number in (1, 2)),
        incidents=replace(base.incidents, smtp=smtp, public_url="https://status.example.org"),
        status_page=page,
    )


def _node(number: int) -> GatewayNode:
    listen, admin = Address(host="10.9.9.9", port=8000 + number), Address(host="127.0.0.1", port=9900 + number)
    return GatewayNode(name=NodeName(f"gateway-{number}"), listen=listen, admin=admin)


AUTOMATIC = replace(PAGE, publish=Publishing.AUTOMATIC)


def alert(service: str = "orders", instance: str = "", fingerprint: str = "f1", **labels: str) -> Alert:
    given = {"alertname": "Down", "service": service, "environment": "sample", "severity": "critical"}
    given |= {"instance": instance} if instance else {}
    return Alert(
        fingerprint=fingerprint,
        labels={**given, **labels},
        summary=f"{service} {instance} down at http://10.1.2.3:8081/healthz",
        url="http://10.1.2.3:8081/healthz",
        starts_at=ZERO,
    )


@dataclass(slots=True)
class PageWorld:
    database: Database
    declared: Cell[PlatformSpec]
    text_for: TextFor = no_text
    silences: tuple[Silence, ...] = ()
    world: World = field(init=False)
    pages: StatusPages = field(init=False)

    def __post_init__(self) -> None:
        self.world = World(self.database, self.declared)
        self.restart()

    def restart(self) -> None:
        """Another process knows what stands in the store, and nothing else."""
        links = self.world.incidents.links
        self.pages = StatusPages(
            database=self.database,
            declared=self.declared,
            links=links,
            text_for=self.text_for,
            silences=lambda: self.silences,
            now=lambda: self.world.now,
        )

    async def fire(self, *alerts: Alert) -> None:
        await self.world.facts(*(AlertFired(at=self.world.now, alert=each, evidence="503") for each in alerts))
        await self.pages.tick()

    async def recover(self, *alerts: Alert) -> None:
        await self.world.facts(*(AlertRecovered(at=self.world.now, alert=each, evidence="200") for each in alerts))
        await self.pages.tick()

    async def until(self, minute: float) -> None:
        self.world.passes((ZERO + timedelta(minutes=minute) - self.world.now).total_seconds())
        await self.pages.tick()

    def standing(self, name: str) -> str:
        assert self.pages.view is not None
        return next(each.standing.value for each in self.pages.view.components if each.name == name)

    def document(self, name: str) -> str:
        found = self.pages.prepared.value.find(name)
        assert found is not None, name
        return found.body.decode()

    @property
    def told(self) -> list[tuple[str, str]]:
        """Every post of every incident, the oldest first."""
        assert self.pages.view is not None
        return [(post.status, post.body) for each in self.pages.view.incidents for post in reversed(each.posts)]


def at(minute: float) -> datetime:
    return ZERO + timedelta(minutes=minute)
