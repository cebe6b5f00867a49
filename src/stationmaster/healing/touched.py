"""Says what the commands of a change touch: which services, instances, targets and gateway nodes; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from stationmaster.core.spec import PlatformSpec, Service, VirtualHost

Call = tuple[str, ...]
"""The words of one command."""

_OWN = frozenset({"stm", "stationmaster"})
_CONTAINERS = frozenset({"docker", "podman"})
_RESTARTS = frozenset({"restart", "start"})
_WITHDRAWS = frozenset({"out", "drain"})
_RETURNS = frozenset({"in", "auto"})
_ENDS_NODES = frozenset({"restart", "stop", "drain"})
_CONTAINERS_END = frozenset({"restart", "stop", "kill"})
_TOUCHES_NOTHING = frozenset(
    {"incident", "status-page", "silence", "review", "oncall", "heartbeat", "audit", "runbook", "rules", "maintenance"}
)
"""Nouns of `stm` whose changes are words and pages, and nothing that serves callers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """`restarts` names an instance as often as it is restarted; `nodes` are the gateway nodes that stop serving for a
    while; `withdraws` are pairs of a virtual host's name and a target's address. `acts`: anything is changed at all;
    `only_moves` and `only_returns`: nothing else than targets is moved, or put back. `only_restarts`: nothing else than
    instances of services is restarted."""

    services: frozenset[str] = frozenset()
    restarts: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    withdraws: tuple[tuple[str, str], ...] = ()
    acts: bool = True
    only_moves: bool = False
    only_returns: bool = False
    only_restarts: bool = False


def touched(calls: Sequence[Call], spec: PlatformSpec, service: str) -> Touched:
    """`service` is the one that the change is about where its commands name nothing that is declared."""
    reading = _Reading(spec=spec, named=_Named.of(spec))
    for call in calls:
        reading.read(call)
    found = reading.found
    if not reading.acting:
        return replace(found, acts=False)
    own = frozenset({service}) if service else frozenset()
    return replace(
        found,
        services=found.services or own,
        only_moves=reading.moving == reading.acting,
        only_returns=reading.returning == reading.acting,
        only_restarts=reading.restarting == reading.acting and not found.nodes,
    )


def withdrawal(virtual_host: str, address: str, spec: PlatformSpec) -> Touched:
    """A target that leaves its balancer."""
    host = next((each for each in spec.virtual_hosts if each.name == virtual_host), None)
    services = frozenset(_Named.of(spec).services_of(host, address)) if host is not None else frozenset()
    return Touched(services=services, withdraws=((virtual_host, address),), only_moves=True)


def apis_of(touches: Touched, spec: PlatformSpec) -> tuple[str, ...]:
    """The APIs whose callers feel the change, but for those that maintenance answers anyway."""
    named = _Named.of(spec)
    hosts = {
        host.name: host.maintenance
        for host in spec.virtual_hosts
        if touches.nodes
        or any(host.name == name for name, _ in touches.withdraws)
        or any(named.services_of(host, str(each.address)) & touches.services for each in host.targets)
    }
    return tuple(
        each.name
        for each in spec.apis
        if each.virtual_host in hosts and hosts[each.virtual_host] is None and each.policies.maintenance is None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """What is declared, by its name."""

    instances: dict[str, str]
    services: dict[str, Service]
    hosts: dict[str, VirtualHost]
    apis: dict[str, str | None]
    nodes: frozenset[str]

    @staticmethod
    def of(spec: PlatformSpec) -> "_Named":
        return _Named(
            instances={one.name: each.name for each in spec.services for one in each.instances},
            services={each.name: each for each in spec.services},
            hosts={each.name: each for each in spec.virtual_hosts},
            apis={each.name: each.virtual_host for each in spec.apis},
            nodes=frozenset(each.name for each in spec.nodes),
        )

    def services_of(self, host: VirtualHost, target: str = "") -> set[str]:
        """Those that the targets of a virtual host run, or one target of it."""
        return {
            self.instances[each.instance]
            for each in host.targets
            if each.instance in self.instances and target in ("", str(each.address), each.instance)
        }


@dataclass(slots=True, kw_only=True)
class _Reading:
    spec: PlatformSpec
    named: _Named
    found: Touched = field(default_factory=Touched)
    acting: int = 0
    moving: int = 0
    returning: int = 0
    restarting: int = 0

    def read(self, call: Call) -> None:
        program = call[0].rpartition("/")[2] if call else ""
        words = tuple(_values(call[1:]))
        if program in _OWN:
            self._own([each for each in words if each], words)
            return
        self.acting += 1
        self._note(words)
        verb = words[0] if words else ""
        if program in _CONTAINERS and verb in _CONTAINERS_END:
            self._ends(words, restarts=verb == "restart")

    def _own(self, shown: Sequence[str], words: Sequence[str]) -> None:
        noun, verb = (*shown, "", "")[:2]
        if noun in _TOUCHES_NOTHING:
            return
        self.acting += 1
        if noun == "target":
            self._moves(verb, words)
            return
        self._note(words)
        if noun in {"instance", "node"} and verb in _RESTARTS | _ENDS_NODES:
            self._ends(words, restarts=noun == "instance" and verb in _RESTARTS, nodes=verb in _ENDS_NODES)

    def _moves(self, verb: str, words: Sequence[str]) -> None:
        hosts = [self.named.hosts[each] for each in words if each in self.named.hosts]
        pairs = tuple(
            (str(host.name), str(target.address))
            for host in hosts
            for target in host.targets
            if str(target.address) in words or target.instance in words
        )
        services = {each for host, address in pairs for each in self.named.services_of(self.named.hosts[host], address)}
        self.moving += 1
        self.returning += verb in _RETURNS
        withdrawn = pairs if verb in _WITHDRAWS else ()
        self.found = replace(
            self.found, services=self.found.services | services, withdraws=(*self.found.withdraws, *withdrawn)
        )

    def _note(self, words: Sequence[str]) -> None:
        """The services that a command names, by themselves, their instances, virtual hosts or APIs."""
        services = {each for each in words if each in self.named.services}
        services |= {self.named.instances[each] for each in words if each in self.named.instances}
        for each in words:
            host = self.named.hosts.get(self.named.apis.get(each) or each)
            services |= self.named.services_of(host) if host is not None else set()
        self.found = replace(self.found, services=self.found.services | services)

    def _ends(self, words: Sequence[str], *, restarts: bool, nodes: bool = True) -> None:
        names = tuple(each for each in words if each in self.named.instances or each in self.named.nodes)
        away = tuple(each for each in names if each in self.named.nodes) if nodes else ()
        again = names if restarts else ()
        self.restarting += bool(again)
        self.found = replace(self.found, restarts=(*self.found.restarts, *again), nodes=(*self.found.nodes, *away))


def _values(words: Sequence[str]) -> Iterator[str]:
    """The words that may name something; of an option its value."""
    for each in words:
        yield each.partition("=")[2] if each.startswith("-") else each
