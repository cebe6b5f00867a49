"""The book of API keys that hold now, kept in the shards that gateway nodes are given; a change touches one shard."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from stationmaster.core.names import UserName
from stationmaster.core.proofs import ApiKeyProof, shard_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A key and until when it holds; None is for ever."""

    proof: ApiKeyProof
    expires_at: datetime | None = None


@dataclass(slots=True)
class Book:
    """Keys of declared users. `shards` gives the same tuple for a shard as long as nothing in it changed."""

    _held: dict[str, Held] = field(default_factory=dict, repr=False)
    _of_user: dict[UserName, set[str]] = field(default_factory=lambda: defaultdict(set), repr=False)
    _in_shard: dict[str, dict[str, ApiKeyProof]] = field(default_factory=lambda: defaultdict(dict), repr=False)
    _shards: dict[str, tuple[ApiKeyProof, ...]] = field(default_factory=dict, repr=False)
    _touched: set[str] = field(default_factory=set)
    _expiries: list[tuple[datetime, str]] = field(default_factory=list)

    def put(self, keys: Iterable[Held]) -> None:
        """Adds keys; one that is there is replaced. Text that is no key of ours is left out: no shard holds it."""
        for each in keys:
            shard, key_id = shard_of(each.proof.key), each.proof.key_id
            if not shard:
                continue
            self._held[key_id] = each
            self._of_user[each.proof.user].add(key_id)
            self._in_shard[shard][key_id] = each.proof
            self._touched.add(shard)
            if each.expires_at is not None:
                heapq.heappush(self._expiries, (each.expires_at, key_id))

    def drop(self, key_ids: Iterable[str]) -> None:
        for key_id in tuple(key_ids):
            held = self._held.pop(key_id, None)
            if held is None:
                continue
            shard = shard_of(held.proof.key)
            del self._in_shard[shard][key_id]
            self._touched.add(shard)
            self._of_user[held.proof.user].discard(key_id)
            if not self._of_user[held.proof.user]:
                del self._of_user[held.proof.user]

    def end(self, key_id: str, expires_at: datetime | None) -> None:
        """Another end for a key that is there; its shard stays as it is until then."""
        if key_id in self._held:
            self._held[key_id] = replace(self._held[key_id], expires_at=expires_at)
            if expires_at is not None:
                heapq.heappush(self._expiries, (expires_at, key_id))

    def holds(self, key_id: str) -> bool:
        return key_id in self._held

    def drop_user(self, user: UserName) -> None:
        self.drop(self._of_user.get(user, ()))

    def expire(self, now: datetime) -> None:
        """Takes out what holds no longer."""
        while self._expiries and self._expiries[0][0] <= now:
            _, key_id = heapq.heappop(self._expiries)
            held = self._held.get(key_id)
            if held is not None and held.expires_at is not None and held.expires_at <= now:
                self.drop((key_id,))

    @property
    def next_expiry(self) -> datetime | None:
        """No key stops holding by itself before that moment."""
        return self._expiries[0][0] if self._expiries else None

    def shards(self) -> Mapping[str, tuple[ApiKeyProof, ...]]:
        """What there is now; empty shards are left out."""
        if self._touched:
            shards = dict(self._shards)
            for shard in self._touched:
                proofs = tuple(self._in_shard.get(shard, {}).values())
                shards.pop(shard, None)
                if proofs:
                    shards[shard] = proofs
            self._shards, self._touched = shards, set()
        return self._shards
