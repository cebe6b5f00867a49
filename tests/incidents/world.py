"""A small platform on virtual time: the real store and loops, and notifiers that only write down what they get."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from stationmaster.core.facts import Fact
from stationmaster.core.response import (
    Channel,
    ChannelName,
    Condition,
    ConditionKind,
    Contact,
    ContactKind,
    EscalationPolicy,
    IncidentSettings,
    Level,
    NotifyRule,
    PageTarget,
    PolicyName,
    QuietHours,
    Responder,
    ResponderName,
    TargetKind,
)
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.claims import Claimed
from stationmaster.incidents.loop import CONSUMER, Incidents
from stationmaster.incidents.notify.receipt import Receipt, delivered
from stationmaster.incidents.pager import Pager
from stationmaster.incidents.paper import What
from stationmaster.incidents.steady import Steady
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database

ZERO = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
OPS = ChannelName("ops")


def person(name: str) -> PageTarget:
    return PageTarget(kind=TargetKind.RESPONDER, name=name)


def responder(name: str, *rules: NotifyRule, quiet: QuietHours | None = None) -> Responder:
    contacts = (
        Contact(name="mail", kind=ContactKind.EMAIL, address=f"{name}@example.org"),
        Contact(name="sms", kind=ContactKind.APPRISE, address=f"json://127.0.0.1/{name}"),
    )
    return Responder(name=ResponderName(name), contacts=contacts, rules=rules, quiet_hours=quiet)


ONCE = NotifyRule(contact="mail")
LADDER = EscalationPolicy(
    name=PolicyName("api"),
    acknowledged_s=1800,
    levels=(
        Level(targets=(person("engineer"),)),
        Level(
            targets=(person("manager"),),
            after_s=900,
            conditions=(
                Condition(kind=ConditionKind.OPEN_FOR, seconds=900),
                Condition(kind=ConditionKind.RESTARTS_FAILED, count=2),
                Condition(kind=ConditionKind.RUN_FAILED),
                Condition(kind=ConditionKind.CUSTOMER_REPORTS),
            ),
        ),
        Level(
            targets=(person("director"),),
            after_s=900,
            conditions=(
                Condition(kind=ConditionKind.OPEN_FOR, seconds=1800),
                Condition(kind=ConditionKind.DATA_INTEGRITY),
                Condition(kind=ConditionKind.SECURITY),
            ),
        ),
        Level(
            targets=(person("chief"),), conditions=(Condition(kind=ConditionKind.OPEN_FOR, seconds=3600),), after_s=1800
        ),
    ),
)
"""A manager after 15 minutes, a director after 30, the chief after an hour; conditions reach them sooner."""

PLAIN = EscalationPolicy(
    name=PolicyName("plain"),
    acknowledged_s=1800,
    levels=(Level(targets=(person("engineer"),)), Level(targets=(person("manager"),), after_s=300)),
)


def spec(policy: EscalationPolicy = LADDER, *channels: Channel, responders: Sequence[Responder] = ()) -> PlatformSpec:
    """Every alert opens an incident of its own."""
    people = tuple(responder(name, ONCE) for name in ("engineer", "manager", "director", "chief"))
    told = tuple(each.name for each in channels)
    settings = IncidentSettings(policy=policy.name, channels=told, group_by=("...",))
    return PlatformSpec(
        environment="sample",
        responders=tuple(responders) or people,
        channels=channels,
        escalation_policies=(policy,),
        incidents=settings,
    )


def channel(name: ChannelName = OPS) -> Channel:
    contact = Contact(name="ops", kind=ContactKind.SLACK, address="http://127.0.0.1:9/hook")
    return Channel(name=name, contact=contact)


QUIET = QuietHours(since=time(22), until=time(7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    minute: float
    to: str
    contact: str
    what: What
    doubtful: bool
    key: str


Send = Callable[[Claimed], Awaitable[Receipt]]


@dataclass(slots=True)
class World:
    """`answer` says how the next sending goes; everything is delivered unless it says otherwise."""

    database: Database
    declared: Cell[PlatformSpec]
    now: datetime = ZERO
    running_s: float = 0.0
    """What the monotonic clock shows."""
    got: list[Got] = field(default_factory=list)
    answer: Callable[[Claimed], Receipt] = lambda _: delivered()
    incidents: Incidents = field(init=False)
    pager: Pager = field(init=False)

    def __post_init__(self) -> None:
        self._start()

    def _start(self) -> None:
        clock = Steady(wall=lambda: self.now, monotonic=lambda: self.running_s)
        self.incidents = Incidents(self.database, self.declared, clock=clock)
        self.pager = Pager(self.incidents.ground, self._send)

    async def _send(self, claimed: Claimed) -> Receipt:
        receipt = self.answer(claimed)
        each = claimed.owed
        minute = (self.incidents.clock.now() - ZERO).total_seconds() / 60
        self.got.append(
            Got(
                minute=round(minute, 3),
                to=each.page.to.name,
                contact=each.page.contact.name,
                what=each.what,
                doubtful=each.doubtful,
                key=f"{each.incident}/{each.page.key}",
            )
        )
        return receipt

    async def restart(self) -> None:
        """The process is gone and another one takes over: it knows what stands in the store and nothing else."""
        self._start()
        await self.pager.begin()

    async def facts(self, *facts: Fact) -> None:
        async with self.database.write() as connection:
            await outbox.append(connection, *facts)
        await self.settle()

    async def settle(self) -> None:
        while await outbox.drain(self.database, CONSUMER, self.incidents.handle):
            pass

    async def tick(self) -> None:
        """Until nothing more is owed at this moment."""
        await self.settle()
        while found := await self.pager.sender.tick():
            for claimed in found:
                await self.pager.sender.finish(claimed)

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.running_s += seconds

    async def until(self, minute: float, step_s: float = 30.0) -> None:
        """Lets the time pass, with a tick every so often."""
        end = ZERO + timedelta(minutes=minute)
        await self.tick()
        while self.now < end:
            self.passes(min(step_s, (end - self.now).total_seconds()))
            await self.tick()

    @property
    def paged(self) -> list[tuple[float, str]]:
        """Who was paged, and at which minute."""
        return [(each.minute, each.to) for each in self.got if each.what is What.PAGE]

    @property
    def noticed(self) -> list[tuple[float, str]]:
        return [(each.minute, each.what.value) for each in self.got if each.what is not What.PAGE]

    async def lines(self, kind: str, number: int = 1) -> list[str]:
        found = await self.incidents.find(number)
        return [] if found is None else [each.text for each in found[1] if each.kind == kind]
