"""As much of a platform as clients of PagerDuty need, served over TLS by a certificate of its own authority."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from pathlib import Path

import pagerduty
import uvicorn

from stationmaster.access.loop import Access
from stationmaster.api.app import make_api
from stationmaster.api.protocol import ProblemProtocol
from stationmaster.config import StateDir
from stationmaster.core.facts import Alert
from stationmaster.core.names import ServiceName
from stationmaster.core.response import (
    Contact,
    ContactKind,
    EscalationPolicy,
    Layer,
    Level,
    PageTarget,
    PolicyName,
    Responder,
    ResponderName,
    Schedule,
    ScheduleName,
    TargetKind,
)
from stationmaster.core.spec import Address, Control, PlatformSpec, Service
from stationmaster.incidents.duty import OnCall
from stationmaster.incidents.intake.loop import Intake
from stationmaster.incidents.loop import Incidents
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from stationmaster.runtime.metrics import ControlMetrics
from stationmaster.runtime.tls import ServerTls, TlsFolder
from tests.incidents.test_incidents import alert
from tests.incidents.world import ZERO, World, person
from tests.incidents.world import spec as plain_spec

SERVICE = ServiceName("orders")
PRIMARY = ScheduleName("primary")


def whoever_is_on_duty() -> PageTarget:
    return PageTarget(kind=TargetKind.SCHEDULE, name=PRIMARY)


def spec() -> PlatformSpec:
    """`engineer` stands in the first level by name, `ada` and `bo` take turns in the second."""
    people = tuple(
        Responder(
            name=ResponderName(name),
            full_name=name.title(),
            time_zone="Europe/Berlin",
            contacts=(Contact(name="mail", kind=ContactKind.EMAIL, address=f"{name}@example.org"),),
        )
        for name in ("ada", "bo", "engineer")
    )
    layer = Layer(
        name="week",
        responders=(ResponderName("ada"), ResponderName("bo")),
        starts=date(2026, 11, 2),
        handoff=time(9),
    )
    policy = EscalationPolicy(
        name=PolicyName("api"),
        repeats=2,
        levels=(
            Level(targets=(person("engineer"),)),
            Level(targets=(whoever_is_on_duty(),), after_s=900),
        ),
    )
    return replace(
        plain_spec(policy),
        responders=people,
        schedules=(Schedule(name=PRIMARY, time_zone="Europe/Berlin", layers=(layer,)),),
        escalation_policies=(policy, replace(policy, name=PolicyName("nights"))),
        services=tuple(Service(name=ServiceName(name), port=8081) for name in ("orders", "payments")),
        control=Control(api_tls=Address(host="127.0.0.1", port=1)),
    )


def failing(number: int, service: str = SERVICE) -> Alert:
    """Every one makes an incident of its own."""
    labels = {**alert().labels, "service": service, "region": f"r-{number}", "instance": f"{service}-{number}"}
    return replace(alert(f"f{number}"), labels=labels, summary=f"{service}-{number} is down")


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlyPagerDuty:
    access: Access
    intake: Intake
    oncall: OnCall
    world: World
    state: StateDir
    started_at: datetime = ZERO
    metrics: ControlMetrics = field(default_factory=ControlMetrics)

    @property
    def incidents(self) -> Incidents:
        return self.world.incidents

    @property
    def spec(self) -> PlatformSpec:
        return self.world.declared.value

    @property
    def ca(self) -> Path:
        return TlsFolder(self.state.tls).ca


async def make(database: Database, state: StateDir) -> OnlyPagerDuty:
    access = Access(database, state)
    await access.start()
    world = World(database, Cell(spec()))
    intake = Intake(database, world.declared, lambda number, by: world.incidents.acts.acknowledge(number, by=by))
    await intake.start()
    oncall = OnCall(
        database=database, declared=world.declared, overrides=world.incidents.overrides, now=world.incidents.clock.now
    )
    return OnlyPagerDuty(access=access, intake=intake, oncall=oncall, world=world, state=state)


@asynccontextmanager
async def served(platform: OnlyPagerDuty, free_port: Callable[[], int]) -> AsyncIterator[str]:
    """The base URL, over HTTPS on a real socket."""
    tls = ServerTls(platform.world.declared, TlsFolder(platform.state.tls))
    await tls.start()
    port = free_port()
    server = _Server(_config(platform, tls.context, port))
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        try:
            async with asyncio.timeout(15):
                while not server.started:
                    await asyncio.sleep(0.01)
            yield f"https://127.0.0.1:{port}"
        finally:
            server.should_exit = True


def _config(platform: OnlyPagerDuty, context: ssl.SSLContext, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        make_api(platform),  # type: ignore[arg-type]
        http=ProblemProtocol,
        host="127.0.0.1",
        port=port,
        log_config=None,
        lifespan="off",
        ws="none",
        ssl_context_factory=lambda _config, _default: context,
    )


class _Server(uvicorn.Server):
    """Leaves the signals of the process to the test run."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def client_of(base: str, ca: Path, token: str, email: str = "") -> Iterator[pagerduty.RestApiV2Client]:
    """The client as its users make it, told only where it is and whom to trust; it never waits to try again."""
    trusted = ssl.create_default_context(cafile=str(ca))
    client = pagerduty.RestApiV2Client(
        token, default_from=email or None, base_url=f"{base}/pagerduty", verify=trusted, trust_env=False
    )
    client.max_network_attempts = 0
    with client:
        yield client
