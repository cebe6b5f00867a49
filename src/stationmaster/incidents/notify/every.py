"""Every way to tell somebody, by the kind of the contact; reads the secret of a contact for each message."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Contact, ContactKind, Smtp
from stationmaster.incidents.notify.mail import Mail
from stationmaster.incidents.notify.message import Message
from stationmaster.incidents.notify.outbox import Outbox
from stationmaster.incidents.notify.pagerduty import PagerDuty
from stationmaster.incidents.notify.receipt import Delivery, Notifier, Receipt, failed
from stationmaster.incidents.notify.secrets import read_secret
from stationmaster.incidents.notify.services import Services
from stationmaster.incidents.notify.slack import Slack
from stationmaster.incidents.notify.webhook import Webhook

_THREADS = 16
KNOWS_AGAIN = frozenset({ContactKind.PAGERDUTY, ContactKind.WEBHOOK, ContactKind.OUTBOX})
"""Kinds whose receivers know a message again by its key: a second sending does no harm."""


@dataclass(frozen=True, slots=True)
class Every:
    notifiers: Mapping[ContactKind, Notifier]

    async def send(self, contact: Contact, message: Message) -> Receipt:
        """What cannot be sent now, for whatever reason, is a receipt that says so, without the secret."""
        try:
            secret = "" if contact.secret_file is None else await asyncio.to_thread(read_secret, contact.secret_file)
            receipt = await self.notifiers[contact.kind].send(contact, message, secret)
        except PlatformError as error:
            return failed(error.message)
        except (httpx.HTTPError, OSError, ValueError) as error:
            return failed(f"it could not be sent ({type(error).__name__})")
        return _without(receipt, secret)


def _without(receipt: Receipt, secret: str) -> Receipt:
    if not secret or secret not in receipt.detail:
        return receipt
    detail = receipt.detail.replace(secret, "…")
    return Receipt(delivery=Delivery(receipt.delivery), detail=detail, retry_after_s=receipt.retry_after_s)


def every_notifier(smtp: Callable[[], Smtp | None], *, outbox: Path | None = None) -> Every:
    """`smtp` tells the server that is declared at the moment; `outbox` is the folder of the outboxes."""
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="notify")
    services = Services(threads=threads)
    return Every(
        {
            ContactKind.EMAIL: Mail(smtp=smtp, threads=threads),
            ContactKind.SLACK: Slack(),
            ContactKind.WEBHOOK: Webhook(),
            ContactKind.PAGERDUTY: PagerDuty(),
            ContactKind.APPRISE: services,
            ContactKind.OUTBOX: Outbox(outbox),
        }
    )
