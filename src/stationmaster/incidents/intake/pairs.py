"""Reads labels and annotations from their JSON: the same ones are sent again every minute, and are read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from stationmaster.incidents.intake.fingerprints import fingerprint
from stationmaster.incidents.intake.foreign import cleaned, kept, wrong_with, wrong_with_annotations

_REMEMBERED = 16_384
_SHORT_BYTES = 1_024
"""What is longer is read each time: a few odd senders must not fill the memory."""

NO_PAIRS = msgspec.Raw(b"{}")
_PAIRS = msgspec.json.Decoder(dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """`key` is the fingerprint. The pairs are shared: nobody may change them."""

    key: str
    pairs: Mapping[str, str]


def labels(raw: msgspec.Raw) -> Labels:
    """Raises ValueError, of which msgspec's refusals are a kind."""
    text = bytes(raw)
    return _labels(text) if len(text) <= _SHORT_BYTES else _labels.__wrapped__(text)


def annotations(raw: msgspec.Raw) -> Mapping[str, str]:
    """Raises ValueError."""
    text = bytes(raw)
    return _annotations(text) if len(text) <= _SHORT_BYTES else _annotations.__wrapped__(text)


@lru_cache(maxsize=_REMEMBERED)
def _labels(text: bytes) -> Labels:
    pairs = cleaned(_PAIRS.decode(text))
    wrong = wrong_with(pairs)
    if wrong:
        raise ValueError(wrong)
    return Labels(key=fingerprint(pairs), pairs=pairs)


@lru_cache(maxsize=_REMEMBERED)
def _annotations(text: bytes) -> Mapping[str, str]:
    given = _PAIRS.decode(text)
    wrong = wrong_with_annotations(given)
    if wrong:
        raise ValueError(wrong)
    return kept(given)
