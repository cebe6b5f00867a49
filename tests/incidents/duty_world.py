"""A platform with schedules, and its on-call room on virtual time."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from stationmaster.core.response import (
    Channel,
    ChannelName,
    Contact,
    ContactKind,
    EscalationPolicy,
    IncidentSettings,
    Layer,
    Level,
    PageTarget,
    PolicyName,
    Responder,
    ResponderName,
    Restriction,
    Schedule,
    ScheduleName,
    TargetKind,
)
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.duty import OnCall
from stationmaster.incidents.duty_asking import Wanted
from stationmaster.incidents.duty_watch import DutyWatch
from stationmaster.incidents.notify.message import Message
from stationmaster.incidents.notify.receipt import Receipt, delivered
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database

ZERO = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""A Monday on which Ada's week begins."""
PRIMARY = ScheduleName("primary")
OPS = ChannelName("ops")
WEEK, DAY, HOUR = timedelta(days=7), timedelta(days=1), timedelta(hours=1)


def person(name: str, full_name: str = "") -> Responder:
    mail = Contact(name="mail", kind=ContactKind.EMAIL, address=f"{name}@example.org")
    hook = Contact(name="hook", kind=ContactKind.WEBHOOK, address=f"https://hooks.example.org/{name}")
    return Responder(name=ResponderName(name), full_name=full_name, contacts=(mail, hook))


def weeks(*names: str, restrictions: tuple[Restriction, ...] = (), ends: date | None = None) -> Layer:
    return Layer(
        name="weeks",
        responders=tuple(map(ResponderName, names or ("ada", "grace"))),
        starts=date(2026, 11, 23),
        handoff=time(9),
        restrictions=restrictions,
        ends=ends,
    )


def schedule(layer: Layer | None = None, *, name: str = "primary", time_zone: str = "UTC") -> Schedule:
    return Schedule(name=ScheduleName(name), time_zone=time_zone, layers=(layer or weeks(),))


def policy(*schedules: str, name: str = "shop") -> EscalationPolicy:
    targets = tuple(PageTarget(kind=TargetKind.SCHEDULE, name=each) for each in schedules)
    return EscalationPolicy(name=PolicyName(name), levels=(Level(targets=targets),))


def spec(*schedules: Schedule, policies: Sequence[EscalationPolicy] = ()) -> PlatformSpec:
    ops = Channel(name=OPS, contact=Contact(name="ops", kind=ContactKind.SLACK, address="http://127.0.0.1:9/hook"))
    return PlatformSpec(
        environment="lab",
        responders=(person("ada", "Ada Lovelace"), person("grace", "Grace Hopper"), person("lin")),
        schedules=schedules or (schedule(),),
        escalation_policies=tuple(policies) or (policy("primary"),),
        channels=(ops,),
        incidents=IncidentSettings(channels=(OPS,)),
    )


def without(declared: PlatformSpec, name: str) -> PlatformSpec:
    return replace(declared, responders=tuple(each for each in declared.responders if each.name != name))


def wanted(who: str, begins: timedelta, lasts: timedelta = HOUR, schedule: str = "primary") -> Wanted:
    return Wanted(
        schedule=ScheduleName(schedule),
        responder=ResponderName(who),
        starts_at=ZERO + begins,
        ends_at=ZERO + begins + lasts,
    )


@dataclass(slots=True)
class DutyWorld:
    database: Database
    declared: Cell[PlatformSpec]
    now: datetime = ZERO
    told: list[Message] = field(default_factory=list)
    answers: list[Receipt] = field(default_factory=list)
    """How the next sendings go; delivered when there is none."""
    oncall: OnCall = field(init=False)
    watch: DutyWatch = field(init=False)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """As a new process does."""
        self.oncall = OnCall(database=self.database, declared=self.declared, now=lambda: self.now)
        self.watch = DutyWatch(oncall=self.oncall, send=self._send)

    async def _send(self, _contact: Contact, message: Message) -> Receipt:
        self.told.append(message)
        return self.answers.pop(0) if self.answers else delivered()

    async def tick(self) -> None:
        await self.watch.look()
        await self.watch.sender.work_off()

    async def passes(self, span: timedelta) -> None:
        self.now += span
        await self.tick()
