"""The notices that nobody will be on duty, as a queue: to which channel each goes, and what it says."""

from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.response import Contact
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import duty_store
from stationmaster.incidents.duty_store import Notice, NoticeState
from stationmaster.incidents.notify.message import Message, Occasion, Shown
from stationmaster.incidents.notify.receipt import Receipt, refused
from stationmaster.incidents.sending import Again, Ending, GivenUp, Patience, Sent, Tried
from stationmaster.runtime.board import Cell

Send: TypeAlias = Callable[[Contact, Message], Awaitable[Receipt]]

_PATIENCE = Patience(first_wait_s=5.0, longest_wait_s=300.0, tried_for=timedelta(hours=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeQueue:
    declared: Cell[PlatformSpec]
    hand_over: Send

    @property
    def patience(self) -> Patience:
        return _PATIENCE

    async def due(
        self, connection: AsyncConnection, now: datetime, limit: int, full: Collection[Hashable]
    ) -> Sequence[int]:
        owed = await duty_store.notices_in(connection, NoticeState.OWED)
        return [each.id for each in owed if _at(each) <= now and each.channel not in full][:limit]

    async def next_due(self, connection: AsyncConnection) -> datetime | None:
        return min(map(_at, await duty_store.notices_in(connection, NoticeState.OWED)), default=None)

    async def claim(self, connection: AsyncConnection, keys: Sequence[int], now: datetime) -> Sequence[Notice]:
        owed = await duty_store.notices_in(connection, NoticeState.OWED)
        found = [replace(each, attempts=each.attempts + 1) for each in owed if each.id in keys]
        for each in found:
            await duty_store.change_notice(connection, each.id, NoticeState.CLAIMED, attempts=each.attempts)
        return found

    async def cut_off(self, connection: AsyncConnection) -> Sequence[Notice]:
        return await duty_store.notices_in(connection, NoticeState.CLAIMED)

    async def send(self, item: Notice) -> Receipt:
        spec = self.declared.value
        channel = next((each for each in spec.channels if each.name == item.channel), None)
        if channel is None:
            return refused("the channel is not declared any more")
        return await self.hand_over(channel.contact, _message(spec, item))

    async def note(self, connection: AsyncConnection, item: Notice, how: Ending, now: datetime) -> None:
        match how:
            case Sent() | GivenUp():
                state = NoticeState.SENT if isinstance(how, Sent) else NoticeState.FAILED
                await duty_store.change_notice(connection, item.id, state, ended_at=now, detail=how.detail)
            case Again():
                values = {"next_at": how.at, "detail": how.detail, "doubtful": how.doubtful or item.doubtful}
                await duty_store.change_notice(connection, item.id, NoticeState.OWED, **values)

    async def owed(self, connection: AsyncConnection, now: datetime) -> int:
        found = await duty_store.notices_in(connection, NoticeState.OWED, NoticeState.CLAIMED)
        return sum(_at(each) <= now for each in found)

    def tried(self, item: Notice) -> Tried:
        return Tried(attempts=item.attempts, since=item.created_at)

    def receiver(self, item: Notice) -> Hashable:
        return item.channel

    def about(self, item: Notice) -> dict[str, object]:
        return {"channel": item.channel, "schedules": item.schedules}


def _at(notice: Notice) -> datetime:
    return notice.next_at or notice.created_at


def _message(spec: PlatformSpec, notice: Notice) -> Message:
    labels = {"alertname": "OnCallGap", "schedules": notice.schedules, "environment": spec.environment}
    key = f"oncall-gap/{notice.schedules}/{notice.starts_at.isoformat()}"
    alert = Shown(
        fingerprint=f"{abs(notice.id):016x}",
        labels=labels | {"severity": "warning"},
        summary=notice.text,
        firing=True,
        starts_at=notice.starts_at,
        ends_at=notice.ends_at,
    )
    return Message(
        occasion=Occasion.ON_CALL_GAP,
        key=key,
        group=f"stationmaster/{spec.environment}/{key}",
        number=0,
        title=notice.text,
        severity="warning",
        urgency="low",
        status="coming",
        service="",
        environment=spec.environment,
        summary=f"{notice.text}. `oncall override add` puts somebody on duty.",
        since=notice.starts_at,
        maybe_second=notice.doubtful,
        alerts=(alert,),
    )
