"""Decides whether a fault may be made: where drills are allowed, for how long, and how many at once."""

from collections.abc import Sequence

from stationmaster.core.drills import OF_APIS, OF_PROCESSES, OF_THE_WHOLE, DrillPolicy, Fault, FaultKind
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec

MOST_AT_ONCE = 50


def refuse_unless_allowed(fault: Fault, spec: PlatformSpec, standing: Sequence[Fault], for_s: float) -> None:
    """Raises PlatformError `drills-forbidden` (403), `bad-fault`, `unknown-target` (404) or `faulted-already` (409)."""
    policy = spec.drills
    if not policy.allowed:
        hint = "declare `drills: {allowed: true}` where things may be broken on purpose"
        text = f"the environment {spec.environment} does not allow drills"
        raise PlatformError("drills-forbidden", text, hint=hint, status=403)
    _refuse_bad(fault, policy, for_s)
    _refuse_unknown(fault, spec)
    if any(each.of == fault.of and (each.of or each.kind is fault.kind) for each in standing):
        hint = "take that back first: `drill faults` shows it"
        text = f"{fault.of or fault.kind.value} is broken on purpose already"
        raise PlatformError("faulted-already", text, hint=hint, status=409)
    if len(standing) >= MOST_AT_ONCE:
        hint = "take some back first: `drill faults` shows them"
        raise PlatformError("too-many-faults", f"{len(standing)} faults stand already", hint=hint, status=409)


def _refuse_bad(fault: Fault, policy: DrillPolicy, for_s: float) -> None:
    problem = ""
    if not 0 < for_s <= policy.longest_s:
        problem = f"a fault lasts up to {policy.longest_s} s here, not {for_s:g} s"
    elif not 0 <= fault.delay_ms <= policy.longest_s * 1000:
        problem = f"{fault.delay_ms} ms is no delay"
    elif not 400 <= fault.status <= 599:
        problem = f"{fault.status} is no status of an error"
    elif not 0 < fault.percent <= 100:
        problem = f"{fault.percent} % is no share"
    if problem:
        raise PlatformError("bad-fault", problem, hint="`drill inject --help` says what goes")


def _refuse_unknown(fault: Fault, spec: PlatformSpec) -> None:
    if fault.kind in OF_PROCESSES:
        known = [str(each.name) for service in spec.services for each in service.instances]
        known += [str(each.name) for each in spec.nodes]
        what = "instance or gateway node"
    elif fault.kind in OF_APIS:
        known, what = [str(each.name) for each in spec.apis], "API"
    elif fault.kind is FaultKind.METRICS_GONE:
        known = [str(each.name) for service in spec.services if service.metrics for each in service.instances]
        known, what = [*known, *(str(each.name) for each in spec.nodes)], "instance with metrics or gateway node"
    elif fault.kind in OF_THE_WHOLE:
        known, what = [""], "part"
    else:
        return
    if fault.of not in known:
        hint = f"known are {', '.join(known)}" if any(known) else f"leave it out: {fault.kind.value} is of the whole"
        raise PlatformError("unknown-target", f"there is no {what} {fault.of!r}", hint=hint, status=404)
