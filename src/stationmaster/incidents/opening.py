"""Opens incidents and ends them: whom they lead to, who is told, what else ends with them."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import Alert, IncidentOpened, IncidentResolved, InstanceRestarted
from stationmaster.core.response import PageTarget, TargetKind
from stationmaster.incidents import linked, moves, near, paper, store
from stationmaster.incidents.escalate import Happened, Move
from stationmaster.incidents.life import Status, raised_by
from stationmaster.incidents.pages import Directory, Page
from stationmaster.incidents.paper import What
from stationmaster.incidents.store import Incident, Opening
from stationmaster.incidents.timeline import Entry, entry_of
from stationmaster.runtime import outbox

_JUST_BEFORE = timedelta(seconds=10)
"""The supervisor may have started what died before anybody noticed: that belongs to the story."""

ALERT = "alert"
"""In whose name conditions are raised that a label of an alert names."""


async def open_with(
    connection: AsyncConnection, opened: Opening, alert: Alert, directory: Directory, *, first: Entry
) -> int:
    """`first` is the first line of its timeline."""
    number = await store.open_incident(connection, opened, alert)
    await store.add_entry(connection, number, first)
    await _restarted_before(connection, number, alert, opened.at)
    await linked.record_alert(connection, number, alert, worked=True)
    await near.keep(connection, number, opened.group, opened.at)
    incident = await store.known(connection, number)
    await raise_labelled(connection, incident, alert, opened.chain_at)
    if opened.routed.why:
        await store.add_entry(connection, number, _routed(incident, opened.at))
    await announce(connection, incident, What.OPENED, directory, opened.chain_at)
    await outbox.append(connection, IncidentOpened(at=opened.at, incident=number, title=opened.title, alert=alert))
    return number


async def _restarted_before(connection: AsyncConnection, number: int, alert: Alert, at: datetime) -> None:
    about = {alert.labels.get("instance", ""), alert.labels.get("node", "")} - {""}
    for fact in await outbox.facts_in(connection, InstanceRestarted, at - _JUST_BEFORE) if about else ():
        if fact.instance in about and fact.incident is None:
            await store.add_entry(connection, number, entry_of(fact))


def _routed(incident: Incident, at: datetime) -> Entry:
    whom = "nobody is paged" if incident.policy is None else f"escalation policy {incident.policy.name}"
    text = f"{whom}, urgency {incident.urgency.value} ({incident.routed})"
    return Entry(at=at, kind="incident.routed", by="incidents", text=text)


async def raise_labelled(connection: AsyncConnection, incident: Incident, alert: Alert, at: datetime) -> None:
    """Conditions that labels of the alert name hold from now on."""
    named = raised_by(alert.labels)
    known = {each.condition for each in (await moves.history(connection, incident)).moves} if named else set()
    for condition in named:
        if condition not in known:
            raised = Happened(at=at, move=Move.RAISED, by=ALERT, condition=condition)
            await moves.add(connection, incident, raised)
            text = f"{condition.value}: a label of {alert.name} says so"
            entry = Entry(at=at, kind="incident.raised", by=ALERT, text=text)
            await store.add_entry(connection, incident.number, entry)
            await store.wake(connection, incident.number, at)


async def announce(
    connection: AsyncConnection, incident: Incident, what: What, directory: Directory, at: datetime
) -> None:
    """Owes the channels of the incident a notice."""
    for name in incident.channels:
        channel = directory.channels.get(name)
        if channel is None:
            text = f"{what.value}: cannot be told to the channel {name}: there is none of that name"
            await store.add_entry(connection, incident.number, Entry(at=at, kind="page.nobody", by="pages", text=text))
            continue
        page = Page(
            key=f"{what.value}/{int(at.timestamp() * 1000)}/{name}",
            level=0,
            round=0,
            to=PageTarget(kind=TargetKind.CHANNEL, name=name),
            contact=channel.contact,
            due_at=at,
            reached_at=at,
            why=f"it is told of every incident that is {what.value}",
        )
        await paper.write(connection, incident, what, page)
    await store.wake(connection, incident.number, at)


async def resolve(
    connection: AsyncConnection, incident: Incident, fact: IncidentResolved, directory: Directory, at: datetime
) -> None:
    """Ends the incident and those that were merged into it; `at` is the steady moment at which its clocks stop."""
    await store.change(connection, incident.number, status=Status.RESOLVED.value, resolved_at=fact.at, kept_open=False)
    await moves.add(connection, incident, Happened(at=at, move=Move.ENDED, by=fact.by))
    await announce(connection, incident, What.RESOLVED, directory, at)
    why = f"#{incident.number}, into which it was merged, is resolved"
    merged = await store.merged_with(connection, incident.number)
    for each in (fact, *(IncidentResolved(at=fact.at, incident=number, by=fact.by, why=why) for number in merged)):
        await outbox.append(connection, each)
        if each.by:
            await store.add_entry(connection, each.incident, entry_of(each))
