"""Which drills a declaration makes possible: the failures of its services, gateway nodes, regions and APIs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from stationmaster.core.drills import Fault, FaultKind
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Api, CredentialKind, PlatformSpec, Service

_LASTS_S, _LONG_S = 60.0, 180.0
_SLOW_MS = 3000
_FEW, _MANY = 50, 100
KEY_SERVICE = "api_key_service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """`faults` are made together and last `for_s`, unless something mends them before. `api` is what clients call
    meanwhile. `spared`: something healthy is left, so that no idempotent request may be lost. `cured`: the platform
    can mend it; otherwise its fault is taken back when somebody has been paged."""

    name: str
    what: str
    faults: tuple[Fault, ...]
    for_s: float = _LASTS_S
    api: str = ""
    spared: bool = True
    cured: bool = True


def drills_of(spec: PlatformSpec) -> tuple[Drill, ...]:
    found = [*_of_services(spec), *_of_nodes(spec), *_of_regions(spec), *_of_apis(spec), *_of_the_whole(spec)]
    killed = Drill(
        name="control-plane-killed",
        what="the control plane dies as by a crash; gateway nodes go on with what they have",
        faults=(Fault(kind=FaultKind.CONTROL_KILL),),
        api=_api_of(spec, ""),
    )
    return (*found, killed)


def drill_named(spec: PlatformSpec, name: str, *, instance: str = "") -> Drill:
    """`instance` breaks that one in place of the first. Raises PlatformError `unknown-drill` (404)."""
    found = {each.name: each for each in drills_of(spec)}
    if name not in found:
        hint = f"known are {', '.join(found)}"
        raise PlatformError("unknown-drill", f"there is no drill {name!r}", hint=hint, status=404)
    drill = found[name]
    return _about(drill, spec, instance) if instance else drill


def _about(drill: Drill, spec: PlatformSpec, instance: str) -> Drill:
    if len(drill.faults) != 1 or not drill.faults[0].of:
        hint = "leave the instance out"
        raise PlatformError("bad-drill", f"{drill.name} is not about one instance", hint=hint)
    alike = _alike(spec, drill.faults[0].of)
    if instance not in alike:
        hint = f"it may break {', '.join(alike)}"
        raise PlatformError("unknown-instance", f"{drill.name} does not break {instance!r}", hint=hint, status=404)
    (fault,) = drill.faults
    return replace(drill, faults=(replace(fault, of=instance),))


def _alike(spec: PlatformSpec, name: str) -> Sequence[str]:
    groups = [[str(each.name) for each in service.instances] for service in spec.services]
    groups += [[str(each.name) for each in spec.nodes], [str(each.name) for each in spec.apis]]
    return next((each for each in groups if name in each), [])


def _of_services(spec: PlatformSpec) -> Iterator[Drill]:
    for service in spec.services:
        if not service.instances or not service.command or service.health is None:
            continue
        name = "key-service" if service.name == KEY_SERVICE else str(service.name).replace("_", "-")
        first, spared = str(service.instances[0].name), len(service.instances) > 1
        api = _api_of(spec, str(service.name))
        kinds = (
            (FaultKind.KILL, "down", "dies as by a crash"),
            (FaultKind.HANG, "hangs", "lives and does nothing"),
            (FaultKind.REFUSE, "refuses", "takes no connections"),
            (FaultKind.SLOW, "slow", f"answers {_SLOW_MS / 1000:g} s too late"),
            (FaultKind.WRONG_BODY, "wrong-body", "answers 200 with another text"),
            (FaultKind.ERRORS, "errors", "answers everything with 503"),
        )
        for kind, word, what in kinds:
            fault = Fault(kind=kind, of=first, delay_ms=_SLOW_MS)
            yield Drill(name=f"{name}-instance-{word}", what=f"{first} {what}", faults=(fault,), api=api, spared=spared)
        yield _on_a_full_disk(name, first, api, spared=spared)
        if spared:
            yield _whole(service, name, api)
        dependants = [str(each.name) for each in spec.services if service.name in each.depends_on]
        if dependants:
            yield _dependency(service, name, dependants, _api_of(spec, dependants[0]))


def _on_a_full_disk(name: str, first: str, api: str, *, spared: bool) -> Drill:
    """No restart helps: a process that was started anew finds the same disk. Runbooks leave that to people."""
    fault = Fault(kind=FaultKind.NO_SPACE, of=first, sticky=True)
    return Drill(
        name=f"{name}-instance-disk-full",
        what=f"{first} cannot write: its disk is full",
        faults=(fault,),
        for_s=_LONG_S,
        api=api,
        spared=spared,
        cured=False,
    )


def _dependency(service: Service, name: str, dependants: Sequence[str], api: str) -> Drill:
    """`api` is one of those who depend on it: what clients see is what they answer."""
    faults = tuple(Fault(kind=FaultKind.REFUSE, of=str(each.name)) for each in service.instances)
    what = f"{service.name} takes no connections, and {', '.join(dependants)} cannot answer without it"
    return Drill(name=f"{name}-dependency-down", what=what, faults=faults, api=api, for_s=_LONG_S, spared=False)


def _whole(service: Service, name: str, api: str) -> Drill:
    faults = tuple(Fault(kind=FaultKind.KILL, of=str(each.name)) for each in service.instances)
    what = f"every instance of {service.name} dies, in all regions"
    return Drill(name=f"{name}-down", what=what, faults=faults, api=api, spared=False)


def _of_nodes(spec: PlatformSpec) -> Iterator[Drill]:
    """Clients leave a node that takes no connection; one that takes them and says nothing holds them up."""
    if not spec.nodes:
        return
    first, api = str(spec.nodes[0].name), _api_of(spec, "")
    kinds = (
        (FaultKind.KILL, "down", "dies as by a crash"),
        (FaultKind.HANG, "hangs", "takes requests and does nothing"),
    )
    for kind, word, what in kinds:
        fault = Fault(kind=kind, of=first)
        spared = kind is FaultKind.KILL and len(spec.nodes) > 1
        yield Drill(
            name=f"gateway-node-{word}",
            what=f"the gateway node {first} {what}",
            faults=(fault,),
            for_s=_LASTS_S if kind is FaultKind.KILL else _LONG_S,
            api=api,
            spared=spared,
        )


def _of_the_whole(spec: PlatformSpec) -> Iterator[Drill]:
    """What there is once: certificate, signing key, metrics, disk. No request has to be lost where not tokens are
    refused."""
    api = _api_of(spec, "")
    if spec.nodes:
        node = str(spec.nodes[0].name)
        gone = Fault(kind=FaultKind.METRICS_GONE, of=node)
        yield _watched("gateway-node-metrics-gone", f"{node} answers 404 where its metrics are asked for", gone, api)
    if any(each.listen_tls for each in spec.nodes):
        expired = Fault(kind=FaultKind.EXPIRED_CERTIFICATE)
        yield _watched("certificate-expired", "TLS entrances show a certificate that expired yesterday", expired, api)
    asked = next((str(each.name) for each in spec.apis if CredentialKind.JWT in each.accepts and _callable(each)), "")
    if asked:
        wrong = Fault(kind=FaultKind.BAD_ROTATION)
        what = "gateway nodes know another signing key than the one that signs"
        yield replace(_watched("signing-key-rotated-wrongly", what, wrong, asked), spared=False)
    full = Fault(kind=FaultKind.DISK_FULL)
    yield _watched("disk-full", "the room that the state folder may take is used up", full, api)


def _watched(name: str, what: str, fault: Fault, api: str) -> Drill:
    return Drill(name=name, what=what, faults=(fault,), for_s=_LONG_S, api=api, cured=False)


def _of_regions(spec: PlatformSpec) -> Iterator[Drill]:
    for region in spec.regions:
        inside = [
            each for service in spec.services if service.command for each in service.instances if each.region == region
        ]
        if len(spec.regions) < 2 or not inside:
            continue
        faults = tuple(Fault(kind=FaultKind.KILL, of=str(each.name)) for each in inside)
        what = f"every instance in {region} dies"
        yield Drill(name=f"region-{region}-down", what=what, faults=faults, api=_api_of(spec, ""), for_s=_LONG_S)


def _of_apis(spec: PlatformSpec) -> Iterator[Drill]:
    for api in spec.apis:
        name = str(api.name)
        for word, status, percent, what in (
            ("503s", 503, _FEW, "half of the requests to {} get 503 from the gateway"),
            ("unauthorized", 401, _MANY, "the gateway refuses everybody who calls {}"),
        ):
            fault = Fault(kind=FaultKind.ABORT, of=name, status=status, percent=percent)
            yield _at_gateway(f"{name}-{word}", what.format(name), fault)
        slow = Fault(kind=FaultKind.DELAY, of=name, delay_ms=_SLOW_MS)
        yield _at_gateway(f"{name}-slow", f"requests to {name} take {_SLOW_MS / 1000:g} s longer", slow)


def _at_gateway(name: str, what: str, fault: Fault) -> Drill:
    return Drill(name=name, what=what, faults=(fault,), for_s=_LONG_S, api=fault.of, spared=False, cured=False)


def _api_of(spec: PlatformSpec, service: str) -> str:
    """One that leads to the service, or to any: public ones first, then those that are probed in somebody's name."""
    instances = {each.name for every in spec.services if service in ("", every.name) for each in every.instances}
    hosts = {host.name for host in spec.virtual_hosts if any(each.instance in instances for each in host.targets)}
    found = [each for each in spec.apis if each.virtual_host in hosts and _callable(each)]
    found.sort(key=lambda each: bool(each.accepts))
    return str(found[0].name) if found else ""


def _callable(api: Api) -> bool:
    return not api.accepts or (api.probe is not None and api.probe.user is not None)
