"""What a page or notice says, for people: the same words by every way."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_TITLE_CHARACTERS, _SUMMARY_CHARACTERS = 200, 2000
_TEXT_CHARACTERS = 8000


class Occasion(Enum):
    PAGE = "page"
    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    OVERDUE = "overdue"
    """A page of the incident should have been sent and was not."""
    UPDATE = "update"
    UPDATE_OWED = "update owed"
    """News of the incident should have been given and were not."""
    APPROVAL = "approval"
    """A risky step of its runbook waits for a yes."""
    DIAGNOSIS = "diagnosis"
    """Its run has found out what is likely wrong."""
    ON_CALL_GAP = "on-call gap"
    """Nobody is on duty soon; it is about no incident."""
    TASK = "task"
    """Somebody is reminded of what an incident left to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One alert of the incident."""

    fingerprint: str
    labels: Mapping[str, str]
    summary: str
    firing: bool
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`key` tells the same message again; `group` is the same for all of one incident. `acknowledge` is a link that
    only its reader has, empty where nobody can acknowledge. `level` counts from 1; 0 is no level."""

    occasion: Occasion
    key: str
    group: str
    number: int
    title: str
    severity: str
    urgency: str
    status: str
    service: str
    environment: str
    region: str = ""
    instance: str = ""
    url: str = ""
    summary: str = ""
    since: datetime
    level: int = 0
    why: str = ""
    link: str = ""
    acknowledge: str = ""
    maybe_second: bool = False
    text: str = ""
    """What is told in several lines: an update, or the draft of one."""
    alerts: tuple[Shown, ...] = field(default_factory=tuple)
    diagnosis: str = ""
    """What was found out, in several lines; empty while nothing is."""
    approve: str = ""
    """A link of its reader alone to the step that waits for a yes."""


def plain(text: str, limit: int = _SUMMARY_CHARACTERS) -> str:
    """Without control characters and marks that turn the direction of writing; cut with a mark."""
    clean = _CONTROLS.sub(" ", text)
    return clean if len(clean) <= limit else f"{clean[: limit - 1]}…"


def one_line(text: str, limit: int = _TITLE_CHARACTERS) -> str:
    return plain(" ".join(text.split()), limit)


def told(message: Message) -> str:
    """What stands between the headline and the details."""
    return plain(message.text or message.summary, _TEXT_CHARACTERS if message.text else _SUMMARY_CHARACTERS)


def headline(message: Message) -> str:
    """One line: which incident, how bad, what."""
    said = {
        Occasion.PAGE: message.severity.upper() or "PAGE",
        Occasion.OPENED: "OPENED",
        Occasion.ACKNOWLEDGED: "ACKNOWLEDGED",
        Occasion.RESOLVED: "RESOLVED",
        Occasion.OVERDUE: "PAGE OVERDUE",
        Occasion.UPDATE: "UPDATE",
        Occasion.UPDATE_OWED: "UPDATE OWED",
        Occasion.APPROVAL: "APPROVAL WANTED",
        Occasion.DIAGNOSIS: "DIAGNOSIS",
        Occasion.ON_CALL_GAP: "NOBODY ON CALL",
        Occasion.TASK: "TASK",
    }[message.occasion]
    number = f"#{message.number} " if message.number else ""
    return one_line(f"[{said}] {number}{message.title}")


def details(message: Message) -> list[tuple[str, str]]:
    """What is known, by name; what is not known is left out."""
    level = f"level {message.level}" if message.level else ""
    found = [
        ("Severity", f"{message.severity}, urgency {message.urgency}"),
        ("Status", message.status),
        ("Service", message.service),
        ("Environment", message.environment),
        ("Region", message.region),
        ("Instance", message.instance),
        ("URL", message.url),
        ("Since", message.since.strftime("%Y-%m-%d %H:%M:%S UTC")),
        ("Paged", ": ".join(filter(None, (level, message.why)))),
    ]
    return [(name, one_line(value, 500)) for name, value in found if value]


def body(message: Message) -> str:
    """The whole text, without markup."""
    lines = [headline(message), ""]
    if message.maybe_second:
        lines += ["This may be the second time that you read this: the first sending was cut off.", ""]
    if told(message):
        lines += [told(message), ""]
    if message.diagnosis:
        lines += ["Diagnosis", plain(message.diagnosis, _TEXT_CHARACTERS), ""]
    lines += [f"{name + ':':<13}{value}" for name, value in details(message)]
    lines += [f"{'Incident:':<13}{message.link}"] if message.link else []
    lines += ["", f"Allow or leave out: {message.approve}"] if message.approve else []
    lines += ["", f"Acknowledge: {message.acknowledge}"] if message.acknowledge else []
    return "\n".join(lines) + "\n"
