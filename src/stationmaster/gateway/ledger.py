"""Follows one stream between a node and the control plane, and says what the node holds: what it acknowledged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from stationmaster.gateway.snapshot import Kind

_EVERYTHING = "*"
Row = tuple[str, str, bytes]
"""Name, version and serialised body of a resource."""


class Keeper(Protocol):
    """What the ledger needs of the record on disk."""

    def put(self, kind: str, rows: Iterable[Row]) -> None: ...

    def drop(self, kind: str, names: Iterable[str]) -> None: ...

    def keep_only(self, held: Mapping[str, Iterable[str]]) -> None: ...

    def versions(self, kind: str) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    kind: str
    rows: tuple[Row, ...]
    removed: tuple[str, ...]


@dataclass(slots=True)
class Ledger:
    """Of one stream; begin a new one with every stream."""

    record: Keeper
    held: dict[str, set[str]] = field(default_factory=dict)
    """Names that the node holds, by kind."""
    _unanswered: dict[str, _Answer] = field(default_factory=dict)
    _awaited: set[tuple[str, str]] = field(default_factory=set)
    """What the node asked for and was not told of yet."""

    def asked(
        self, kind: str, *, wants: Iterable[str], drops: Iterable[str], has: Mapping[str, str]
    ) -> tuple[str, ...]:
        """A request of the node; returns the names among `has` whose content is not on record.

        The control plane has to be told another version of those, so that it sends them once more.
        """
        names = set(wants)
        if kind not in self.held:
            self.held[kind] = set(has)
            names |= set() if names else {_EVERYTHING}
        dropped = set(drops)
        self.held[kind] -= dropped
        self._awaited |= {(kind, name) for name in names - has.keys()}
        self._awaited -= {(kind, name) for name in dropped}
        if dropped:
            self.record.drop(kind, dropped)
        recorded = self.record.versions(kind) if has else {}
        return tuple(name for name, version in has.items() if recorded.get(name) != version)

    def sent(self, kind: str, nonce: str, rows: Iterable[Row], removed: Iterable[str]) -> None:
        """A message to the node."""
        self._unanswered[nonce] = _Answer(kind=kind, rows=tuple(rows), removed=tuple(removed))

    def answered(self, nonce: str, *, refused: bool) -> None:
        """The node's answer to a message; what it refused it does not hold."""
        answer = self._unanswered.pop(nonce, None)
        if answer is None:
            return
        names = {name for name, _, _ in answer.rows}
        self._awaited -= {(answer.kind, name) for name in (*names, *answer.removed, _EVERYTHING)}
        if refused:
            return
        held = self.held.setdefault(answer.kind, set())
        held |= names
        held -= set(answer.removed)
        if names:
            self.record.put(answer.kind, answer.rows)
        if answer.removed:
            self.record.drop(answer.kind, answer.removed)

    def complete(self) -> bool:
        """Whether the node has an entrance, and nothing that it asked for is under way."""
        return bool(self.held.get(Kind.ENTRANCE.value)) and not self._unanswered and not self._awaited

    def settle(self) -> None:
        """Takes from the record what the node does not hold: left-overs of an earlier life of it."""
        self.record.keep_only(self.held)
