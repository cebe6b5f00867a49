"""Stable ids of what the page shows: they tell nothing of what is behind them."""

import hashlib
import secrets

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_LENGTH = 12


def id_of(*names: str) -> str:
    """The same names give the same id, on every page and after every start."""
    number = int.from_bytes(hashlib.sha256("\0".join(names).encode()).digest()[:8])
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_LENGTH))


def fresh_id() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def page_id(environment: str) -> str:
    return id_of("page", environment)


def component_id(environment: str, name: str) -> str:
    return id_of("component", environment, name)
