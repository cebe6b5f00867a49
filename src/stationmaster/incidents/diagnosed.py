"""Owes word of a diagnosis to whoever was told before there was one; pages that still wait carry it themselves."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import DiagnosisMade
from stationmaster.core.response import Contact, NotifyRule, PageTarget, ResponderName, TargetKind
from stationmaster.incidents import diagnosis, paper, store
from stationmaster.incidents.life import Status
from stationmaster.incidents.pages import Directory, Page
from stationmaster.incidents.paper import Owed, State, What
from stationmaster.incidents.store import Incident

HELD_FOR = timedelta(seconds=3)
"""So long a word of a diagnosis waits for the question that its remedy will ask: then both are one message."""
_MOST_LOOKED_AT = 50
_TOLD = frozenset({What.PAGE, What.OPENED})
_BEFORE = frozenset({State.CLAIMED, State.SENT})


async def made(connection: AsyncConnection, fact: DiagnosisMade, directory: Directory, at: datetime) -> None:
    """Once for each run, to every contact that was told of the incident before; where somebody has acknowledged it, of
    the people to them alone. Nobody is told again what another run of the incident has said already: a question for its
    remedy tells it anyway."""
    incident = await store.incident(connection, fact.incident)
    if incident is None or incident.status.is_over:
        return
    asks = fact.proposed is not None and bool(fact.proposed.asks)
    due = at + HELD_FOR if asks else at
    pages = await paper.all_of(connection, incident.number)
    why = diagnosis.headline_of(fact)
    if any(each.what is What.DIAGNOSIS and each.page.why == why for each in pages):
        return
    known = await _read_by(connection, fact, pages)
    told = [each for each in _whom(incident, pages, directory) if each not in known]
    for to, contact in told:
        key = f"{diagnosis.key_of(fact.run)}/{to.kind.value}/{to.name}/{contact.name}"
        page = Page(key=key, level=0, round=0, to=to, contact=contact, due_at=due, reached_at=at, why=why)
        await paper.write(connection, incident, What.DIAGNOSIS, page)
    if told:
        await store.wake(connection, incident.number, due)


async def _read_by(
    connection: AsyncConnection, fact: DiagnosisMade, pages: Sequence[Owed]
) -> Sequence[tuple[PageTarget, Contact]]:
    """Whose page told of the same cause, as another run of the incident had found it by then."""
    lines = await store.entries_of(connection, fact.incident, diagnosis.KIND, limit=_MOST_LOOKED_AT)
    others = [each for each in lines if each.key != diagnosis.key_of(fact.run)]
    since = min((each.at for each in others if diagnosis.tells(each.text, fact)), default=None)
    if since is None:
        return ()
    rows = [each for each in pages if each.what in _TOLD and each.claimed_at is not None and each.claimed_at >= since]
    return [(each.page.to, each.page.contact) for each in rows]


async def told_with(connection: AsyncConnection, number: int, run: str, at: datetime) -> None:
    """What asks for the remedy of the run tells of its diagnosis as well: what waits for that is not sent."""
    waiting = [
        each.id
        for each in await paper.owed_of(connection, number)
        if each.what is What.DIAGNOSIS and diagnosis.run_of(each.page.key) == run and not each.attempts
    ]
    await paper.change(connection, waiting, state=State.NEEDLESS.value, ended_at=at)


def _whom(incident: Incident, pages: Sequence[Owed], directory: Directory) -> Sequence[tuple[PageTarget, Contact]]:
    rows = [each for each in pages if each.what in _TOLD and each.chain == incident.chain]
    before = {(each.page.to, each.page.contact): None for each in rows if each.state in _BEFORE}
    if incident.status is not Status.ACKNOWLEDGED:
        return tuple(before)
    channels = [each for each in before if each[0].kind is TargetKind.CHANNEL]
    theirs = [each for each in before if each[0].name == incident.acknowledged_by and each not in channels]
    known = theirs or _by_name(incident.acknowledged_by, directory)
    return (*known, *channels) if known else tuple(before)


def _by_name(name: str, directory: Directory) -> list[tuple[PageTarget, Contact]]:
    """The first contact of somebody who acknowledged without having been paged."""
    responder = directory.responders.get(ResponderName(name))
    if responder is None or not responder.contacts:
        return []
    rules = responder.rules or (NotifyRule(contact=responder.contacts[0].name),)
    first = next((each for each in responder.contacts if each.name == rules[0].contact), responder.contacts[0])
    return [(PageTarget(kind=TargetKind.RESPONDER, name=name), first)]
