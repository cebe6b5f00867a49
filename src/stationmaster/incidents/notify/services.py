"""Tells by any service that Apprise knows, in a thread with a time limit."""

import asyncio
import logging
from concurrent.futures import Executor
from dataclasses import dataclass

import apprise

from stationmaster.core.response import Contact
from stationmaster.incidents.notify.message import Message, Occasion, body, headline
from stationmaster.incidents.notify.receipt import Receipt, delivered, failed, refused

_LIMIT_S = 30.0
_CALM = frozenset({Occasion.RESOLVED, Occasion.ACKNOWLEDGED, Occasion.UPDATE, Occasion.TASK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    threads: Executor
    limit_s: float = _LIMIT_S

    async def send(self, contact: Contact, message: Message, secret: str) -> Receipt:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.limit_s):
                return await loop.run_in_executor(self.threads, _deliver, secret or contact.address, message)
        except TimeoutError:
            return failed(f"the service took longer than {self.limit_s:g} s")


def _deliver(url: str, message: Message) -> Receipt:
    # What it logs may hold the URL, which is a secret.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    asset = apprise.AppriseAsset(app_id="Stationmaster", secure_logging=True, async_mode=False, storage_mode="memory")
    service = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if not isinstance(service, apprise.NotifyBase):
        return refused("Apprise knows no service of such a URL")
    kind = apprise.NotifyType.SUCCESS if message.occasion in _CALM else apprise.NotifyType.FAILURE
    try:
        taken = service.notify(body=body(message), title=headline(message), notify_type=kind)
    except (OSError, TypeError, ValueError, RuntimeError, LookupError, AttributeError) as error:
        return failed(f"the service {service.service_name} failed ({type(error).__name__})")
    if not taken:
        return failed(f"the service {service.service_name} did not take it")
    return delivered(f"taken by {service.service_name}")
