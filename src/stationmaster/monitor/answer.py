"""What one check of one instance said."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeAnswer:
    """`detail` says in words what came ("status 503", "connection refused"); `latency_ms` covers the whole check."""

    ok: bool
    detail: str
    latency_ms: float
    at: datetime
