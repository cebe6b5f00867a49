"""Makes the draft of an update from the timeline since the last one: what is known, and nothing else."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from stationmaster.incidents.life import Status
from stationmaster.incidents.notify.message import one_line
from stationmaster.incidents.status.neutral import listed
from stationmaster.incidents.talk.moments import Moment, Template, Word, choose, for_responders, moment_of, word_of
from stationmaster.incidents.talk.places import Filled, duration_text, fill, moment_text
from stationmaster.incidents.timeline import Entry

UTC = ZoneInfo("UTC")
_DEEDS = re.compile(
    r"target\.|instance\.restarted|run\.(?:started|ended|declined)|note$|status\.posted|fault\.injected"
    r"|incident\.(?:acknowledged|mitigated|resolved|reopened|escalated|assigned|raised|merged|split|recovered|correlated)"
    r"|page\.(?:level|lapsed|nobody)|approval\."
)
"""What people are told of; that a message was sent is none of it."""
_MOST_LINES, _LINE_CHARACTERS, _MOST_FIRING = 10, 240, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that drafts are made from. `update_at` is when the last update was given, `word` what it said; `entries` is
    the whole timeline; `firing` are the summaries of alerts that fire."""

    number: int
    title: str
    status: Status
    severity: str
    service: str
    environment: str
    region: str
    instance: str
    url: str
    since: datetime
    ended_at: datetime | None = None
    update_at: datetime | None = None
    word: Word | None = None
    next_at: datetime | None = None
    entries: Sequence[Entry] = ()
    firing: Sequence[str] = ()
    at_work: Sequence[str] = ()
    zone: ZoneInfo = UTC
    components: tuple[str, ...] = ()
    """What users call the parts that suffer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """`text` is for responders, made from the timeline behind what the runbook says to them; `public` is for users,
    from a template."""

    word: Word
    moment: Moment
    text: str
    public: Filled


def draft(known: Known, templates: Sequence[Template], now: datetime, word: Word | None = None) -> Draft:
    """`word` is how somebody wants the state to be named."""
    said = word or word_of(known.status, known.word)
    moment = moment_of(said, first=known.update_at is None, acknowledged=known.status is Status.ACKNOWLEDGED)
    theirs = for_responders(templates, moment)
    words = "" if theirs is None else f"{fill(theirs.text, values_of(known, now)).text}\n"
    text = f"{words}{_text(known, now)}"
    return Draft(word=said, moment=moment, text=text, public=message(known, templates, moment, now))


def message(known: Known, templates: Sequence[Template], moment: Moment, now: datetime) -> Filled:
    """What users are told at that moment."""
    chosen = choose(templates, moment)
    shown = {"components": listed(known.components), "service": listed(known.components or (known.service,))}
    return fill(chosen.text, {**values_of(known, now), **shown}, source=chosen.source)


def worded(word: Word, text: str) -> str:
    """An update as it is told."""
    return f"{word.value.capitalize()}: {text}"


def values_of(known: Known, now: datetime) -> Mapping[str, str]:
    """By plain name; empty where it is not known."""
    return {
        "number": f"#{known.number}",
        "title": one_line(known.title),
        "status": known.status.value,
        "severity": known.severity,
        "service": known.service,
        "environment": known.environment,
        "region": known.region,
        "instance": known.instance,
        "url": known.url,
        "since": moment_text(known.since, known.zone, now),
        "duration": duration_text((known.ended_at or now) - known.since),
        "now": moment_text(now, known.zone, now),
        "next_update": "" if known.next_at is None else moment_text(known.next_at, known.zone, now),
    }


def _text(known: Known, now: datetime) -> str:
    lasts = duration_text((known.ended_at or now) - known.since)
    since = moment_text(known.since, known.zone, now)
    for_ = "lasted" if known.status.is_over else "for"
    lines = [f"{known.status.value}, {known.severity}, since {since}, {for_} {lasts}"]
    lines += [_firing(known)] if known.firing else []
    lines += [f"At work: {', '.join(known.at_work)}"] if known.at_work else []
    lines += _done(known, now)
    lines += [] if known.status.is_over else _next(known, now)
    return "\n".join(lines)


def _firing(known: Known) -> str:
    told = "; ".join(one_line(each, _LINE_CHARACTERS) for each in known.firing[:_MOST_FIRING])
    more = len(known.firing) - _MOST_FIRING
    return f"Firing: {told}{f'; and {more} more' if more > 0 else ''}"


def _done(known: Known, now: datetime) -> list[str]:
    """What happened since the last update, the latest last."""
    base = known.update_at
    found = [each for each in known.entries if _DEEDS.match(each.kind) and (base is None or each.at > base)]
    head = "Since the last update:" if base is not None else "Until now:"
    if not found:
        return [f"{head} nothing new"]
    left = len(found) - _MOST_LINES
    lines = [
        f"- {moment_text(each.at, known.zone, now)} {each.by}: {one_line(each.text, _LINE_CHARACTERS)}"
        for each in found[-_MOST_LINES:]
    ]
    return [head, *([f"- {left} earlier lines stand in the timeline"] if left > 0 else []), *lines]


def _next(known: Known, now: datetime) -> list[str]:
    running = under_way(known.entries)
    lines = [f"Under way: {'; '.join(one_line(each, _LINE_CHARACTERS) for each in running)}"] if running else []
    if known.status is Status.TRIGGERED:
        lines.append("Nobody has acknowledged it")
    if known.next_at is not None:
        lines.append(f"Next update: {moment_text(known.next_at, known.zone, now)}")
    return lines


def under_way(entries: Sequence[Entry]) -> tuple[str, ...]:
    """The runs that have not ended; by name where none has, as the end of one does not name it."""
    started = [each.text for each in entries if each.kind == "run.started"]
    ended = sum(each.kind == "run.ended" for each in entries)
    left = len(started) - ended
    if left <= 0:
        return ()
    return tuple(started) if not ended else (f"{left} of {len(started)} runs of runbooks",)
