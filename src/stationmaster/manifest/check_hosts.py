"""What can be wrong with services and virtual hosts: instances, targets, health checks, commands."""

from stationmaster.core.problem import Origin
from stationmaster.core.spec import NODE_CHECKS, CheckKind
from stationmaster.manifest.commands import check_argv, check_command
from stationmaster.manifest.entity import EntityKind
from stationmaster.manifest.executors import check_executor
from stationmaster.manifest.lookup import InstanceRow, Lookup
from stationmaster.manifest.nodes import quoted
from stationmaster.manifest.parts import Part
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.schema_hosts import HealthDocument, ServiceDocument, VirtualHostDocument
from stationmaster.manifest.values import parse_address
from stationmaster.manifest.words import BROKEN_TEXT

_HTTP = frozenset({CheckKind.HTTP, CheckKind.HTTPS})
_FIELDS_OF = {
    "path": _HTTP,
    "status": _HTTP,
    "contains": _HTTP,
    "json": _HTTP,
    "min_certificate_days": frozenset({CheckKind.HTTPS}),
    "verify_certificate": frozenset({CheckKind.HTTPS}),
    "grpc_service": frozenset({CheckKind.GRPC}),
    "dns_name": frozenset({CheckKind.DNS}),
    "command": frozenset({CheckKind.COMMAND}),
}
"""Every field belongs to some types of check; `verify_certificate` says something only where it is false."""

_NEEDED = (
    (_HTTP, "path", "add `path:`, or `type: tcp` or `type: grpc`"),
    (frozenset({CheckKind.DNS}), "dns_name", "add `dns_name:`, the name that the server has to know"),
    (frozenset({CheckKind.COMMAND}), "command", "add `command: [program, argument]`"),
)
_WRITTEN = {CheckKind.HTTP: "HTTP", CheckKind.HTTPS: "HTTPS", CheckKind.DNS: "DNS"}

RESERVED_NAMES = frozenset({"control", "up"})


def check_service(part: Part, service: ServiceDocument, lookup: Lookup, problems: Problems) -> None:
    check_command(service, part.places, problems)
    check_executor(part, service, problems)
    check_health(part, service.health, problems)
    for at, instance in enumerate(service.instances):
        if instance.name != BROKEN_TEXT:
            _check_instance_name(InstanceRow(part, at), lookup, problems)


def _check_instance_name(row: InstanceRow, lookup: Lookup, problems: Problems) -> None:
    """Gateway nodes and instances are processes alike: one name finds one of them, and its log."""
    name, origin = row.document.name, row.part.origin(row.document, "name")
    earlier = [each for each in lookup.instances.get(name, ()) if each.order < row.order]
    if earlier:
        first = min(earlier, key=lambda each: each.order)
        line = first.part.origin(first.document, "name").line
        message = f"the instance {quoted(name)} is declared twice; the first is on line {line}"
        problems.add("duplicate-name", message, origin, "give one of them another name")
    node = lookup.find(EntityKind.NODE, name)
    if node is not None and node.position < row.part.position:
        message = f"the instance {quoted(name)} bears the name of a gateway node"
        problems.add("duplicate-name", message, origin, "give one of them another name")
    refuse_reserved(name, origin, problems)


def refuse_reserved(name: str, origin: Origin, problems: Problems) -> None:
    if name in RESERVED_NAMES:
        message = f"the name {quoted(name)} belongs to a process of the platform itself"
        problems.add("bad-name", message, origin, "choose another name")


def check_virtual_host(part: Part, host: VirtualHostDocument, lookup: Lookup, problems: Problems) -> None:
    if not host.targets and not part.places.written(host, "targets"):
        message = f"the virtual host {quoted(host.name)} has no targets"
        problems.add("no-targets", message, part.place, "add `targets:` with at least one")
    check_node_health(part, host.health, problems)
    _check_targets(part, host, problems)
    _check_inherited(part, host, lookup, problems)
    _check_case(part, host, lookup, problems)


