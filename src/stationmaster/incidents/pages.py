"""Decides who is owed which page of an incident at this moment, from the levels reached and everybody's own rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from stationmaster.core.response import (
    Channel,
    ChannelName,
    Contact,
    EscalationPolicy,
    NotifyRule,
    Override,
    PageTarget,
    QuietHours,
    Responder,
    ResponderName,
    Schedule,
    ScheduleName,
    TargetKind,
    Urgency,
)
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.escalate import History, Move, Reached
from stationmaster.incidents.oncall import moment, of_declared, on_duty

_SILENCING = frozenset({Move.ACKNOWLEDGED, Move.SNOOZED, Move.ENDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Everybody who can be reached, by name."""

    responders: Mapping[ResponderName, Responder]
    channels: Mapping[ChannelName, Channel]
    schedules: Mapping[ScheduleName, Schedule]
    overrides: tuple[Override, ...] = ()

    @staticmethod
    def of(spec: PlatformSpec, overrides: Sequence[Override] = ()) -> "Directory":
        return Directory(
            responders={each.name: each for each in spec.responders},
            channels={each.name: each for each in spec.channels},
            schedules={each.name: each for each in spec.schedules},
            overrides=of_declared(overrides, {each.name for each in spec.responders}),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One message to one contact. `key` is the same whenever it is computed: what was sent is never sent again."""

    key: str
    level: int
    round: int
    to: PageTarget
    """A responder or a channel."""
    contact: Contact
    due_at: datetime
    reached_at: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Nobody:
    """A target of a level that leads to no one: a gap of a schedule, or a name that is gone."""

    level: int
    round: int
    at: datetime
    target: PageTarget
    why: str


def pages(
    levels: Sequence[Reached], policy: EscalationPolicy, directory: Directory, urgency: Urgency
) -> tuple[Page | Nobody, ...]:
    """Everything that the levels lead to, sent or not, by the moment at which it is due."""
    found = [
        each
        for level in levels
        for target in policy.levels[level.level].targets
        for each in _of_target(level, target, directory, urgency)
    ]
    first = {each.key: each for each in reversed(found) if isinstance(each, Page)}
    once = [each for each in found if isinstance(each, Nobody) or first[each.key] is each]
    return tuple(sorted(once, key=_when))


def _when(found: Page | Nobody) -> datetime:
    return found.due_at if isinstance(found, Page) else found.at


def owed(found: Sequence[Page | Nobody], history: History, sent: frozenset[str], now: datetime) -> tuple[Page, ...]:
    """The pages that are due, were not sent, and were not made needless since."""
    known = tuple(each for each in history.moves if each.at <= now)
    silenced = max((each.at for each in known if each.move in _SILENCING), default=None)
    return tuple(
        each
        for each in found
        if isinstance(each, Page)
        and each.due_at <= now
        and each.key not in sent
        and (silenced is None or silenced < each.reached_at)
    )


def stands(page: Page, history: History) -> bool:
    """Whether nobody made it needless between the moment at which its level was reached and the one at which it is
    due."""
    return not any(page.reached_at <= each.at <= page.due_at for each in history.moves if each.move in _SILENCING)


def _of_target(level: Reached, target: PageTarget, directory: Directory, urgency: Urgency) -> Iterator[Page | Nobody]:
    match target.kind:
        case TargetKind.CHANNEL:
            channel = directory.channels.get(ChannelName(target.name))
            if channel is None:
                yield _nobody(level, target, "there is no such channel")
            else:
                yield _page(level, target, channel.contact, 0, level.at)
        case TargetKind.RESPONDER:
            yield from _of_responder(level, target, ResponderName(target.name), directory, urgency)
        case TargetKind.SCHEDULE:
            schedule = directory.schedules.get(ScheduleName(target.name))
            duty = None if schedule is None else on_duty(schedule, directory.overrides, level.at)
            if duty is None:
                yield _nobody(level, target, "nobody is on duty" if schedule else "there is no such schedule")
            else:
                yield from _of_responder(level, target, duty.responder, directory, urgency)


def _of_responder(
    level: Reached, target: PageTarget, name: ResponderName, directory: Directory, urgency: Urgency
) -> Iterator[Page | Nobody]:
    responder = directory.responders.get(name)
    if responder is None or not responder.contacts:
        yield _nobody(level, target, f"{name} has no contact" if responder else f"there is no responder {name}")
        return
    contacts = {each.name: each for each in responder.contacts}
    rules = responder.rules or tuple(NotifyRule(contact=each.name) for each in responder.contacts)
    to = PageTarget(kind=TargetKind.RESPONDER, name=name)
    for at, rule in enumerate(rules):
        contact = contacts.get(rule.contact)
        if contact is not None and rule.urgency in (None, urgency):
            due = level.at + timedelta(seconds=rule.after_s)
            if urgency is Urgency.LOW and responder.quiet_hours is not None:
                due = after_quiet_hours(responder.quiet_hours, ZoneInfo(responder.time_zone), due)
            yield _page(level, to, contact, at, due)


def after_quiet_hours(quiet: QuietHours, zone: ZoneInfo, due: datetime) -> datetime:
    """The moment itself, or the end of the quiet hours that it falls into."""
    today = due.astimezone(zone).date()
    for day in (today - timedelta(days=1), today):
        last = day if quiet.until > quiet.since else day + timedelta(days=1)
        begins, ends = moment(day, quiet.since, zone), moment(last, quiet.until, zone)
        if begins <= due < ends:
            return ends
    return due


def _page(level: Reached, to: PageTarget, contact: Contact, rule: int, due_at: datetime) -> Page:
    when = int(level.at.astimezone(UTC).timestamp() * 1000)
    return Page(
        key=f"{level.round}/{level.level}/{when}/{to.kind.value}/{to.name}/{contact.name}/{rule}",
        level=level.level,
        round=level.round,
        to=to,
        contact=contact,
        due_at=due_at,
        reached_at=level.at,
        why=level.why,
    )


def _nobody(level: Reached, target: PageTarget, why: str) -> Nobody:
    return Nobody(level=level.level, round=level.round, at=level.at, target=target, why=why)
