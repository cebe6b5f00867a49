"""Computes the fingerprint of a set of labels as Prometheus and Alertmanager do."""

from collections.abc import Mapping
from functools import lru_cache

_OFFSET, _PRIME, _64_BITS = 14695981039346656037, 1099511628211, (1 << 64) - 1
_REMEMBERED = 20_000
_SEPARATOR = b"\xff"


def fingerprint(labels: Mapping[str, str]) -> str:
    """FNV-1a of 64 bits over names and values in the order of the names, each ended by a byte that no UTF-8 has
    (`LabelSet.Fingerprint` of prometheus/common)."""
    return _digest(b"".join(_ended(name) + _ended(labels[name]) for name in sorted(labels)))


@lru_cache(maxsize=_REMEMBERED)
def _digest(text: bytes) -> str:
    """The same alerts are sent again every minute."""
    found = _OFFSET
    for byte in text:
        found = ((found ^ byte) * _PRIME) & _64_BITS
    return f"{found:016x}"


def _ended(text: str) -> bytes:
    return text.encode() + _SEPARATOR
