"""Takes the targets of a failing instance out of their balancers and puts them back when all is quiet."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from stationmaster.core.facts import (
    AlertJoined,
    Fact,
    IncidentOpened,
    IncidentResolved,
    InstanceQuiet,
    NoteAdded,
    TargetChanged,
)
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import HealingPolicy
from stationmaster.healing import decide
from stationmaster.healing.decide import PutBack, Refuse, TakeOut, TargetView
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("healing")

CONSUMER = "healing"
BY = "self-healing"


class Balancer(Protocol):
    """What healing needs of the gateway."""

    def views(self) -> Awaitable[Sequence[TargetView]]: ...

    def take_out(
        self, virtual_host: str, address: str, *, by: str, why: str, incident: int
    ) -> Awaitable[TargetChanged]: ...

    def put_back(
        self, virtual_host: str, address: str, *, by: str, why: str, incident: int
    ) -> Awaitable[TargetChanged]: ...


@dataclass(frozen=True, slots=True)
class Healing:
    """`policy` is asked at every decision."""

    database: Database
    balancer: Balancer
    policy: Callable[[], HealingPolicy]

    async def run(self) -> None:
        """Follows every fact, for ever."""
        await outbox.follow(self.database, CONSUMER, self.act)

    async def act(self, fact: Fact) -> None:
        match fact:
            case IncidentOpened() | AlertJoined(worked=True):
                await self._withdraw(fact)
            case InstanceQuiet(instance=instance):
                await self._return(fact.incident, instance)
            case IncidentResolved():
                await self._return(fact.incident)
            case _:
                pass

    async def _withdraw(self, fact: IncidentOpened | AlertJoined) -> None:
        """May come a second time after a crash: what is out by then for this incident is noted all the same."""
        instance = decide.failing_instance(fact.alert)
        if instance is None:
            return
        why = f"{instance} fails its health check"
        targets = await self.balancer.views()
        for move in decide.on_failure(instance, targets, self.policy(), why=why):
            await self._note(fact.incident, _key(move), await self._perform(move, fact.incident))
        for target in targets:
            if target.instance == instance and target.incident == fact.incident and target.by == BY:
                done = TakeOut(virtual_host=target.virtual_host, address=target.address, why=why)
                await self._note(fact.incident, _key(done), _removed(done))

    async def _perform(self, move: TakeOut | Refuse, incident: int) -> str:
        if isinstance(move, Refuse):
            return f"{move.address} stays in {move.virtual_host}: {move.why}"
        try:
            change = await self.balancer.take_out(
                move.virtual_host, move.address, by=BY, why=move.why, incident=incident
            )
        except PlatformError as error:
            where = f"{move.address} from {move.virtual_host}"
            return f"self-healing could not remove {where}: {error.message}; remove it manually"
        nodes = ", ".join(sorted(change.acknowledged)) or "no node yet"
        pending = f"; not yet by {', '.join(change.pending)}" if change.pending else ""
        return f"{_removed(move)}; acknowledged by {nodes}{pending}"

    async def _return(self, incident: int, instance: str | None = None) -> None:
        for move in decide.on_quiet(incident, await self.balancer.views(), instance):
            await self._put_back(move, incident)

    async def _put_back(self, move: PutBack, incident: int) -> None:
        try:
            await self.balancer.put_back(move.virtual_host, move.address, by=BY, why=move.why, incident=incident)
            text = f"self-healing put {move.address} back into {move.virtual_host}: {move.why}"
        except PlatformError as error:
            text = f"self-healing could not put {move.address} back into {move.virtual_host}: {error.message}"
        await self._note(incident, f"healing:back:{move.virtual_host}:{move.address}", text)

    async def _note(self, incident: int, key: str, text: str) -> None:
        fact = NoteAdded(at=utc_now(), incident=incident, key=key, by=BY, text=text)
        async with self.database.write() as connection:
            await outbox.append(connection, fact)
        log.info("noted", incident=incident, note=text)


def _key(move: TakeOut | Refuse) -> str:
    return f"healing:{move.virtual_host}:{move.address}"


def _removed(move: TakeOut) -> str:
    return f"self-healing removed {move.address} from {move.virtual_host} because {move.why}"
