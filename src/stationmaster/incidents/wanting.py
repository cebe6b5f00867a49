"""Owes whoever was paged for an incident word of a risky step that waits for a yes, and takes it back when answered."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import ApprovalAnswered, ApprovalAsked
from stationmaster.core.response import PageTarget, TargetKind
from stationmaster.incidents import diagnosed, paper, store
from stationmaster.incidents.pages import Directory, Page
from stationmaster.incidents.paper import State, What

_REACHED = (State.OWED, State.CLAIMED, State.SENT)


async def asked(connection: AsyncConnection, fact: ApprovalAsked, directory: Directory, at: datetime) -> None:
    """To every contact that a page of the chain of now goes or went to, and to the channels of the incident."""
    incident = await store.incident(connection, fact.incident)
    if incident is None or incident.status.is_over:
        return
    text = _text(fact)
    paged = {
        (each.page.to, each.page.contact): each.page
        for each in await paper.all_of(connection, incident.number)
        if each.what is What.PAGE and each.chain == incident.chain and each.state in _REACHED
    }
    told = [(page.to, page.contact) for page in paged.values()]
    channels = {name: directory.channels.get(name) for name in incident.channels}
    told += [(PageTarget(kind=TargetKind.CHANNEL, name=name), each.contact) for name, each in channels.items() if each]
    for to, contact in told:
        key = f"{_key(fact)}/{to.kind.value}/{to.name}/{contact.name}"
        page = Page(key=key, level=0, round=0, to=to, contact=contact, due_at=at, reached_at=at, why=text)
        await paper.write(connection, incident, What.APPROVAL, page)
    if told:
        await diagnosed.told_with(connection, incident.number, fact.run, at)
        await store.wake(connection, incident.number, at)


async def answered(connection: AsyncConnection, fact: ApprovalAnswered, at: datetime) -> None:
    """Nobody need hear of it any more who has not yet."""
    waiting = [
        each.id
        for each in await paper.owed_of(connection, fact.incident)
        if each.what is What.APPROVAL
        and f"approval/{fact.run}/{fact.step}/" in each.page.key
        and each.state is State.OWED
    ]
    await paper.change(connection, waiting, state=State.NEEDLESS.value, ended_at=at)


def _key(fact: ApprovalAsked) -> str:
    return f"approval/{fact.run}/{fact.step}/{int(fact.at.timestamp() * 1000)}"


def _text(fact: ApprovalAsked) -> str:
    return (
        f"Step {fact.step} of its runbook waits for a yes until {fact.expires_at:%H:%M:%S UTC}:\n"
        f"{fact.command}\n"
        f"Its class is {fact.risk}: {fact.why}\n"
        f"By the link below, or: stm approval allow {fact.run} {fact.step}"
    )
