"""Owes the channels of an incident what is said about it: updates, and that one is owed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.response import ContactKind, PageTarget, TargetKind
from stationmaster.incidents import paper, store
from stationmaster.incidents.pages import Directory, Page
from stationmaster.incidents.paper import State, What
from stationmaster.incidents.store import Incident
from stationmaster.incidents.timeline import Entry

BY = "updates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`key` makes it idempotent."""

    what: What
    key: str
    text: str
    at: datetime


async def tell(connection: AsyncConnection, incident: Incident, directory: Directory, notice: Notice) -> None:
    """Every channel once for each key. PagerDuty's events have no word for an update: it is not told."""
    for name in incident.channels:
        what, key, at, channel = notice.what, f"{notice.key}/{name}", notice.at, directory.channels.get(name)
        if channel is None:
            said = f"{what.value}: cannot be told to the channel {name}: there is none of that name"
            entry = Entry(at=at, kind="page.nobody", by=BY, text=said, key=key)
            await store.add_entry(connection, incident.number, entry)
        elif channel.contact.kind is not ContactKind.PAGERDUTY:
            page = Page(
                key=key,
                level=0,
                round=0,
                to=PageTarget(kind=TargetKind.CHANNEL, name=name),
                contact=channel.contact,
                due_at=at,
                reached_at=at,
                why=notice.text,
            )
            await paper.write(connection, incident, what, page)
    await store.wake(connection, incident.number, notice.at)


async def withdraw_owed(connection: AsyncConnection, number: int, at: datetime) -> None:
    """That an update is owed needs not be told any more where it was not told yet."""
    found = await paper.owed_of(connection, number)
    gone = [each.id for each in found if each.what is What.UPDATE_OWED]
    await paper.change(connection, gone, state=State.NEEDLESS.value, ended_at=at)
