"""One node's stream of configuration: what it is to be sent next, and whether it has everything."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from stationmaster.gateway.channel import Asked, Channel, Refusal, Sent
from stationmaster.gateway.snapshot import EMPTY, Kind, Snapshot, touched

__all__ = ["Asked", "Refusal", "Sent", "Session"]

_BEFORE_ROUTES = (Kind.POOL, Kind.ENDPOINTS, Kind.FILTER, Kind.CERTIFICATE)


@dataclass(slots=True)
class Session:
    """Decides what is sent next: pools and endpoints before the routes that lead to them, and the other way round
    when they leave."""

    snapshot: Snapshot = EMPTY
    revision: int = 0
    channels: dict[Kind, Channel] = field(default_factory=lambda: {kind: Channel(kind) for kind in Kind})
    count: int = 0

    def hear(self, asked: Asked) -> None:
        self.channels[asked.kind].hear(asked)

    def show(self, snapshot: Snapshot, revision: int, changes: Mapping[Kind, Iterable[str]] | None = None) -> None:
        """`changes` are the names that differ from what was shown before; without them they are looked for."""
        for kind, channel in self.channels.items():
            names = touched(channel.wanted, snapshot.of(kind)) if changes is None else changes.get(kind, ())
            channel.show(snapshot.of(kind), names)
        self.snapshot, self.revision = snapshot, revision

    def due(self) -> tuple[Sent, ...]:
        """The messages to send now; they count as under way from here on."""
        messages = [self._next(kind, with_removals=False) for kind in _BEFORE_ROUTES]
        if not self._underway(Kind.POOL, Kind.ENDPOINTS):
            messages.append(self._next(Kind.ENTRANCE, with_removals=True))
            # A node opens its entrance when it gets the routes: by then it has to know whom to let in.
            if self.channels[Kind.FILTER].answered():
                messages.append(self._next(Kind.SECTION, with_removals=True))
                messages.append(self._next(Kind.ROUTES, with_removals=False))
        if not self._underway(*Kind):
            messages += [self._next(kind, with_removals=True) for kind in (Kind.ROUTES, *_BEFORE_ROUTES)]
        return tuple(each for each in messages if each)

    def try_entrance_again(self) -> None:
        """A refused entrance may be well now: whether a port is free does not depend on the configuration alone."""
        self.channels[Kind.ENTRANCE].refused.clear()

    def settled(self) -> bool:
        """Whether the node has taken, or refused, everything that it was shown."""
        if self._underway(*Kind) or any(channel.open() for channel in self.channels.values()):
            return False
        return bool(self.refusals()) or all(channel.complete() for channel in self.channels.values())

    def refusals(self) -> tuple[Refusal, ...]:
        return tuple(each for channel in self.channels.values() for each in channel.refusals())

    def _underway(self, *kinds: Kind) -> bool:
        return any(self.channels[kind].underway for kind in kinds)

    def _next(self, kind: Kind, *, with_removals: bool) -> Sent | None:
        channel = self.channels[kind]
        if channel.underway:
            return None
        lacks = channel.open()
        if not with_removals:
            lacks = replace(lacks, removed=())
        if not lacks and channel.greeted:
            return None
        self.count += 1
        sent = channel.send(str(self.count), self.revision, lacks)
        if kind is Kind.POOL:
            # An updated pool waits for its endpoints, but asks for them only if it is new.
            self.channels[Kind.ENDPOINTS].repeat(each.name for each in sent.resources)
        return sent
