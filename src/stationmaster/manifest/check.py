"""Every problem of meaning in a filled document at once: names, references, clashes, bounds and commands."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct

from stationmaster.core.problem import Origin
from stationmaster.manifest.clashes import check_exposure, check_listeners, check_routes
from stationmaster.manifest.commands import check_command
from stationmaster.manifest.names import Names
from stationmaster.manifest.nodes import quoted
from stationmaster.manifest.places import Places
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.schema import BROKEN_TEXT, HealthDocument, PlatformDocument, VirtualHostDocument
from stationmaster.manifest.values import parse_address, parse_duration

SHORTEST_INTERVAL_MS = 50
RESERVED_NAMES = frozenset({"control", "up"})


def check(document: PlatformDocument, places: Places, names: Names, problems: Problems) -> None:
    """Adds what is wrong to `problems`."""
    health_of = {each.name: service.health for service in document.services for each in service.instances}
    checking = _Checking(document, places, names, problems, health_of)
    checking.unique_names()
    checking.references()
    checking.virtual_hosts()
    checking.credentials()
    checking.health_checks()
    for service in document.services:
        check_command(service, places, problems)
    check_listeners(document, places, problems)
    check_exposure(document, places, problems)
    check_routes(document, places, problems)


@dataclass(frozen=True, slots=True)
class _Checking:
    document: PlatformDocument
    places: Places
    names: Names
    problems: Problems
    health_of: Mapping[str, HealthDocument | None]
    """The check of the service of every instance."""

    def unique_names(self) -> None:
        document = self.document
        self._unique("service", document.services)
        self._unique("instance", [each for service in document.services for each in service.instances])
        self._unique("virtual host", document.virtual_hosts)
        self._unique("API", document.apis)
        self._unique("API user", document.api_users)
        self._unique("gateway node", document.gateway.nodes)
        self._process_names()
        self._distinct("region", [(each, (document, "regions", at)) for at, each in enumerate(document.regions)])

    def _unique(self, kind: str, named: Sequence[Struct]) -> None:
        self._distinct(kind, [(str(getattr(each, "name", "")), (each, "name")) for each in named])

    def _process_names(self) -> None:
        """Gateway nodes and instances are processes alike: one name finds one of them, and its log."""
        nodes = {each.name for each in self.document.gateway.nodes}
        instances = [each for service in self.document.services for each in service.instances]
        for each in instances:
            if each.name in nodes and each.name != BROKEN_TEXT:
                message = f"the instance {quoted(each.name)} bears the name of a gateway node"
                origin = self.places.origin(each, "name")
                self.problems.add("duplicate-name", message, origin, "give one of them another name")
        names = ((each.name, each) for each in self.document.gateway.nodes)
        for name, named in (*names, *((each.name, each) for each in instances)):
            if name in RESERVED_NAMES:
                message = f"the name {quoted(name)} belongs to a process of the platform itself"
                self.problems.add("bad-name", message, self.places.origin(named, "name"), "choose another name")

    def _distinct(self, kind: str, named: Sequence[tuple[str, tuple[Struct, *tuple[str | int, ...]]]]) -> None:
        first: dict[str, Origin] = {}
        for name, place in named:
            origin = self.places.origin(*place)
            if name in first and name != BROKEN_TEXT:
                message = f"the {kind} {quoted(name)} is declared twice; the first is on line {first[name].line}"
                self.problems.add("duplicate-name", message, origin, "give one of them another name")
            first.setdefault(name, origin)

    def references(self) -> None:
        names, document = self.names, self.document
        for service in document.services:
            for instance in service.instances:
                self._known("region", instance.region, names.regions, self.places.origin(instance, "region"))
        for host in document.virtual_hosts:
            for target in host.targets:
                if target.instance is not None:
                    self._known("instance", target.instance, names.instances, self.places.origin(target, "instance"))
        for api in document.apis:
            origin = self.places.origin(api, "virtual_host")
            self._known("virtual host", api.virtual_host, names.virtual_hosts, origin)
        for user in document.api_users:
            for at, name in enumerate(user.apis):
                if name not in names.apis:
                    self._known("API", name, names.apis, self.places.origin(user, "apis", at))

    def _known(self, kind: str, name: str, names: frozenset[str], origin: Origin) -> None:
        if name in names or name == BROKEN_TEXT:
            return
        hint = self.problems.closest(name, names) or f"declare the {kind}, or name one that this file declares"
        self.problems.add("unknown-reference", f"no {kind} is called {quoted(name)}", origin, hint)

    def virtual_hosts(self) -> None:
        for host in self.document.virtual_hosts:
            if not self.places.written(host, "targets"):
                message = f"the virtual host {quoted(host.name)} has no targets"
                self.problems.add("no-targets", message, self.places.origin(host), "add `targets:` with at least one")
            self._targets(host)
            self._inherited_check(host)

    def _targets(self, host: VirtualHostDocument) -> None:
        first: dict[str, int] = {}
        for target in host.targets:
            origin = self.places.origin(target)
            if target.instance is not None and target.address is not None:
                self._bad_target(origin, "a target names an instance or an address, not both")
                continue
            if target.instance is None and target.address is None:
                if not self.places.names_field(target, "address", "instance"):
                    self._bad_target(origin, "a target names an instance or an address")
                continue
            name = target.instance or str(parse_address(target.address or ""))
            if name in first:
                message = f"{quoted(name)} is a target of {quoted(host.name)} twice; the first is on line {first[name]}"
                self.problems.add("duplicate-target", message, origin, "keep one; `weight` sets its share")
            first.setdefault(name, origin.line)

    def _bad_target(self, origin: Origin, message: str) -> None:
        self.problems.add("bad-target", message, origin, "write exactly one of `instance` and `address`")

    def _inherited_check(self, host: VirtualHostDocument) -> None:
        """Without a check of its own, a virtual host takes that of its instances, so they have to agree."""
        inherited = {self.health_of.get(target.instance or "") for target in host.targets} - {None}
        if host.health is None and len(inherited) > 1:
            message = f"the services behind {quoted(host.name)} have different health checks"
            hint = "add `health:` to the virtual host"
            self.problems.add("ambiguous-health", message, self.places.origin(host), hint)

    def credentials(self) -> None:
        for api in self.document.apis:
            if api.accepts and api.name not in self.names.apis_of_users:
                message = f"the API {quoted(api.name)} asks for credentials, but no API user may call it"
                hint = "name it in `apis` of an API user, or drop `accepts` to make it public"
                self.problems.add("nobody-may-call", message, self.places.origin(api, "accepts"), hint)

    def health_checks(self) -> None:
        for health in self._every_check():
            if parse_duration(health.interval) < SHORTEST_INTERVAL_MS:
                origin = self.places.origin(health, "interval")
                message = f"the interval {quoted(health.interval)} is shorter than {SHORTEST_INTERVAL_MS}ms"
                self.problems.add("out-of-range", message, origin, f"choose at least {SHORTEST_INTERVAL_MS}ms")

    def _every_check(self) -> Iterator[HealthDocument]:
        checks = (
            *(service.health for service in self.document.services),
            *(host.health for host in self.document.virtual_hosts),
        )
        yield from (each for each in checks if each is not None)
