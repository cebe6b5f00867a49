"""When API keys were last used: what nodes tell is known at once, and is stored at most once a minute for each key."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from stationmaster.keys.credentials import ApiKey

_STORED_EVERY = timedelta(minutes=1)
_MOST_STRANGERS = 1_000


@dataclass(slots=True)
class Uses:
    """`holds` says whether a key of this id holds now. One that has just ended may still be told of; one that never was
    is nobody's: of those only so many are remembered, and the store does not find them."""

    holds: Callable[[str], bool]
    _waiting: dict[str, datetime] = field(default_factory=dict)
    _stored: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    """The last use that was stored, and when that was done; forgotten after a minute."""

    def note(self, key_id: str, at: datetime) -> None:
        if key_id not in self._waiting and len(self._waiting) >= _MOST_STRANGERS and not self.holds(key_id):
            return
        known = self._latest(key_id)
        if known is None or known < at:
            self._waiting[key_id] = at

    def due(self, now: datetime) -> Mapping[str, datetime]:
        """What is to be stored now, by the id of the key."""
        for key_id in [each for each, (_, stored_at) in self._stored.items() if stored_at <= now - _STORED_EVERY]:
            del self._stored[key_id]
        return {key_id: at for key_id, at in self._waiting.items() if key_id not in self._stored}

    def waiting(self) -> Mapping[str, datetime]:
        """All that is not stored, due or not."""
        return dict(self._waiting)

    def stored(self, uses: Mapping[str, datetime], now: datetime) -> None:
        for key_id, at in uses.items():
            self._stored[key_id] = (at, now)
            if self._waiting.get(key_id) == at:
                del self._waiting[key_id]

    def known(self, keys: Iterable[ApiKey]) -> tuple[ApiKey, ...]:
        """Keys as they are stored, with the uses that are not stored yet."""
        return tuple(map(self._with_use, keys))

    def _with_use(self, key: ApiKey) -> ApiKey:
        at = self._waiting.get(key.id)
        if at is None or (key.last_used_at is not None and key.last_used_at >= at):
            return key
        return replace(key, last_used_at=at)

    def _latest(self, key_id: str) -> datetime | None:
        stored = self._stored.get(key_id)
        return self._waiting.get(key_id, stored[0] if stored else None)
