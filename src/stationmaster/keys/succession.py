"""Decides which signing key comes after which: a new one is shown to everybody before it signs, and an old one stays
known until the last token that it signed has expired."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from stationmaster.keys.signing import KeySet, SigningAlgorithm, SigningKey
from stationmaster.keys.verify import LEEWAY_S

LEAD_S = 10
"""So long at least a new key is shown before it signs: whoever else checks tokens may keep the public keys so long."""

_KNOWN_AFTER_S = 2 * LEEWAY_S
"""Clocks of who issued and who checks may each be off by the leeway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    algorithm: SigningAlgorithm
    every: timedelta
    lead: timedelta = timedelta(seconds=LEAD_S)


@dataclass(frozen=True, slots=True)
class Make:
    """A new key; one that nobody has to be told of first signs at once."""

    at_once: bool


@dataclass(frozen=True, slots=True)
class Activate:
    """This key signs from now on, and every other one retires."""

    kid: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Nothing that these keys signed can still be alive."""

    kids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before that moment."""

    until: datetime


Step: TypeAlias = Make | Activate | Remove | Wait


def next_step(keys: KeySet, wanted: Wanted, now: datetime, *, published: bool) -> Step:
    """`published`: every gateway node has acknowledged all the public keys of `keys`."""
    over = tuple(key.kid for key in keys.keys if _is_over(key, wanted, now))
    if over:
        return Remove(over)
    signer, pending = keys.signer(now), _pending(keys)
    if pending is not None:
        ready = pending.created_at + wanted.lead
        if signer is None or (published and ready <= now):
            return Activate(pending.kid)
        return Wait(max(ready, now + timedelta(seconds=0.5)))
    if signer is None:
        return Make(at_once=True)
    if _is_due(signer, wanted, now):
        return Make(at_once=False)
    return Wait(_next_moment(keys, signer, wanted))


def known_until(key: SigningKey) -> datetime | None:
    """Until when tokens that a retired key signed may be alive."""
    return None if key.retired_at is None else key.retired_at + timedelta(seconds=key.lifetime_s + _KNOWN_AFTER_S)


def _is_over(key: SigningKey, wanted: Wanted, now: datetime) -> bool:
    end = known_until(key)
    never_signs = key.active_from is None and key.algorithm is not wanted.algorithm
    return never_signs or (end is not None and end <= now)


def _pending(keys: KeySet) -> SigningKey | None:
    waiting = [key for key in keys.keys if key.active_from is None and key.retired_at is None]
    return waiting[-1] if waiting else None


def _is_due(signer: SigningKey, wanted: Wanted, now: datetime) -> bool:
    started = signer.active_from or signer.created_at
    return signer.algorithm is not wanted.algorithm or started + wanted.every <= now


def _next_moment(keys: KeySet, signer: SigningKey, wanted: Wanted) -> datetime:
    ends = [end for key in keys.keys if (end := known_until(key)) is not None]
    return min([(signer.active_from or signer.created_at) + wanted.every, *ends])
