"""Decides which message belongs to which moment of an incident: the runbook's own, else a neutral one."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from stationmaster.incidents.life import Status


class Moment(Enum):
    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    IDENTIFIED = "identified"
    UPDATE = "update"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    REVIEW = "review"


class Audience(Enum):
    PUBLIC = "public"
    """Users, on the status page."""
    RESPONDERS = "responders"
    """Those who work on it, in their channels."""


class Word(Enum):
    """How an update names the state of things, in the words of Statuspage."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    POSTMORTEM = "postmortem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text with places to fill in. `source` says where it stands, as `runbooks/down.md:220`; `every_s` how often it
    promises news; `later` that it is for failures that last."""

    moment: Moment
    text: str
    audience: Audience = Audience.PUBLIC
    title: str = ""
    source: str = ""
    every_s: float | None = None
    later: bool = False


OURS = "neutral words of Stationmaster"
NEUTRAL: tuple[Template, ...] = tuple(
    Template(moment=moment, text=text, source=OURS)
    for moment, text in (
        (Moment.OPENED, "We are investigating a problem with {{components}}. More news by {{next_update}}."),
        (Moment.ACKNOWLEDGED, "Somebody is working on the problem with {{components}}. More news by {{next_update}}."),
        (
            Moment.IDENTIFIED,
            "We know the cause of the problem with {{components}} and work on it. More news by {{next_update}}.",
        ),
        (Moment.UPDATE, "We are still working on the problem with {{components}}. More news by {{next_update}}."),
        (Moment.MITIGATED, "The problem with {{components}} no longer affects users. We keep watching it."),
        (Moment.RESOLVED, "The problem with {{components}} is resolved. It lasted {{duration}}."),
        (Moment.REVIEW, "The problem with {{components}} of {{since}} is reviewed. It lasted {{duration}}."),
    )
)
"""For what the runbook has no message; none of them says more than what is known of every incident."""

_WORDS = {
    Word.INVESTIGATING: Moment.UPDATE,
    Word.IDENTIFIED: Moment.IDENTIFIED,
    Word.MONITORING: Moment.MITIGATED,
    Word.RESOLVED: Moment.RESOLVED,
    Word.POSTMORTEM: Moment.REVIEW,
}
_STANDS_IN = {Moment.ACKNOWLEDGED: Moment.OPENED, Moment.IDENTIFIED: Moment.UPDATE}
"""Which message of a runbook serves as well where it has none of that moment."""


def word_of(status: Status, last: Word | None) -> Word:
    """How an update names the state unless somebody says otherwise: a cause that was found stays found."""
    match status:
        case Status.MITIGATED:
            return Word.MONITORING
        case Status.RESOLVED | Status.REVIEWED:
            return Word.RESOLVED
        case _:
            return Word.IDENTIFIED if last in (Word.IDENTIFIED, Word.MONITORING) else Word.INVESTIGATING


def moment_of(word: Word, *, first: bool, acknowledged: bool) -> Moment:
    """What an update is about: the first one of an incident opens it."""
    if word is Word.INVESTIGATING and first:
        return Moment.ACKNOWLEDGED if acknowledged else Moment.OPENED
    return _WORDS[word]


def choose(templates: Sequence[Template], moment: Moment) -> Template:
    """What users are told: the first that fits, the runbook's before a neutral one; what is for failures that last
    comes last."""
    ordered = sorted((each for each in templates if each.audience is Audience.PUBLIC), key=lambda each: each.later)
    for wanted in (moment, _STANDS_IN.get(moment)):
        found = next((each for each in ordered if each.moment is wanted), None)
        if found is not None:
            return found
    return next(each for each in NEUTRAL if each.moment is moment)


def for_responders(templates: Sequence[Template], moment: Moment) -> Template | None:
    """What the runbook wants those to be told who work on it."""
    found = (each for each in templates if each.audience is Audience.RESPONDERS and each.moment is moment)
    return next(found, None)


def cadence_s(templates: Sequence[Template], declared_s: float) -> float:
    """How often news are owed: as declared, or sooner where the runbook's message promises it."""
    promised = [each.every_s for each in templates if each.every_s is not None and each.every_s > 0]
    return min([declared_s, *promised])
