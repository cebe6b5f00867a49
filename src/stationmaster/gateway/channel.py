"""What a node has of one kind of resource, what it lacks, and what it refused."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stationmaster.gateway.snapshot import Difference, Kind, Named, Resource

_EVERYTHING = "*"
_WILDCARD = frozenset({Kind.POOL, Kind.ENTRANCE, Kind.SECTION})


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
class Channel:
    """Only one message is under way at a time.

    `lacking` holds the names of which the node has another version than it is to have, or one too many: whoever has
    everything costs nothing, however much that is.
    """

    kind: Kind
    wanted: Named = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    wildcard: bool = False
    greeted: bool = True
    known: dict[str, str] = field(default_factory=dict)
    lacking: set[str] = field(default_factory=set)
    again: set[str] = field(default_factory=set)
    """Names to be sent even though the node has their version."""
    underway: Sent | None = None
    halves: deque[frozenset[str]] = field(default_factory=deque)
    """Names of a refused message, to be sent in parts until the culprit stands alone."""
    refused: dict[str, Refusal] = field(default_factory=dict)

    def show(self, wanted: Named, names: Iterable[str]) -> None:
        """`names` are those of which `wanted` differs from what was shown before."""
        self.wanted = wanted
        self._look_at(names)

    def hear(self, asked: Asked) -> None:
        if asked.wants or asked.has or not (asked.nonce or asked.drops):
            self._subscribe(asked)
        self.names.difference_update(asked.drops)
        self.again.difference_update(asked.drops)
        self._forget(asked.drops)
        if asked.nonce and self.underway and asked.nonce == self.underway.nonce:
            self._settle(self.underway, asked.refused)

    def _subscribe(self, asked: Asked) -> None:
        names = set(asked.wants) - {_EVERYTHING}
        first_of_wildcard = self.kind in _WILDCARD and not self.wildcard and not names
        if first_of_wildcard or _EVERYTHING in asked.wants:
            self.wildcard = True
            self.greeted = bool(asked.has)
        self.names |= names
        self.again |= names - asked.has.keys()
        self.known.update(asked.has)
        self._look_at(asked.has)

    def _settle(self, sent: Sent, refused: str | None) -> None:
        self.underway = None
        if refused is None:
            self.known.update({each.name: each.version for each in sent.resources})
            self._look_at(each.name for each in sent.resources)
            self._forget(sent.removed)
            return
        if len(sent.resources) == 1:
            culprit = sent.resources[0]
            self.refused[culprit.name] = Refusal(resource=culprit, reason=refused, revision=sent.revision)
            return
        names = tuple(each.name for each in sent.resources)
        middle = len(names) // 2
        self.halves.extend(frozenset(half) for half in (names[:middle], names[middle:]) if half)

    def _forget(self, names: Iterable[str]) -> None:
        for name in names:
            self.known.pop(name, None)
        self._look_at(names)

    def _look_at(self, names: Iterable[str]) -> None:
        for name in names:
            wanted = self.wanted.get(name)
            if (wanted.version if wanted else None) == self.known.get(name):
                self.lacking.discard(name)
            else:
                self.lacking.add(name)

    def send(self, nonce: str, revision: int, what: Difference) -> Sent:
        part = self._part(what.changed)
        self.greeted = True
        self.again.difference_update((each.name for each in part), what.removed)
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

    def open(self) -> Difference:
        """What the node wants, lacks and has not refused; what it has too much."""
        if not (self.lacking or self.again):
            return _NOTHING
        names = sorted(self.lacking | self.again)
        wanted = (self.wanted[name] for name in names if name in self.wanted and (self.wildcard or name in self.names))
        return Difference(
            changed=tuple(each for each in wanted if not self._refuses(each)),
            removed=tuple(name for name in names if name not in self.wanted),
        )

    def complete(self) -> bool:
        return not self.lacking

    def answered(self) -> bool:
        """Whether the node has everything of this kind, but for what it refuses."""
        return all(self._refuses(self.wanted[name]) for name in self.lacking if name in self.wanted)

    def refusals(self) -> Iterable[Refusal]:
        return (each for name, each in self.refused.items() if name in self.wanted and self._refuses(self.wanted[name]))

    def _refuses(self, resource: Resource) -> bool:
        refusal = self.refused.get(resource.name)
        return refusal is not None and refusal.resource.version == resource.version


_NOTHING = Difference()
