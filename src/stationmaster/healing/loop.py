"""Takes the targets of a failing instance out of their balancers and puts them back when all is quiet."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from stationmaster.core.facts import (
    AlertJoined,
    BalancerState,
    EscalationAsked,
    Fact,
    IncidentOpened,
    IncidentResolved,
    InstanceQuiet,
    NoteAdded,
    TargetChanged,
)
from stationmaster.core.problem import PlatformError
from stationmaster.healing import decide
from stationmaster.healing.bounds import Change, Refused
from stationmaster.healing.decide import PutBack, Refuse, TakeOut, TargetView
from stationmaster.healing.guard import Guard
from stationmaster.healing.touched import withdrawal
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("healing")

CONSUMER = "healing"
BY = "self-healing"
MANUALLY = "manually removed target"
_LEVEL = 1
_ASKED_WITHIN = timedelta(hours=12)
_LAST = "last-target"


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
    """`guard` knows the bounds, and is asked before every removal."""

    database: Database
    balancer: Balancer
    guard: Guard

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
            case TargetChanged(manual=True, state=BalancerState.OUT | BalancerState.DRAIN):
                await self._record_manual(fact)
            case _:
                pass

    async def _withdraw(self, fact: IncidentOpened | AlertJoined) -> None:
        """May come a second time after a crash: what is out by then for this incident is noted all the same."""
        instance = decide.failing_instance(fact.alert)
        if instance is None:
            return
        why = f"{instance} fails its health check"
        targets = await self.balancer.views()
        for move in decide.on_failure(instance, targets, self.guard.policy_of(instance), why=why):
            await self._perform(move, fact)
        for target in targets:
            if target.instance != instance:
                continue
            done = TakeOut(virtual_host=target.virtual_host, address=target.address, why=why)
            if target.incident == fact.incident and target.by == BY:
                await self._note(fact.incident, _key(done), _removed(done))
            await self.guard.end_left_open(_change(done, fact, self.guard), incident=fact.incident)

    async def _perform(self, move: TakeOut | Refuse, fact: IncidentOpened | AlertJoined) -> None:
        incident = fact.incident
        change = _change(move, fact, self.guard)
        if isinstance(move, TakeOut):
            judged = await self.guard.begin(change, incident=incident, waits=False)
            if isinstance(judged, Refused):
                move = Refuse(virtual_host=move.virtual_host, address=move.address, why="; ".join(judged.why))
        if isinstance(move, Refuse):
            return await self._refuse(move, incident)
        try:
            done = await self.balancer.take_out(move.virtual_host, move.address, by=BY, why=move.why, incident=incident)
        except PlatformError as error:
            return await self._ask_for_manual(move, incident, error)
        finally:
            await self.guard.ended(change, incident=incident)
        nodes = ", ".join(sorted(done.acknowledged)) or "no node yet"
        pending = f"; not yet by {', '.join(done.pending)}" if done.pending else ""
        return await self._note(incident, _key(move), f"{_removed(move)}; acknowledged by {nodes}{pending}")

    async def _refuse(self, move: Refuse, incident: int) -> None:
        """A person may remove it all the same; the last one nobody may."""
        text = f"{move.address} stays in {move.virtual_host}: {move.why}"
        asked = "" if move.last else f"{text}; to remove it all the same: `{_by_hand(move)} --force`"
        await self._tell(move, incident, text, asked)

    async def _ask_for_manual(self, move: TakeOut, incident: int, error: PlatformError) -> None:
        where = f"{move.address} from {move.virtual_host}"
        text = f"self-healing could not remove {where}: {error.message}; remove it manually"
        asked = "" if error.code == _LAST else f"{text}: `{_by_hand(move)}`"
        await self._tell(move, incident, text, asked)

    async def _record_manual(self, fact: TargetChanged) -> None:
        """What people remove in place of self-healing stands with the incidents that asked for it."""
        since = fact.at - _ASKED_WITHIN
        key = _asked_key(fact.virtual_host, fact.target)
        asked = {each.incident for each in await outbox.facts_of(self.database, NoteAdded, since) if each.key == key}
        over = {each.incident for each in await outbox.facts_of(self.database, IncidentResolved, since)}
        for incident in sorted(asked - over):
            text = f"{MANUALLY} {fact.target} from {fact.virtual_host}: {fact.why}"
            manual = f"healing:manual:{fact.virtual_host}:{fact.target}"
            await self._note(incident, manual, text, by=fact.by)

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

    async def _tell(self, move: TakeOut | Refuse, incident: int, text: str, asked: str) -> None:
        """`asked` is what a person is called for, once, who then is expected to do it by hand."""
        if not asked:
            return await self._note(incident, _key(move), text)
        at, key = utc_now(), _asked_key(move.virtual_host, move.address)
        notes = await outbox.facts_of(self.database, NoteAdded, at - _ASKED_WITHIN)
        if not any(each.key == key and each.incident == incident for each in notes):
            await self._note(incident, key, text)
            async with self.database.write() as connection:
                called = EscalationAsked(at=at, incident=incident, level=_LEVEL, why=asked)
                await outbox.append(connection, called)
        return None

    async def _note(self, incident: int, key: str, text: str, *, by: str = BY) -> None:
        fact = NoteAdded(at=utc_now(), incident=incident, key=key, by=by, text=text)
        async with self.database.write() as connection:
            await outbox.append(connection, fact)
        log.info("noted", incident=incident, note=text)


def _change(move: TakeOut | Refuse, fact: IncidentOpened | AlertJoined, guard: Guard) -> Change:
    """The same one when it comes a second time after a crash."""
    return Change(
        run=f"self-healing-{fact.incident}",
        step=f"{move.virtual_host}/{move.address}",
        attempt=round(fact.at.timestamp() * 1000),
        touches=withdrawal(move.virtual_host, move.address, guard.spec()),
    )


def _key(move: TakeOut | Refuse) -> str:
    return f"healing:{move.virtual_host}:{move.address}"


def _asked_key(virtual_host: str, address: str) -> str:
    return f"healing:asked:{virtual_host}:{address}"


def _removed(move: TakeOut) -> str:
    return f"self-healing removed {move.address} from {move.virtual_host} because {move.why}"


def _by_hand(move: TakeOut | Refuse) -> str:
    return f'stm target out {move.virtual_host} {move.address} --reason "{MANUALLY}"'
