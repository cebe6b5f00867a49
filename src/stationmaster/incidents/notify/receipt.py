"""What a notifier says of a message that it was given, and what every notifier is."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from stationmaster.core.response import Contact
from stationmaster.incidents.notify.message import Message


class Delivery(Enum):
    DELIVERED = "delivered"
    FAILED = "failed"
    """It may work later."""
    REFUSED = "refused"
    """Trying again cannot help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """`detail` is for people and never has a secret in it; nothing is tried again before `retry_after_s`."""

    delivery: Delivery
    detail: str = ""
    retry_after_s: float = 0.0


class Notifier(Protocol):
    """Sends within its time limit and answers with a receipt whatever happens out there. `secret` is what stands in
    the contact's file, read for this one message; empty where the contact has none."""

    async def send(self, contact: Contact, message: Message, secret: str) -> Receipt: ...


def delivered(detail: str = "") -> Receipt:
    return Receipt(delivery=Delivery.DELIVERED, detail=detail)


def failed(detail: str, *, retry_after_s: float = 0.0) -> Receipt:
    return Receipt(delivery=Delivery.FAILED, detail=detail, retry_after_s=retry_after_s)


def refused(detail: str) -> Receipt:
    return Receipt(delivery=Delivery.REFUSED, detail=detail)
