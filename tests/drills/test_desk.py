"""Faults stand no longer than they were meant to, whatever dies, and nothing is broken where that is forbidden."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.core.address import Address
from stationmaster.core.drills import DrillPolicy, Fault, FaultKind, ScheduledDrill
from stationmaster.core.facts import FaultInjected
from stationmaster.core.names import ApiName, InstanceName, NodeName, ServiceName, VirtualHostName
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import (
    Api,
    GatewayNode,
    HealthCheck,
    Instance,
    PlatformSpec,
    Service,
    Target,
    VirtualHost,
)
from stationmaster.drills import desk as desk_module
from stationmaster.drills.catalogue import drill_named, drills_of
from stationmaster.drills.desk import Drills
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database

ZERO = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)


def instance(name: str, region: str, port: int) -> Instance:
    address = Address(host="127.0.0.1", port=port)
    return Instance(name=InstanceName(name), service=ServiceName("shop"), region=region, address=address)


SHOP = Service(
    name=ServiceName("shop"),
    port=80,
    command=("shop",),
    health=HealthCheck(path="/healthz"),
    instances=(instance("shop-1", "north", 1), instance("shop-2", "south", 2)),
)
SPEC = PlatformSpec(
    environment="test",
    regions=("north", "south"),
    services=(SHOP,),
    virtual_hosts=(
        VirtualHost(
            name=VirtualHostName("shop"),
            targets=tuple(Target(address=each.address, instance=each.name) for each in SHOP.instances),
        ),
    ),
    apis=(Api(name=ApiName("orders"), paths=("/orders",), virtual_host=VirtualHostName("shop")),),
    nodes=(
        GatewayNode(
            name=NodeName("gateway-1"),
            listen=Address(host="127.0.0.1", port=3),
            admin=Address(host="127.0.0.1", port=4),
        ),
    ),
    drills=DrillPolicy(allowed=True, longest_s=120),
)


@dataclass
class Recorded:
    """What was done, in order; `refuses` makes everything fail that is of that name."""

    did: list[str] = field(default_factory=list)
    refuses: str = ""

    async def begin(self, fault: Fault) -> None:
        self._do("begin", fault)

    async def again(self, fault: Fault) -> None:
        self._do("again", fault)

    async def undo(self, fault: Fault) -> str:
        self._do("undo", fault)
        return "mended"

    def _do(self, what: str, fault: Fault) -> None:
        if self.refuses == what:
            raise PlatformError("no", "it does not go", hint="")
        self.did.append(f"{what} {fault.kind.value} {fault.of}")


class Clock:
    now = ZERO

    def __call__(self) -> datetime:
        return self.now


def desk(database: Database, breaker: Recorded, clock: Clock, spec: PlatformSpec = SPEC) -> Drills:
    return Drills(database=database, declared=lambda: spec, breaker=breaker, now=clock)


HANG = Fault(kind=FaultKind.HANG, of="shop-1")


async def test_a_fault_is_taken_back_when_its_time_is_over(database: Database) -> None:
    breaker, clock = Recorded(), Clock()
    drills = desk(database, breaker, clock)
    made = await drills.inject(HANG, drill="shop-hangs", for_s=30, by="ada")
    clock.now += timedelta(seconds=29)
    await drills.tick()
    assert breaker.did == ["begin hang shop-1"]
    clock.now += timedelta(seconds=1)
    await drills.tick()
    await drills.tick()
    assert breaker.did == ["begin hang shop-1", "undo hang shop-1"]
    (seen,) = await drills.latest()
    assert (seen.id, seen.undone_at, seen.detail) == (made.id, clock.now, "its time is over; mended")
    (fact,) = await outbox.facts_of(database, FaultInjected, ZERO - timedelta(days=1))
    assert (fact.drill, fact.instance, fact.fault) == ("shop-hangs", "shop-1", "hang")


async def test_what_stood_when_the_process_died_is_taken_back_by_the_next(database: Database) -> None:
    clock = Clock()
    await desk(database, Recorded(), clock).inject(HANG, drill="shop-hangs", for_s=60, by="ada")
    breaker = Recorded()
    after = desk(database, breaker, clock)
    await after._load()
    await after.tick()
    assert breaker.did == ["undo hang shop-1"]
    assert not after.standing


async def test_what_cannot_be_taken_back_at_once_is_tried_until_it_is(database: Database) -> None:
    breaker, clock = Recorded(), Clock()
    drills = desk(database, breaker, clock)
    await drills.inject(HANG, drill="d", for_s=10, by="ada")
    breaker.refuses = "undo"
    clock.now += timedelta(seconds=10)
    await drills.tick()
    assert [each.fault for each in drills.standing] == [HANG]
    breaker.refuses = ""
    await drills.tick()
    assert breaker.did == ["begin hang shop-1", "undo hang shop-1"]


async def test_a_fault_that_could_not_be_made_leaves_nothing_standing(database: Database) -> None:
    breaker, clock = Recorded(refuses="begin"), Clock()
    drills = desk(database, breaker, clock)
    with pytest.raises(PlatformError, match="it does not go"):
        await drills.inject(HANG, drill="d", for_s=10, by="ada")
    assert not drills.standing
    assert breaker.did == ["undo hang shop-1"]


async def test_a_sticky_fault_is_made_again_until_its_end(database: Database) -> None:
    breaker, clock = Recorded(), Clock()
    drills = desk(database, breaker, clock)
    await drills.inject(replace(HANG, sticky=True), drill="d", for_s=10, by="ada")
    await drills.tick()
    clock.now += timedelta(seconds=10)
    await drills.tick()
    assert [each.split()[0] for each in breaker.did] == ["begin", "again", "undo"]


@dataclass
class Slow(Recorded):
    """Takes back when the test lets it."""

    goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def undo(self, fault: Fault) -> str:
        self._do("undo", fault)
        await self.goes_on.wait()
        return "mended"


async def test_a_sticky_fault_is_not_made_again_while_it_is_taken_back(database: Database) -> None:
    breaker = Slow()
    drills = desk(database, breaker, Clock())
    made = await drills.inject(replace(HANG, sticky=True), drill="d", for_s=10, by="ada")
    taken, again = asyncio.create_task(drills.take_back(made.id, by="ada")), asyncio.create_task(drills.tick())
    twice = asyncio.create_task(drills.take_back_all(drill="d", by="bob"))
    await asyncio.sleep(0.05)
    breaker.goes_on.set()
    assert (await taken).detail == "taken back by ada; mended"
    await again
    await twice
    assert [each.split()[0] for each in breaker.did] == ["begin", "undo"]
    assert not drills.standing


@pytest.mark.parametrize(
    ("spec", "fault", "for_s", "code"),
    [
        (replace(SPEC, drills=DrillPolicy()), HANG, 10, "drills-forbidden"),
        (SPEC, HANG, 121, "bad-fault"),
        (SPEC, HANG, 0, "bad-fault"),
        (SPEC, Fault(kind=FaultKind.KILL, of="nobody"), 10, "unknown-target"),
        (SPEC, Fault(kind=FaultKind.ABORT, of="shop-1"), 10, "unknown-target"),
        (SPEC, Fault(kind=FaultKind.ABORT, of="orders", status=200), 10, "bad-fault"),
        (SPEC, Fault(kind=FaultKind.DELAY, of="orders", percent=0), 10, "bad-fault"),
    ],
)
async def test_what_is_not_allowed_is_refused_and_nothing_is_broken(
    database: Database, spec: PlatformSpec, fault: Fault, for_s: float, code: str
) -> None:
    breaker = Recorded()
    with pytest.raises(PlatformError) as refused:
        await desk(database, breaker, Clock(), spec).inject(fault, drill="d", for_s=for_s, by="ada")
    assert (refused.value.code, breaker.did) == (code, [])


async def test_one_thing_is_broken_once_at_a_time(database: Database) -> None:
    drills = desk(database, Recorded(), Clock())
    made = await drills.inject(HANG, drill="d", for_s=10, by="ada")
    with pytest.raises(PlatformError, match="shop-1 is broken on purpose already"):
        await drills.inject(Fault(kind=FaultKind.KILL, of="shop-1"), drill="d", for_s=10, by="ada")
    await drills.take_back(made.id, by="ada")
    with pytest.raises(PlatformError, match="stands"):
        await drills.take_back(made.id, by="ada")


def test_the_declaration_says_which_drills_there_are() -> None:
    found = {each.name: each for each in drills_of(SPEC)}
    assert {"shop-instance-down", "shop-down", "gateway-node-down", "region-north-down", "orders-slow"} <= found.keys()
    assert found["shop-instance-down"].faults == (Fault(kind=FaultKind.KILL, of="shop-1", delay_ms=3000),)
    assert found["shop-instance-down"].api == "orders"
    assert (found["shop-instance-down"].spared, found["shop-down"].spared) == (True, False)
    assert [each.of for each in found["shop-down"].faults] == ["shop-1", "shop-2"]
    assert not found["gateway-node-down"].spared, "it is the only node"


def test_another_instance_of_the_same_service_may_be_named() -> None:
    drill = drill_named(SPEC, "shop-instance-hangs", instance="shop-2")
    assert [(each.kind, each.of) for each in drill.faults] == [(FaultKind.HANG, "shop-2")]
    with pytest.raises(PlatformError, match="does not break 'gateway-1'"):
        drill_named(SPEC, "shop-instance-hangs", instance="gateway-1")
    with pytest.raises(PlatformError, match="there is no drill"):
        drill_named(SPEC, "shop-melts")


async def test_what_is_declared_no_longer_needs_no_taking_back(database: Database) -> None:
    class Gone(Recorded):
        async def undo(self, fault: Fault) -> str:
            raise PlatformError("unknown-instance", f"there is no instance {fault.of!r} here")

    clock = Clock()
    drills = desk(database, Gone(), clock)
    await drills.inject(HANG, drill="d", for_s=10, by="ada")
    clock.now += timedelta(seconds=10)
    await drills.tick()
    assert not drills.standing
    (seen,) = await drills.latest()
    assert seen.detail == "its time is over; it is declared no longer"


async def test_a_scheduled_drill_that_ends_without_a_report_waits_for_its_next_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "_LOOK_EVERY_S", 0.001)
    schedule = (ScheduledDrill(drill="shop-hangs", every_s=3600),)
    clock, begun, looked = Clock(), [], 0
    spec = replace(SPEC, drills=replace(SPEC.drills, schedule=schedule))

    def declared() -> PlatformSpec:
        nonlocal looked
        looked += 1
        clock.now += timedelta(seconds=30)
        return spec

    async def start(name: str) -> None:
        begun.append((name, clock.now - ZERO))

    drills = Drills(database=database, declared=declared, breaker=Recorded(), now=clock)
    task = asyncio.create_task(drills.run_schedule(start))
    async with asyncio.timeout(20):
        while looked < 250:
            await asyncio.sleep(0.01)
    task.cancel()
    assert begun[:2] == [("shop-hangs", timedelta(hours=1)), ("shop-hangs", timedelta(hours=2))]
