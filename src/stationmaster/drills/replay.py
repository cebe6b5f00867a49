"""Decides which faults and alerts make an incident happen once more on what is declared now, and what cannot be."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from stationmaster.core.drills import OF_PROCESSES, Fault, FaultKind
from stationmaster.core.spec import ExecutorKind, PlatformSpec, Service
from stationmaster.drills.catalogue import Drill, drills_of

_LEAST_S, _SLACK_S = 30.0, 30.0
_STAND_INS = frozenset(OF_PROCESSES) - {FaultKind.KILL, FaultKind.HANG}
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s?%")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s?(ms|s)\b")
_STATUS = re.compile(r"status ([45]\d\d)")
_BURN = re.compile(r"burns its error budget (\d+(?:\.\d+)?) times as fast as it may \((\d+(?:\.\d+)?)%")
_FAULTS_OF_WHOLE = {"CertificateExpiring": FaultKind.EXPIRED_CERTIFICATE, "StoreFull": FaultKind.DISK_FULL}
_SLOWER_MS = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An alert of the incident. `foreign`: another system sent it, as `source` says; `evidence` is what the platform's
    own checks saw. Seconds are those since the first alert; None where it did not end."""

    name: str
    labels: Mapping[str, str]
    summary: str
    evidence: str
    began_s: float
    ended_s: float | None
    foreign: bool = False
    source: str = ""
    injected: str = ""
    """The kind of the fault that made it, where that was made on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """`fault` is made `at_s` after the first, for what `alert` tells."""

    fault: Fault
    at_s: float
    alert: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """`drill` has the faults of `made`; `again` are foreign alerts to be sent once more. `expected` are the names of
    alerts that should fire."""

    drill: Drill
    made: tuple[Made, ...]
    again: tuple[Told, ...]
    left: tuple[Left, ...]
    expected: tuple[str, ...]


def replay_of(incident: int, alerts: Sequence[Told], spec: PlatformSpec) -> Replay:
    """What is about one instance goes before what is about many, so that it breaks as it broke then."""
    working = _Working(spec=spec)
    own = sorted((each for each in alerts if not each.foreign), key=_rank)
    for told in own:
        working.take(told)
    again = tuple(each for each in alerts if each.foreign)
    made = tuple(sorted(working.made.values(), key=lambda each: each.at_s))
    expected = tuple(dict.fromkeys([*(each.alert for each in made), *(each.name for each in again)]))
    drill = _drill(incident, alerts, made, spec)
    return Replay(drill=drill, made=made, again=again, left=tuple(working.left), expected=expected)


def _rank(told: Told) -> tuple[int, float]:
    order = ("ServiceInstanceDown", "GatewayNodeDown", "ServiceRegionDown", "ServiceDown")
    late = ("GatewayWayDown", "ApiUnreachable", "ErrorBudgetBurn")
    place = order.index(told.name) if told.name in order else len(order)
    return place + (len(order) + late.index(told.name) if told.name in late else 0), told.began_s


@dataclass(slots=True, kw_only=True)
class _Working:
    spec: PlatformSpec
    made: dict[str, Made] = field(default_factory=dict)
    """By what is broken."""
    left: list[Left] = field(default_factory=list)

    def take(self, told: Told) -> None:
        ways: Mapping[str, Callable[[Told], None]] = {
            "ServiceInstanceDown": self._instance,
            "ServiceDown": self._service,
            "ServiceRegionDown": self._service,
            "GatewayNodeDown": self._node,
            "GatewayWayDown": self._way,
            "ApiUnreachable": self._way,
            "UpstreamErrors": self._errors,
            "HighErrorRate": self._errors,
            "HighLatency": self._latency,
            "AuthenticationFailures": self._refusals,
            "ErrorBudgetBurn": self._budget,
            "ScrapeTargetDown": self._metrics,
            "MetricsMissing": self._metrics,
        }
        if told.name in _FAULTS_OF_WHOLE:
            self._add(told, Fault(kind=_FAULTS_OF_WHOLE[told.name]))
        elif told.name in ways:
            ways[told.name](told)
        else:
            self._leave(told, f"no fault is known that makes {told.name} fire")

    def _instance(self, told: Told) -> None:
        found = self._known(told.labels.get("instance", ""))
        if found is None:
            self._leave(told, f"there is no instance {told.labels.get('instance', '')!r} here")
            return
        service, name = found
        kind = _kind_of(told)
        if not service.command:
            self._leave(told, f"nothing runs {service.name} here: it cannot be broken")
        elif service.executor is ExecutorKind.DOCKER and kind in _STAND_INS:
            self._leave(told, f"{name} is a container, and containers have no stand-ins ({kind.value})")
        else:
            self._add(told, _with_evidence(kind, name, told))

    def _service(self, told: Told) -> None:
        named, region = told.labels.get("service", ""), told.labels.get("region", "")
        service = next((each for each in self.spec.services if each.name == named), None)
        inside = [each for each in service.instances if region in ("", each.region)] if service is not None else []
        if service is None or not inside or not service.command:
            where = f" in {region}" if region else ""
            self._leave(told, f"nothing runs {named!r}{where} here")
            return
        missing = [each for each in inside if each.name not in self.made]
        if not missing:
            self._leave(told, f"it follows from the fault of {', '.join(str(each.name) for each in inside)}")
        for each in missing:
            self._add(told, Fault(kind=FaultKind.KILL, of=str(each.name)))

    def _node(self, told: Told) -> None:
        name = told.labels.get("node", "")
        if name not in {str(each.name) for each in self.spec.nodes}:
            self._leave(told, f"there is no gateway node {name!r} here")
            return
        hangs = "does not answer" in told.evidence or told.injected == FaultKind.HANG.value
        self._add(told, Fault(kind=FaultKind.HANG if hangs else FaultKind.KILL, of=name))

    def _way(self, told: Told) -> None:
        """Where every instance answered, what stood between was the node: it held requests up, or refused them."""
        if self._follows(told):
            return
        if status := _STATUS.search(told.evidence):
            self._at_gateway(told, FaultKind.ABORT, status=int(status[1]))
        elif "no answer" in told.evidence or told.injected == FaultKind.DELAY.value:
            self._at_gateway(told, FaultKind.DELAY, delay_ms=_SLOWER_MS)
        else:
            self._leave(told, f"its evidence names nothing that can be made: {told.evidence[:120]}")

    def _errors(self, told: Told) -> None:
        """Instances that are broken themselves make errors enough."""
        if self._follows(told):
            return
        status = _STATUS.search(told.evidence)
        code = int(status[1]) if status else 503
        self._at_gateway(told, FaultKind.ABORT, status=code, percent=_percent(told))

    def _latency(self, told: Told) -> None:
        found = _DURATION.search(told.summary) or _DURATION.search(told.evidence)
        delay_ms = round(float(found[1]) * (1 if found[2] == "ms" else 1000)) if found else _SLOWER_MS
        self._at_gateway(told, FaultKind.DELAY, delay_ms=max(1, delay_ms))

    def _refusals(self, told: Told) -> None:
        self._at_gateway(told, FaultKind.ABORT, status=401, percent=_percent(told))

    def _budget(self, told: Told) -> None:
        """So fast a burn is so large a share of bad requests."""
        if self._follows(told):
            return
        burn = _BURN.search(told.summary)
        percent = min(100, max(1, round(float(burn[1]) * (100 - float(burn[2]))))) if burn else 100
        if "latency" in told.labels.get("objective", ""):
            self._at_gateway(told, FaultKind.DELAY, delay_ms=_SLOWER_MS, percent=percent)
        else:
            self._at_gateway(told, FaultKind.ABORT, status=503, percent=percent)

    def _metrics(self, told: Told) -> None:
        named = told.labels.get("node") or told.labels.get("instance", "")
        node = next((str(each.name) for each in self.spec.nodes if named in (each.name, str(each.admin))), "")
        if node in self.made:
            self._leave(told, f"it follows from the fault of {node}")
        elif node:
            self._add(told, Fault(kind=FaultKind.METRICS_GONE, of=node))
        else:
            self._leave(told, f"nothing here tells the metrics of {named!r}")

    def _follows(self, told: Told) -> bool:
        """Whether what is made already makes this as well."""
        node, apis = told.labels.get("node", ""), self._apis(told)
        service = told.labels.get("service", "")
        inside = {str(each.name) for every in self.spec.services if every.name == service for each in every.instances}
        hosts = {each.virtual_host for each in self.spec.apis if each.name in apis}
        behind = [str(x.instance) for each in self.spec.virtual_hosts if each.name in hosts for x in each.targets]
        cause = next((each for each in (*apis, *sorted(inside), *behind, node) if each in self.made), "")
        if cause:
            self._leave(told, f"it follows from the fault of {cause}")
        return bool(cause)

    def _at_gateway(
        self, told: Told, kind: FaultKind, *, status: int = 503, percent: int = 100, delay_ms: int = 1000
    ) -> None:
        apis = self._apis(told)
        if not apis:
            named = told.labels.get("api") or told.labels.get("service") or told.name
            self._leave(told, f"no API here is the one of {named!r}")
            return
        longest_ms = int(self.spec.drills.longest_s * 1000)
        for each in apis:
            delay = min(delay_ms, longest_ms)
            self._add(told, Fault(kind=kind, of=each, status=status, percent=percent, delay_ms=delay))

    def _apis(self, told: Told) -> list[str]:
        """The one that it names, otherwise those that lead to its service."""
        known = {str(each.name): each for each in self.spec.apis}
        if told.labels.get("api"):
            return [name for name in known if name == told.labels["api"]]
        service = told.labels.get("service", "")
        inside = {each.name for every in self.spec.services if every.name == service for each in every.instances}
        hosts = {each.name for each in self.spec.virtual_hosts if any(x.instance in inside for x in each.targets)}
        return [name for name, each in known.items() if each.virtual_host in hosts]

    def _known(self, named: str) -> tuple[Service, str] | None:
        for service in self.spec.services:
            for each in service.instances:
                if named in (each.name, str(each.address)):
                    return service, str(each.name)
        return None

    def _add(self, told: Told, fault: Fault) -> None:
        what = fault.of or fault.kind.value
        if what in self.made:
            self._leave(told, f"it follows from the fault of {what}")
            return
        self.made[what] = Made(fault=fault, at_s=told.began_s, alert=told.name)

    def _leave(self, told: Told, why: str) -> None:
        left = Left(what=told.summary or told.name, why=why)
        if left not in self.left:
            self.left.append(left)


def _kind_of(told: Told) -> FaultKind:
    """By how it was broken, where that was on purpose; otherwise by the last thing that its check saw."""
    injected = next((each for each in OF_PROCESSES if each.value == told.injected), None)
    if injected is not None:
        return injected
    signs = (
        ("connection refused", FaultKind.KILL),
        ("no answer", FaultKind.HANG),
        ("body does not contain", FaultKind.WRONG_BODY),
        ("body is", FaultKind.WRONG_BODY),
        ("status ", FaultKind.ERRORS),
    )
    seen = [(told.evidence.rfind(sign), kind) for sign, kind in signs if sign in told.evidence]
    return max(seen, key=lambda each: each[0])[1] if seen else FaultKind.KILL


def _with_evidence(kind: FaultKind, name: str, told: Told) -> Fault:
    status = _STATUS.findall(told.evidence)
    code = int(status[-1]) if status else 503
    return Fault(kind=kind, of=name, delay_ms=_SLOWER_MS, status=code)


def _percent(told: Told) -> int:
    found = _SHARE.search(told.summary.partition("(")[0]) or _SHARE.search(told.summary)
    return min(100, max(1, round(float(found[1])))) if found else 100


def _drill(incident: int, alerts: Sequence[Told], made: Sequence[Made], spec: PlatformSpec) -> Drill:
    names = ", ".join(dict.fromkeys(each.name for each in alerts))
    processes = all(each.fault.kind in OF_PROCESSES for each in made)
    return Drill(
        name=f"replay-{incident}",
        what=f"incident #{incident} once more: {names}",
        faults=tuple(each.fault for each in made),
        for_s=_lasts_s(alerts, spec),
        api=_called(made, spec),
        spared=processes and _somebody_is_left(made, spec),
        cured=processes,
    )


def _lasts_s(alerts: Sequence[Told], spec: PlatformSpec) -> float:
    """As long as the alerts fired, and no longer than a fault may stand here."""
    ended = [each.ended_s for each in alerts if each.ended_s is not None]
    return max(1.0, min(float(spec.drills.longest_s), max([_LEAST_S, *(each + _SLACK_S for each in ended)])))


def _called(made: Sequence[Made], spec: PlatformSpec) -> str:
    """What clients call: the API that is broken itself, otherwise one that leads there, otherwise any."""
    known = {str(each.name) for each in spec.apis}
    broken = [each.fault.of for each in made]
    drills = drills_of(spec)
    beside = {each: _beside(each, spec) for each in broken}
    behind = [each.api for name in broken for each in drills if each.faults[0].of in beside[name] and each.api]
    found = [*(each for each in broken if each in known), *behind, *(each.api for each in drills if each.api)]
    return found[0] if found else ""


def _beside(name: str, spec: PlatformSpec) -> set[str]:
    """The instances of the same service."""
    groups: Iterator[set[str]] = ({str(each.name) for each in every.instances} for every in spec.services)
    return next((each for each in groups if name in each), {name})


def _somebody_is_left(made: Sequence[Made], spec: PlatformSpec) -> bool:
    broken = {each.fault.of for each in made}
    nodes = {str(each.name) for each in spec.nodes}
    hung = any(each.fault.of in nodes and each.fault.kind is not FaultKind.KILL for each in made)
    return not hung and not (nodes and nodes <= broken) and all(_beside(each, spec) - broken for each in broken - nodes)
