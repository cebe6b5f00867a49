"""Tells by a file in the state folder and a line in the log: for a platform that has nobody outside to tell."""

import asyncio
import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from stationmaster.core.response import Contact
from stationmaster.incidents.notify.message import Message, body, headline
from stationmaster.incidents.notify.receipt import Receipt, delivered, refused
from stationmaster.runtime.files import write_private

BOX = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
"""What a box may be called; it is a folder."""
_KEPT = 200
"""Messages of a box; the oldest go."""

log = structlog.get_logger("outbox")


@dataclass(frozen=True, slots=True)
class Outbox:
    """Each box is a folder below `root`, each message a file that only the owner of the platform may read: it may have
    a link in it that acknowledges. The same message is written once. None: there is no state folder."""

    root: Path | None

    async def send(self, contact: Contact, message: Message, secret: str) -> Receipt:
        if self.root is None or BOX.fullmatch(contact.address) is None:
            return refused("there is no such outbox")
        fresh = await asyncio.to_thread(_keep, self.root / contact.address, message)
        if fresh is None:
            return delivered("it was written before")
        log.info("message", to=contact.address, said=headline(message))
        return delivered(f"written to {fresh.parent.name}/{fresh.name}")


def messages_in(root: Path) -> Sequence[Path]:
    """Of all boxes, the oldest first."""
    return sorted(root.glob("*/*.txt"), key=lambda each: each.name)


def _keep(box: Path, message: Message) -> Path | None:
    """None where it stands there already. Raises OSError."""
    mark = hashlib.sha256(message.key.encode()).hexdigest()[:12]
    standing = sorted(box.glob("*.txt"))
    if any(each.stem.endswith(f"-{mark}") for each in standing):
        return None
    path = box / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{mark}.txt"
    write_private(path, body(message).encode())
    for each in standing[: max(0, len(standing) + 1 - _KEPT)]:
        with suppress(OSError):
            each.unlink()
    return path
