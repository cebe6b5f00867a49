"""Decides when somebody may try to log in: a token bucket for each address, growing pauses for each name."""

import ipaddress
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The first `free_tries` of a name cost no pause; then each failure doubles it, from `first_pause_s` to
    `longest_pause_s`. An address may try `burst` times at once and once more every `refill_s` seconds."""

    free_tries: int = 5
    first_pause_s: float = 1.0
    longest_pause_s: float = 300.0
    forgotten_after_s: float = 3600.0
    burst: int = 20
    refill_s: float = 6.0
    remembered: int = 10_000


@dataclass(frozen=True, slots=True)
class _Tries:
    count: int
    last_s: float


@dataclass(frozen=True, slots=True)
class _Bucket:
    tokens: float
    filled_s: float


class LoginThrottle:
    """Names that nobody has are treated as any other, so that a pause tells nothing. `now_s` is a monotonic clock."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._tries: dict[str, _Tries] = {}
        self._buckets: dict[str, _Bucket] = {}

    def admit(self, name: str, address: str, now_s: float) -> float:
        """Seconds to wait; 0 admits the try and counts it, before its outcome is known: tries at the same time share
        the pauses. A try that is not admitted counts for the address alone."""
        wait_s = max(self._address_wait_s(_network(address), now_s), self._name_wait_s(name, now_s))
        if wait_s == 0:
            _keep(self._tries, name, _Tries(self._count(name, now_s) + 1, now_s), self._limits.remembered)
        return wait_s

    def succeeded(self, name: str) -> None:
        self._tries.pop(name, None)

    def _address_wait_s(self, network: str, now_s: float) -> float:
        limits = self._limits
        known = self._buckets.get(network, _Bucket(limits.burst, now_s))
        tokens = min(float(limits.burst), known.tokens + (now_s - known.filled_s) / limits.refill_s)
        left = tokens - 1 if tokens >= 1 else tokens
        _keep(self._buckets, network, _Bucket(left, now_s), limits.remembered)
        return 0.0 if tokens >= 1 else (1 - tokens) * limits.refill_s

    def _name_wait_s(self, name: str, now_s: float) -> float:
        limits, failures = self._limits, self._count(name, now_s)
        if failures < limits.free_tries:
            return 0.0
        # The exponent is bounded: a float overflows at 2**1024.
        pause_s = min(limits.longest_pause_s, limits.first_pause_s * 2.0 ** min(failures - limits.free_tries, 64))
        return max(0.0, self._tries[name].last_s + pause_s - now_s)

    def _count(self, name: str, now_s: float) -> int:
        known = self._tries.get(name)
        return 0 if known is None or now_s - known.last_s > self._limits.forgotten_after_s else known.count


def _keep(table: dict[str, T], key: str, value: T, most: int) -> None:
    """The newest stands last; the oldest makes room."""
    table.pop(key, None)
    table[key] = value
    if len(table) > most:
        del table[next(iter(table))]


def _network(address: str) -> str:
    """One customer of a provider holds a whole /64 of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped
        return str(ipaddress.ip_network((int(parsed), 64), strict=False)) if inner is None else str(inner)
    return str(parsed)