def _check_targets(part: Part, host: VirtualHostDocument, problems: Problems) -> None:
    first: dict[str, int] = {}
    for target in host.targets:
        origin = part.origin(target)
        if (target.instance is None) == (target.address is None):
            if target.instance is not None or not part.places.names_field(target, "address", "instance"):
                both = ", not both" if target.instance is not None else ""
                message = f"a target names an instance or an address{both}"
                problems.add("bad-target", message, origin, "write exactly one of `instance` and `address`")
            continue
        name = target.instance or str(parse_address(target.address or ""))
        if name in first:
            message = f"{quoted(name)} is a target of {quoted(host.name)} twice; the first is on line {first[name]}"
            problems.add("duplicate-target", message, origin, "keep one; `weight` sets its share")
        first.setdefault(name, origin.line)


def _check_inherited(part: Part, host: VirtualHostDocument, lookup: Lookup, problems: Problems) -> None:
    """Without a check of its own, a virtual host takes that of its instances, so they have to agree."""
    if host.health is not None or part.places.names_field(host, "health"):
        return
    inherited: list[HealthDocument] = []
    for target in host.targets:
        for row in list(lookup.instances.get(target.instance or "", ()))[:1]:
            health = row.part.document.health if isinstance(row.part.document, ServiceDocument) else None
            if health is not None and health not in inherited:
                inherited.append(health)
    if len(inherited) > 1:
        message = f"the services behind {quoted(host.name)} have different health checks"
        problems.add("ambiguous-health", message, part.place, "add `health:` to the virtual host")


def _check_case(part: Part, host: VirtualHostDocument, lookup: Lookup, problems: Problems) -> None:
    twins = [each for each in lookup.folded.get(host.name.lower(), ()) if each.name != host.name]
    earlier = [each for each in twins if each.position < part.position]
    if earlier:
        first = min(earlier, key=lambda each: each.position)
        message = f"the virtual host {quoted(host.name)} differs from {quoted(first.name)} in capitals alone"
        hint = "host names do not know capitals: give one of them another name"
        problems.add("similar-name", message, part.origin(host, "name"), hint)


def check_health(part: Part, health: HealthDocument | None, problems: Problems) -> None:
    """Every field belongs to a type of check."""
    if health is None:
        return
    for kinds, field, hint in _NEEDED:
        if health.type in kinds and not getattr(health, field) and not part.places.names_field(health, field):
            message = f"{_checks(health.type)} needs `{field}`"
            problems.add("missing-field", message, part.origin(health), hint)
    for field, kinds in _FIELDS_OF.items():
        if getattr(health, field) not in (None, [], True) and health.type not in kinds:
            named = " or ".join(each.value for each in CheckKind if each in kinds)
            message = f"`{field}` belongs to checks of type {named}, and this one is of type {health.type.value}"
            hint = f"remove `{field}`, or write `type: {named.split()[0]}`"
            problems.add("never-applies", message, part.origin(health, field), hint)
    check_argv(health, health.command, part.places, problems)


def check_node_health(part: Part, health: HealthDocument | None, problems: Problems) -> None:
    """The check of a virtual host is made by its gateway nodes."""
    check_health(part, health, problems)
    if health is None:
        return
    if health.type not in NODE_CHECKS:
        kinds = ", ".join(each.value for each in CheckKind if each in NODE_CHECKS)
        message = f"gateway nodes make no checks of type {health.type.value}"
        hint = f"write one of {kinds} here, and the other at the service: the monitor makes it"
        problems.add("bad-check", message, part.origin(health, "type"), hint)
    for field in ("json", "max_latency"):
        if getattr(health, field) is not None:
            message = f"gateway nodes do not look at `{field}`"
            hint = f"move `{field}` to the check of the service: the monitor looks at it"
            problems.add("never-applies", message, part.origin(health, field), hint)


def _checks(kind: CheckKind) -> str:
    return f"{'an' if kind.value[0] in 'aeioh' else 'a'} {_WRITTEN.get(kind, kind.value)} check"
