"""The words for what may have gone wrong, as a run can test it: causes, and signs of them with a number to look at."""

from dataclasses import dataclass
from enum import Enum


class Bad(Enum):
    """When a number says that the sign is there."""

    ABOVE = "above"
    BELOW = "below"
    EQUAL = "equal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A number that stands for a sign: `query` is PromQL; it is bad where it is `bad` compared to `limit`. `name` and
    `unit` are how it is said, `factor` what it is multiplied with for that."""

    name: str
    query: str
    bad: Bad
    limit: float
    unit: str = ""
    factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """How a cause shows, in the words of the runbook. `measure` is what it is a sign of, where anything measures it;
    `told` says how the alert itself tells of it, `unseen` why it cannot be looked at."""

    text: str
    measure: str = ""
    gauge: Gauge | None = None
    told: str = ""
    unseen: str = ""
    phrases: tuple[str, ...] = ()
    """Words that checks print where it is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A cause of the runbook; `diagnosis` and `remedy` are addresses of steps."""

    title: str
    signs: tuple[Sign, ...] = ()
    diagnosis: tuple[str, ...] = ()
    remedy: tuple[str, ...] = ()
