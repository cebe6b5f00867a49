"""Writes down what an incident owes at this moment, claims what is due, and notes how the sending went."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.incidents import diagnosis, linked, moves, paper, store
from stationmaster.incidents.escalate import Happened, History, Move, Reached, quiet_times, reached
from stationmaster.incidents.life import Status
from stationmaster.incidents.linked import LinkedAlert
from stationmaster.incidents.pages import Directory, Nobody, Page, owed, pages
from stationmaster.incidents.paper import Owed, State, What
from stationmaster.incidents.sending import Again, Ending, GivenUp, Patience, Sent
from stationmaster.incidents.store import Incident
from stationmaster.incidents.timeline import Entry

BY = "pages"
_AHEAD = timedelta(days=400)
"""How far the next level is looked for."""
PATIENCE = Patience(first_wait_s=5.0, longest_wait_s=300.0, tried_for=timedelta(hours=1))
"""A page that every crash cuts off is sent again after each: better often than never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A page that is to be sent now, with all that it tells of."""

    owed: Owed
    incident: Incident
    alerts: tuple[LinkedAlert, ...]
    diagnoses: tuple[Entry, ...] = ()
    """What its runs have found out, the last first."""


async def claim(connection: AsyncConnection, number: int, now: datetime, directory: Directory) -> tuple[Claimed, ...]:
    """Everything that is owed about the incident now, claimed for sending, and when to look again."""
    incident = await store.incident(connection, number)
    if incident is None:
        return ()
    history = await _climb(connection, incident, now, directory)
    await _lapse(connection, incident, history, now)
    found = await _needed(connection, incident, history, now)
    due = [each for each in found if each.next_at <= now]
    await paper.claim(connection, [each.id for each in due], now)
    later = [each.next_at for each in found if each.next_at > now]
    await store.change(connection, number, due_at=min([*later, *_next_level(incident, history, now)], default=None))
    alerts = await linked.alerts_of(connection, number) if due else ()
    found_out = await store.entries_of(connection, number, diagnosis.KIND) if due else ()
    taken = [
        replace(each, state=State.CLAIMED, attempts=each.attempts + 1, claimed_at=now, tried_at=each.tried_at or now)
        for each in due
    ]
    return tuple(Claimed(owed=each, incident=incident, alerts=alerts, diagnoses=found_out) for each in taken)


async def _climb(connection: AsyncConnection, incident: Incident, now: datetime, directory: Directory) -> History:
    """Writes down the levels that are reached and their pages; a level that leads to nobody asks for the next one."""
    history = await moves.history(connection, incident)
    policy = incident.policy
    for _ in policy.levels if policy else ():
        asked = False
        for level in reached(policy, history, now) if policy else ():
            if await moves.reach(connection, incident, level):
                asked |= await _page(connection, incident, level, directory, now)
        if not asked:
            break
        history = await moves.history(connection, incident)
    return history


async def _page(
    connection: AsyncConnection, incident: Incident, level: Reached, directory: Directory, now: datetime
) -> bool:
    """Says whether the level led to nobody and the next one was asked for."""
    if incident.policy is None:
        return False
    found = pages((level,), incident.policy, directory, incident.urgency)
    await _say(connection, incident.number, level.at, "level", _reached_text(level, found))
    for each in found:
        match each:
            case Page():
                await paper.write(connection, incident, What.PAGE, each)
            case Nobody():
                text = f"{each.target.kind.value} {each.target.name} cannot be paged: {each.why}"
                await _say(connection, incident.number, level.at, "nobody", text)
    if any(isinstance(each, Page) for each in found):
        return False
    return await ask_for_next(connection, incident, level.level, now, "it leads to nobody")


def _reached_text(level: Reached, found: Sequence[Page | Nobody]) -> str:
    whom = dict.fromkeys(f"{each.to.name} by {each.contact.name}" for each in found if isinstance(each, Page))
    again = f" (round {level.round + 1})" if level.round else ""
    return f"level {level.level + 1}{again} is reached: {level.why}; paged: {', '.join(whom) or 'nobody'}"


async def ask_for_next(connection: AsyncConnection, incident: Incident, level: int, now: datetime, why: str) -> bool:
    """Asks for the level after this one because nobody of it can be reached; False where there is none, or where it
    was asked for already."""
    history = await moves.history(connection, incident)
    known = any(each.move is Move.ESCALATED and (each.level or 0) > level for each in history.moves)
    if incident.policy is None or level + 1 >= len(incident.policy.levels) or known or incident.status.is_over:
        return False
    await moves.add(connection, incident, Happened(at=now, move=Move.ESCALATED, by=BY, level=level + 1))
    text = f"level {level + 2} is asked for: level {level + 1} cannot be reached ({why})"
    await _say(connection, incident.number, now, "escalated", text)
    await store.wake(connection, incident.number, now)
    return True


async def _lapse(connection: AsyncConnection, incident: Incident, history: History, now: datetime) -> None:
    """An acknowledgement that ran out is none any more."""
    if incident.status is not Status.ACKNOWLEDGED or incident.policy is None:
        return
    spans = [each for each in quiet_times(incident.policy, history) if each.starts_at <= now]
    if spans and spans[-1].ends_at <= now and spans[-1].runs_out:
        await store.change(connection, incident.number, status=Status.TRIGGERED.value)
        text = f"the acknowledgement of {incident.acknowledged_by or 'somebody'} ran out"
        await _say(connection, incident.number, spans[-1].ends_at, "lapsed", text)


async def _needed(connection: AsyncConnection, incident: Incident, history: History, now: datetime) -> Sequence[Owed]:
    """What has still to be sent, now or later; what was made needless is marked so."""
    found = await paper.owed_of(connection, incident.number)
    written = [each.page for each in found if each.what is What.PAGE and each.chain == incident.chain]
    stand = {each.key for each in owed(written, _known(history, now), frozenset(), now + _AHEAD)}
    over = {What.DIAGNOSIS} if incident.status.is_over else set()
    kept = [each for each in found if each.what not in over and (each.what is not What.PAGE or each.page.key in stand)]
    gone = [each.id for each in found if each not in kept]
    await paper.change(connection, gone, state=State.NEEDLESS.value, ended_at=now)
    return kept


def _known(history: History, now: datetime) -> History:
    return replace(history, moves=tuple(each for each in history.moves if each.at <= now))


def _next_level(incident: Incident, history: History, now: datetime) -> list[datetime]:
    if incident.policy is None or incident.status.is_over:
        return []
    later = [each.at for each in reached(incident.policy, history, now + _AHEAD) if each.at > now]
    spans = [each.ends_at for each in quiet_times(incident.policy, history) if each.ends_at > now]
    return [min([*later, *spans])] if later or spans else []


async def note(connection: AsyncConnection, claimed: Claimed, how: Ending, now: datetime) -> None:
    """How it went: sent, to be tried again, or given up for the next contact or level."""
    each = claimed.owed
    to = f"{_name(each)}, {each.page.contact.name} ({each.page.contact.kind.value})"
    match how:
        case Sent():
            await paper.change(connection, [each.id], state=State.SENT.value, ended_at=now, detail=how.detail)
            twice = ", perhaps for the second time" if each.doubtful else ""
            await _say(connection, each.incident, now, "sent", f"{_said(each)} sent to {to}{twice}")
        case GivenUp():
            await paper.change(connection, [each.id], state=State.FAILED.value, ended_at=now, detail=how.detail)
            await _say(connection, each.incident, now, "failed", f"{_said(each)} to {to} is given up: {how.detail}")
            await _next_contact(connection, claimed, now, how.detail)
        case Again():
            values = {"doubtful": True} if how.doubtful else {"detail": how.detail}
            await paper.change(connection, [each.id], state=State.OWED.value, next_at=how.at, **values)
            if each.attempts == 1 and not how.doubtful:
                text = f"{_said(each)} to {to}: {how.detail}; tried again"
                await _say(connection, each.incident, now, "failed", text)
            await store.wake(connection, each.incident, how.at)


async def _next_contact(connection: AsyncConnection, claimed: Claimed, now: datetime, why: str) -> None:
    """Other contacts of the level that wait for their time are used now; where none is left, the next level is."""
    lost = claimed.owed
    if lost.what is not What.PAGE or lost.page.level < 0:
        return
    same = [
        each
        for each in await paper.all_of(connection, lost.incident)
        if each.what is What.PAGE
        and (each.chain, each.page.round, each.page.level) == (lost.chain, lost.page.round, lost.page.level)
    ]
    theirs = [each for each in same if each.state is State.OWED and each.page.to == lost.page.to]
    waiting = [each.id for each in theirs if not each.attempts]
    await paper.change(connection, waiting, next_at=now)
    if waiting:
        await store.wake(connection, lost.incident, now)
    elif not any(each.state in (State.OWED, State.CLAIMED, State.SENT) for each in same):
        incident = await store.known(connection, lost.incident)
        await ask_for_next(connection, incident, lost.page.level, now, why)


def _name(each: Owed) -> str:
    return f"{each.page.to.kind.value} {each.page.to.name}"


def _said(each: Owed) -> str:
    return "page" if each.what is What.PAGE else f"notice ({each.what.value})"


async def _say(connection: AsyncConnection, number: int, at: datetime, kind: str, text: str) -> None:
    await store.add_entry(connection, number, Entry(at=at, kind=f"page.{kind}", by=BY, text=text))
