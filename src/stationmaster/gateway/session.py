"""One node's stream of configuration: what it has, what it is to be sent next, and what it refused."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from stationmaster.gateway.snapshot import EMPTY, Difference, Kind, Resource, Snapshot, difference

_EVERYTHING = "*"
_BEFORE_ROUTES = (Kind.POOL, Kind.ENDPOINTS, Kind.FILTER)
_WILDCARD = frozenset({Kind.POOL, Kind.ENTRANCE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A message of a node: names it wants from now on, names it no longer wants, an answer to what it was sent.

    `has` tells versions by name that it kept from an earlier stream; `refused` is the reason of a refusal.
    """

    kind: Kind
    wants: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()
    has: Mapping[str, str] = field(default_factory=dict)
    nonce: str = ""
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message to a node, made of what was published as `revision`."""

    kind: Kind
    nonce: str
    revision: int
    resources: tuple[Resource, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A node does not take a resource; it goes on with the version that it had before."""

    resource: Resource
    reason: str
    revision: int


@dataclass(slots=True)
class _Channel:
    """What a node has of one kind. Only one message is under way at a time."""

    kind: Kind
    names: set[str] = field(default_factory=set)
    wildcard: bool = False
    greeted: bool = True
    known: dict[str, str] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)
    """Names to be sent even though the node has their version."""
    underway: Sent | None = None
    halves: deque[tuple[str, ...]] = field(default_factory=deque)
    """Names of a refused message, to be sent in parts until the culprit stands alone."""
    refused: dict[str, Refusal] = field(default_factory=dict)

    def hear(self, asked: Asked) -> None:
        if asked.wants or asked.has or not (asked.nonce or asked.drops):
            self._subscribe(asked)
        self.names -= set(asked.drops)
        for name in asked.drops:
            self.known.pop(name, None)
            self.again.discard(name)
        if asked.nonce and self.underway and asked.nonce == self.underway.nonce:
            self._settle(self.underway, asked.refused)

    def _subscribe(self, asked: Asked) -> None:
        names = set(asked.wants) - {_EVERYTHING}
        first_of_wildcard = self.kind in _WILDCARD and not self.wildcard and not names
        if first_of_wildcard or _EVERYTHING in asked.wants:
            self.wildcard = True
            self.greeted = bool(asked.has)
        self.known.update(asked.has)
        self.names |= names
        self.again |= names - asked.has.keys()

    def _settle(self, sent: Sent, refused: str | None) -> None:
        self.underway = None
        if refused is None:
            self.known.update({each.name: each.version for each in sent.resources})
            for name in sent.removed:
                self.known.pop(name, None)
            return
        if len(sent.resources) == 1:
            culprit = sent.resources[0]
            self.refused[culprit.name] = Refusal(resource=culprit, reason=refused, revision=sent.revision)
            return
        names = tuple(each.name for each in sent.resources)
        middle = len(names) // 2
        self.halves.extend(half for half in (names[:middle], names[middle:]) if half)

    def send(self, nonce: str, revision: int, what: Difference) -> Sent:
        part = self._part(what.changed)
        self.greeted = True
        self.again -= {each.name for each in part} | set(what.removed)
        self.underway = Sent(kind=self.kind, nonce=nonce, revision=revision, resources=part, removed=what.removed)
        return self.underway

    def _part(self, changed: tuple[Resource, ...]) -> tuple[Resource, ...]:
        while self.halves:
            half = self.halves.popleft()
            if part := tuple(each for each in changed if each.name in half):
                return part
        return changed

    def repeat(self, names: Iterable[str]) -> None:
        self.again |= self.names.intersection(names)

    def open(self, snapshot: Snapshot) -> Difference:
        """What the node wants, lacks and has not refused."""
        named = snapshot.of(self.kind)
        wanted = named if self.wildcard else {name: each for name, each in named.items() if name in self.names}
        sure = {name: version for name, version in self.known.items() if name not in self.again}
        gone = (self.known.keys() | self.again) - wanted.keys()
        return Difference(
            changed=tuple(each for each in difference(sure, wanted).changed if not self._refuses(each)),
            removed=tuple(sorted(gone)),
        )

    def complete(self, snapshot: Snapshot) -> bool:
        return not difference(self.known, snapshot.of(self.kind))

    def answered(self, snapshot: Snapshot) -> bool:
        """Whether the node has everything of this kind, but for what it refuses."""
        return all(self._refuses(each) for each in difference(self.known, snapshot.of(self.kind)).changed)

    def refusals(self, snapshot: Snapshot) -> Iterable[Refusal]:
        named = snapshot.of(self.kind)
        return (each for name, each in self.refused.items() if name in named and self._refuses(named[name]))

    def _refuses(self, resource: Resource) -> bool:
        refusal = self.refused.get(resource.name)
        return refusal is not None and refusal.resource.version == resource.version


@dataclass(slots=True)
class Session:
    """Decides what is sent next: pools and endpoints before the routes that lead to them, and the other way round
    when they leave."""

    snapshot: Snapshot = EMPTY
    revision: int = 0
    channels: dict[Kind, _Channel] = field(default_factory=lambda: {kind: _Channel(kind) for kind in Kind})
    count: int = 0

    def hear(self, asked: Asked) -> None:
        self.channels[asked.kind].hear(asked)

    def show(self, snapshot: Snapshot, revision: int) -> None:
        self.snapshot, self.revision = snapshot, revision

    def due(self) -> tuple[Sent, ...]:
        """The messages to send now; they count as under way from here on."""
        messages = [self._next(kind, with_removals=False) for kind in _BEFORE_ROUTES]
        if not self._underway(Kind.POOL, Kind.ENDPOINTS):
            messages.append(self._next(Kind.ENTRANCE, with_removals=True))
            # A node opens its entrance when it gets the routes: by then it has to know whom to let in.
            if self.channels[Kind.FILTER].answered(self.snapshot):
                messages.append(self._next(Kind.ROUTES, with_removals=True))
        if not self._underway(*Kind):
            messages += [self._next(kind, with_removals=True) for kind in _BEFORE_ROUTES]
        return tuple(each for each in messages if each)

    def try_entrance_again(self) -> None:
        """A refused entrance may be well now: whether a port is free does not depend on the configuration alone."""
        self.channels[Kind.ENTRANCE].refused.clear()

    def settled(self) -> bool:
        """Whether the node has taken, or refused, everything that it was shown."""
        if self._underway(*Kind) or any(channel.open(self.snapshot) for channel in self.channels.values()):
            return False
        return bool(self.refusals()) or all(channel.complete(self.snapshot) for channel in self.channels.values())

    def refusals(self) -> tuple[Refusal, ...]:
        return tuple(each for channel in self.channels.values() for each in channel.refusals(self.snapshot))

    def _underway(self, *kinds: Kind) -> bool:
        return any(self.channels[kind].underway for kind in kinds)

    def _next(self, kind: Kind, *, with_removals: bool) -> Sent | None:
        channel = self.channels[kind]
        if channel.underway:
            return None
        lacks = channel.open(self.snapshot)
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
