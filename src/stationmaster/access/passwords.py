"""Passwords: argon2id in threads, few at a time, and the same work whether there is a hash to compare with or not."""

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from stationmaster.core.problem import PlatformError

SHORTEST, LONGEST = 12, 256
"""Characters of a password."""

_FEWEST_DIFFERENT = 5
_FEWEST_BESIDE_NAME = 6
_AT_ONCE = 2
_MOST_WAITING = 16


class Passwords:
    """Hashes with the second recommendation of RFC 9106 (64 MiB, 3 passes): some 0.1 s of work for each."""

    def __init__(self, parameters: Parameters = RFC_9106_LOW_MEMORY) -> None:
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._stand_in = _hash_of_nothing(parameters)
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        async with self._turn():
            return await asyncio.to_thread(self._hasher.hash, _normal(password))

    async def verify(self, known: str | None, password: str) -> bool:
        """None, where nobody has the name, costs what a wrong password costs.

        Raises PlatformError `login-busy` when too many wait already.
        """
        async with self._turn():
            matches = await asyncio.to_thread(self._matches, known or self._stand_in, password)
        return matches and known is not None

    def outdated(self, known: str) -> bool:
        """Whether a hash was made with other parameters than those of now."""
        return self._hasher.check_needs_rehash(known)

    def _matches(self, known: str, password: str) -> bool:
        try:
            return self._hasher.verify(known, _normal(password))
        except (VerificationError, InvalidHashError):
            return False

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """A flood of logins gets neither all of the memory nor all of the processor."""
        if self._waiting >= _MOST_WAITING:
            raise PlatformError("login-busy", "too many logins at once", hint="try again in a few seconds", status=503)
        self._waiting += 1
        try:
            async with self._free:
                yield
        finally:
            self._waiting -= 1


def generate() -> str:
    """A password of 144 random bits."""
    return secrets.token_urlsafe(18)


def check_strength(name: str, password: str) -> None:
    """Raises PlatformError `weak-password`."""
    normal = _normal(password)
    if len(normal) < SHORTEST:
        why = f"has fewer than {SHORTEST} characters"
    elif len(normal) > LONGEST:
        why = f"has more than {LONGEST} characters"
    elif len(set(normal)) < _FEWEST_DIFFERENT:
        why = f"has fewer than {_FEWEST_DIFFERENT} different characters"
    elif len(normal.casefold().replace(name.casefold(), "")) < _FEWEST_BESIDE_NAME:
        why = "is hardly more than the name"
    else:
        return
    raise PlatformError("weak-password", f"the password {why}", hint="take a phrase of several words, or a random one")


def _normal(password: str) -> str:
    """The same text typed on another keyboard is the same password (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password.encode("utf-8", "replace").decode())


def _hash_of_nothing(parameters: Parameters) -> str:
    """Looks like a hash and costs what one costs; no password leads to it."""
    salt, tag = (
        base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
        for size in (parameters.salt_len, parameters.hash_len)
    )
    costs = f"m={parameters.memory_cost},t={parameters.time_cost},p={parameters.parallelism}"
    return f"$argon2id$v={parameters.version}${costs}${salt}${tag}"
