"""What one check of one instance said."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Fault(Enum):
    """Why no answer came at all."""

    REFUSED = "refused"
    """The machine is there, and nobody listens."""
    UNREACHABLE = "unreachable"
    """No connection came about in time, or there is no way to the machine."""
    SILENT = "silent"
    """Somebody took the connection, and no answer came in time."""
    BROKEN = "broken"
    """The connection ended too early, or what came is not of the protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeAnswer:
    """`detail` says in words what came ("status 503", "connection refused"); `latency_ms` covers the whole check.

    `status` is that of an HTTP answer; `certificate_ends` is when the server's certificate expires; `fault` is None
    where an answer came, good or bad.
    """

    ok: bool
    detail: str
    latency_ms: float
    at: datetime
    status: int | None = None
    certificate_ends: datetime | None = None
    fault: Fault | None = None
