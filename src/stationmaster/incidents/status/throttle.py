"""Decides how long somebody has to wait who wants to subscribe: a bucket for each network, and one for all."""

import ipaddress
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float

    def wait_s(self, most: float, refill_s: float, now_s: float) -> float:
        self.tokens = min(most, self.tokens + (now_s - self.at_s) / refill_s)
        self.at_s = now_s
        return 0.0 if self.tokens >= 1 else (1 - self.tokens) * refill_s


@dataclass(slots=True, kw_only=True)
class Throttle:
    """A network may ask `burst` times at once and once more every `refill_s` seconds; all together `all_burst` times
    and once more every `all_refill_s`."""

    burst: int = 5
    refill_s: float = 60.0
    all_burst: int = 100
    all_refill_s: float = 3.0
    remembered: int = 10_000
    _networks: dict[str, _Bucket] = field(default_factory=dict)
    _all: _Bucket | None = None

    def wait_s(self, address: str, now_s: float) -> float:
        """0 admits and counts it. `now_s` is a monotonic clock."""
        name = _network(address)
        own = self._networks.pop(name, None) or _Bucket(self.burst, now_s)
        self._networks[name] = own  # the newest stands last; the oldest makes room
        if len(self._networks) > self.remembered:
            del self._networks[next(iter(self._networks))]
        whole = self._all = self._all or _Bucket(self.all_burst, now_s)
        wait_s = max(
            own.wait_s(self.burst, self.refill_s, now_s), whole.wait_s(self.all_burst, self.all_refill_s, now_s)
        )
        if wait_s == 0:
            own.tokens -= 1
            whole.tokens -= 1
        return wait_s


def _network(address: str) -> str:
    """One customer of a provider holds a whole /64 of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(parsed)
