"""A small platform for tests: an inventory, alerts, and a performer that keeps a balancer, a service and a record."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import Alert
from stationmaster.core.names import InstanceName, ServiceName, VirtualHostName
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address, HealthCheck, Instance, PlatformSpec, Service, Target, VirtualHost
from stationmaster.runbooks.bind import Binding, InventoryView, bind
from stationmaster.runbooks.commands.local import Ending, Order, Ran, run_locally
from stationmaster.runbooks.library import load_file
from stationmaster.runbooks.permit import Policy
from stationmaster.runbooks.plan.alone import plan_alone
from stationmaster.runbooks.plan.planned import Plan
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.request import RunRequest
from stationmaster.runbooks.unattended import SAFE
from stationmaster.runtime.db import Database

MOMENT = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
OPERATIONAL = '{"code":0,"description":"The API is available and operational."}'
OWN = Path(__file__).parents[2] / "src" / "stationmaster" / "sample" / "runbooks" / "key-service-instance-down.md"
INSTANCES = {"key-us-south": 8888, "key-us-east": 8889, "key-eu-de": 8890}


def spec() -> PlatformSpec:
    seen = inventory()
    return PlatformSpec(environment="sample", services=seen.services, virtual_hosts=seen.virtual_hosts)


def inventory() -> InventoryView:
    instances = tuple(
        Instance(
            name=InstanceName(name),
            service=ServiceName("api_key_service"),
            region=name.removeprefix("key-"),
            address=Address(host="127.0.0.1", port=port),
        )
        for name, port in INSTANCES.items()
    )
    keys = Service(
        name=ServiceName("api_key_service"),
        port=8888,
        health=HealthCheck(path="/api/auth/healthz"),
        instances=instances,
    )
    targets = tuple(Target(address=each.address, instance=each.name) for each in instances)
    host = VirtualHost(name=VirtualHostName("api_key_service"), targets=targets)
    return InventoryView(services=(keys, Service(name=ServiceName("doctor"), port=4587)), virtual_hosts=(host,))


def alert(instance: str = "key-us-south", **labels: str) -> Alert:
    url = f"http://127.0.0.1:{INSTANCES.get(instance, 1)}/api/auth/healthz"
    named = {
        "alertname": "ServiceInstanceDown",
        "service": "api_key_service",
        "environment": "sample",
        "region": "us-south",
        "instance": instance,
        "severity": "critical",
        **labels,
    }
    return Alert(
        fingerprint=f"f-{instance}",
        labels=named,
        summary=f"Service: {named['service']} in env: sample is down, url is {url}",
        url=url,
        starts_at=MOMENT,
    )


def bound(instance: str = "key-us-south") -> Binding:
    found = bind(alert(instance), inventory())
    assert isinstance(found, Binding)
    return found


def loaded(path: Path) -> Runbook:
    runbook, problems = load_file(path)
    assert runbook is not None, problems
    return runbook


def planned(runbook: Runbook, instance: str = "key-us-south", policy: Policy = SAFE) -> Plan:
    """The plan of a run about an instance."""
    asked = RunRequest(
        runbook=runbook,
        cwd=Path.cwd(),
        requested_by="runbooks",
        host=instance,
        labels=alert(instance).labels,
        inventory=inventory(),
        binding=bound(instance),
        policy=policy,
    )
    return plan_alone(asked)


class Crash(BaseException):
    """Stands for the end of the process at this very instruction."""


@dataclass(slots=True, kw_only=True)
class World:
    """The performer of the tests. What it is told to do it does to its own balancer and service, and records it."""

    up: bool = False
    out: bool = True
    restart_helps: bool = True
    balancer_refuses: bool = False
    curl: bool = True
    log: str = "started\nterminated"
    calls: list[str] = field(default_factory=list)
    argvs: list[tuple[str, ...]] = field(default_factory=list)
    crash_before: str = ""
    crash_after: str = ""

    @property
    def changes(self) -> list[str]:
        return [call for call in self.calls if call in {"take_out", "put_back", "restart"}]

    def _called(self, name: str) -> None:
        if self.crash_before == name:
            self.crash_before = ""
            raise Crash(name)
        self.calls.append(name)

    def _done(self, name: str) -> None:
        if self.crash_after == name:
            self.crash_after = ""
            raise Crash(name)

    async def runner(
        self, order: Order, seen: Callable[[str, bool], None], *, stop: asyncio.Event | None = None
    ) -> Ran:
        """Answers for `curl`; everything else really runs."""
        if order.argv[0] != "curl":
            return await run_locally(order, seen, stop=stop)
        self._called("curl")
        self.argvs.append(order.argv)
        self._done("curl")
        if not self.curl:
            missing = "not runnable here: curl: No such file or directory"
            return Ran(ending=Ending.NOT_STARTED, exit_status=None, output=missing, printed="")
        status, output = (0, OPERATIONAL) if self.up else (7, "curl: (7) Failed to connect to 127.0.0.1")
        seen(output, False)
        return Ran(ending=Ending.EXITED, exit_status=status, output=output, printed=output)

    async def target_is_out(self, virtual_host: VirtualHostName, target: Address) -> bool:
        return self.out

    async def take_out(self, virtual_host: VirtualHostName, target: Address, *, why: str, incident: int) -> None:
        self._called("take_out")
        if self.balancer_refuses:
            raise PlatformError("too-few-targets", "one target has to stay")
        self.out = True
        self._done("take_out")

    async def put_back(self, virtual_host: VirtualHostName, target: Address, *, why: str, incident: int) -> None:
        self._called("put_back")
        self.out = False
        self._done("put_back")

    async def restart(self, instance: InstanceName, *, why: str, incident: int) -> None:
        self._called("restart")
        self.up = self.restart_helps
        self._done("restart")

    async def logs(self, instance: InstanceName, *, tail: int) -> str:
        self._called("logs")
        self._done("logs")
        return self.log


@dataclass(frozen=True, slots=True)
class CrashingDatabase(Database):
    """Crashes at the `at`th write, before or after its commit."""

    at: int = 0
    after_commit: bool = False
    count: list[int] = field(default_factory=list)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        self.count.append(1)
        doomed = len(self.count) == self.at
        async with Database.write(self) as connection:
            yield connection
            if doomed and not self.after_commit:
                raise Crash("before commit")
        if doomed:
            raise Crash("after commit")


def crashing(database: Database, *, at: int, after_commit: bool) -> CrashingDatabase:
    return CrashingDatabase(
        database.writer, database.reader, database.committed, database.turn, at=at, after_commit=after_commit
    )
