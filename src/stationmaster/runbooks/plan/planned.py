"""The words of a plan: a flat list of steps, each with what is done, when, by what risk, and with which values."""

import re
from dataclasses import dataclass
from enum import Enum

from stationmaster.runbooks.diagnosis.suspects import Suspect
from stationmaster.runbooks.read.document import Caution, Condition, Expectation, PlatformAction
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.risk import Risk
from stationmaster.runbooks.values import BoundPlace

THE_PART_BEFORE = "<the part before>"
"""Stands for the key of a step that has none yet."""
OF_BALANCERS = frozenset({PlatformAction.TARGET_REMOVE, PlatformAction.TARGET_ADD})
"""What changes where requests go, and nothing in the instance itself."""


class PlannedKind(Enum):
    CHECK = "check"
    ACTION = "action"
    WAIT = "wait"
    MANUAL = "manual"
    ESCALATE = "escalate"
    NEEDLESS = "needless"
    """What a person would click or look up and the platform has at hand."""


class Effect(Enum):
    """What a run does for a step."""

    NONE = "none"
    COMMAND = "command"
    """`script` with its places filled in."""
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """`name` is given the first group (or all) of what `regex` matches in the output; without one, the whole output."""

    name: str
    regex: str = ""


class JumpWhen(Enum):
    ALWAYS = "always"
    PASSED = "passed"
    FAILED = "failed"
    ASKED = "asked"
    """Only a person can say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """Goes on at the step whose address is `target`; `text` is how the document says so."""

    when: JumpWhen
    target: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One thing to do or to look at. `key` is the step's address in the runbook, with a letter where one step of the
    runbook became several. A step with a `refusal` is never done; it asks for a person."""

    key: str
    title: str
    lines: Lines
    kind: PlannedKind
    effect: Effect = Effect.NONE
    conditions: tuple[Condition, ...] = ()
    unless_passed: str = ""
    """Key of a step after whose success this one has nothing to do."""
    risk: Risk = Risk.READ
    acts: PlatformAction | None = None
    """What the command does to the instance that the run is about, or to its targets."""
    says: str = ""
    """What the document says where something else is run in its place."""
    expectations: tuple[Expectation, ...] = ()
    health: bool = False
    """Whether its verdict says that the instance works."""
    note: str = ""
    level: int = 0
    contacts: tuple[str, ...] = ()
    timeout_s: float = 10.0
    tries: int = 1
    """How often it is tried; 0 means as often as `limit_s` allows."""
    limit_s: float = 0.0
    after: str = ""
    """Key of the change whose effect is waited for; when that was not made, one try is enough."""
    on_failure: str = "continue"
    refusal: str = ""
    why: str = ""
    script: str = ""
    """Shell text with its places as the document writes them."""
    command: str = ""
    """The same to be shown: places filled in as far as they are known, secrets left out."""
    places: tuple[BoundPlace, ...] = ()
    captures: tuple[Capture, ...] = ()
    keeps: tuple[str, ...] = ()
    """Shell variables (and PWD) that later steps get from this one."""
    cautions: tuple[Caution, ...] = ()
    session: str = ""
    """The command that opened the session which this one belongs to."""
    section: str = ""
    """What it may run together with: steps of one section."""
    jumps: tuple[Jump, ...] = ()
    verify: str = ""
    """Shell text whose success says that the change was made."""
    rollback: str = ""
    rolls_back: str = ""
    """Key of the change that this step takes back, when that or its verification failed."""
    declared: str = ""
    """The class that the author gave it."""
    second_person: bool = False
    asks: str = ""
    """Why it will ask a person; empty where it runs by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`instance` and `service` are empty where no platform knows what the run is about."""

    runbook: str
    digest: str
    instance: str
    service: str
    steps: tuple[PlannedStep, ...]
    suspects: tuple[Suspect, ...] = ()
    """What may have gone wrong, where the run is to find out."""


def is_of(key: str, address: str) -> bool:
    """Whether a planned step stands for the address, is a part of it or stands below it."""
    return bool(re.fullmatch(rf"{re.escape(address)}(?:[a-z]\d*)*(?:\..*)?", key))
