"""What the bytes of an answer amount to."""

from dataclasses import dataclass
from datetime import datetime

from stationmaster.monitor.answer import Fault


@dataclass(frozen=True, slots=True)
class Verdict:
    """As `ProbeAnswer`, before anybody looked at the clock."""

    ok: bool
    detail: str
    status: int | None = None
    certificate_ends: datetime | None = None
    fault: Fault | None = None


def broken(detail: str) -> Verdict:
    return Verdict(False, detail, fault=Fault.BROKEN)


CLOSED = broken("connection closed without an answer")


def told(text: str, most: int = 80) -> str:
    """A foreign text as far as a line of an alert holds it: printable, at most `most` characters."""
    plain = "".join(each if each.isprintable() else " " for each in text[: most + 1])
    return f"{plain[:most]}…" if len(plain) > most else plain
