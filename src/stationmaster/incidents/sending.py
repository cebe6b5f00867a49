"""Decides what becomes of a message that was sent or was cut off meanwhile: done, tried again later, or given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

from stationmaster.incidents.notify.receipt import Delivery, Receipt

_AT_ONCE, _OFTEN = 3, 10
"""So many attempts that were cut off are made again without a pause; after so many, time counts as well."""


class CutOff(Enum):
    """What is done with a message that was being sent when the process ended: it may have arrived."""

    AGAIN = "again"
    """Better twice than never: an attempt as any other."""
    NEVER = "never"
    """Better never than twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a message is tried, and with which pauses: they double from the first to the longest."""

    first_wait_s: float
    longest_wait_s: float
    tried_for: timedelta | None = None
    most_attempts: int | None = None
    cut_off: CutOff = CutOff.AGAIN

    def wait_s(self, attempts: int) -> float:
        """How long until it is tried again, after so many attempts."""
        return min(self.first_wait_s * 2.0 ** min(max(attempts, 1) - 1, 16), self.longest_wait_s)

    def is_enough(self, tried: "Tried", now: datetime) -> bool:
        many = self.most_attempts is not None and tried.attempts >= self.most_attempts
        return many or (self.tried_for is not None and now - tried.since >= self.tried_for)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How often, with the attempt that is under way, and since when."""

    attempts: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """`doubtful`: it may have arrived."""

    at: datetime
    detail: str = ""
    doubtful: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """`cut_off`: by an end of the process, not by the receiver."""

    detail: str
    cut_off: bool = False


Ending: TypeAlias = Sent | Again | GivenUp


def ending(patience: Patience, tried: Tried, receipt: Receipt, now: datetime) -> Ending:
    if receipt.delivery is Delivery.DELIVERED:
        return Sent(detail=receipt.detail)
    if receipt.delivery is Delivery.REFUSED or patience.is_enough(tried, now):
        return GivenUp(detail=receipt.detail)
    wait = timedelta(seconds=max(patience.wait_s(tried.attempts), receipt.retry_after_s))
    return Again(at=now + wait, detail=receipt.detail)


def after_cut_off(patience: Patience, tried: Tried, now: datetime) -> Again | GivenUp:
    """Time alone, most of which nothing may have run in, gives up nothing: it is tried once more. What is cut off again
    and again may be what ends the process: it gets pauses."""
    if patience.cut_off is CutOff.NEVER:
        return GivenUp(detail="the process ended while it was being sent", cut_off=True)
    most = _OFTEN if patience.most_attempts is None else patience.most_attempts
    if tried.attempts >= most and patience.is_enough(tried, now):
        return GivenUp(detail="cut off while it was being sent, once too often", cut_off=True)
    wait_s = 0.0 if tried.attempts <= _AT_ONCE else patience.wait_s(tried.attempts)
    return Again(at=now + timedelta(seconds=wait_s), doubtful=True)
