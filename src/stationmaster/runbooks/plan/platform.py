"""What the platform does in a runbook's stead for the instance that an alert is about, as command lines of `stm`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from stationmaster.core.command import NOT_RUNNABLE
from stationmaster.core.spec import ExecutorKind
from stationmaster.runbooks.bind import Binding, BoundTarget
from stationmaster.runbooks.lacking.units import MOST_LINES, UnitCall, UnitVerb, unit_call
from stationmaster.runbooks.plan.planned import THE_PART_BEFORE, Effect, PlannedKind, PlannedStep
from stationmaster.runbooks.read.document import (
    Action,
    Condition,
    ConditionKind,
    Expectation,
    PlatformAction,
)
from stationmaster.runbooks.risk import Risk

DOES = frozenset(
    {
        PlatformAction.TARGET_REMOVE,
        PlatformAction.TARGET_ADD,
        PlatformAction.SERVICE_RESTART,
        PlatformAction.SERVICE_LOGS,
    }
)
OF_INSTANCES = frozenset({PlatformAction.SERVICE_RESTART, PlatformAction.SERVICE_LOGS})
SELF_HEALING_S = 5.0
AFTER_RESTART_S = 60.0
AFTER_RECOVERY_S = 10.0
LOG_LINES = 100
_LIMIT_S = 60.0
_PLACE = re.compile(
    r"[<\[{]+\s*(?:the )?(?:container|unit|service|instance)(?:[-_ ](?:name|id))?\s*[>\]}]+", re.IGNORECASE
)
"""A place whose value is the instance itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Translated:
    """`acts` is what the platform does there; None where a command only means the instance by another name. `tells`:
    its exit status says whether the instance works, in words of its own."""

    text: str
    acts: PlatformAction | None = None
    tells: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A command that is not about what the alert is about, or not of the kind that this instance is."""

    why: str


def translated(text: str, binding: Binding) -> Translated | Foreign | None:
    """Commands about the instance's container or unit are its executor's; None for every other command."""
    call = unit_call(text)
    if call is None:
        return None
    if not _is_own(call, binding):
        another = call.name in binding.services
        why = f"`{_one_line(text)}` is about {call.name}, and the alert about {binding.service.name}"
        return Foreign(why=why) if another else None
    name = str(binding.instance.name)
    match call.verb:
        case UnitVerb.RESTART:
            return Translated(
                text=line_of(PlatformAction.SERVICE_RESTART, binding), acts=PlatformAction.SERVICE_RESTART
            )
        case UnitVerb.START | UnitVerb.STOP:
            return Translated(text=f"stm instance {call.verb.value} {name}")
        case UnitVerb.LOGS:
            lines = call.lines or (MOST_LINES if call.rest else LOG_LINES)
            line = " ".join((f"stm instance logs {name} --tail {lines}", call.rest)).strip()
            return Translated(text=line, acts=PlatformAction.SERVICE_LOGS)
        case _ if call.container and binding.service.executor is ExecutorKind.DOCKER:
            return Translated(text=renamed(text, call.name, name))
        case UnitVerb.STATUS:
            line = " ".join((f"stm wait instance/{name} --for up --timeout 0s", call.rest)).strip()
            return Translated(text=line, tells=not call.rest)
        case UnitVerb.USAGE:
            return Translated(text=" ".join((f"stm instance usage {name}", call.rest)).strip())
        case _:
            why = f"{name} is no container: its executor is {binding.service.executor.value}"
            return Foreign(why=f"{NOT_RUNNABLE}: {why}")


def renamed(text: str, called: str, name: str) -> str:
    """The container bears its instance's name, whatever a document calls it."""
    return re.sub(rf"(?<![\w./-]){re.escape(called)}(?![\w./-])", name, text, count=1)


def _is_own(call: UnitCall, binding: Binding) -> bool:
    """By the name of the service or the instance, a compose name with its number, or a place that says "container"."""
    if _PLACE.fullmatch(call.name):
        return True
    service = binding.service
    known = {_plain(str(each)) for each in (service.name, binding.instance.name, *service.aliases)}
    named = _plain(call.name)
    return named in known or (call.container and re.sub(r"_\d+$", "", named) in known)


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def readdressed(text: str, binding: Binding) -> str:
    """`localhost:PORT` with the service's nominal port means the instance itself, wherever it listens."""
    host = re.escape(binding.instance.address.host)
    nominal = re.compile(rf"(?<![\w.-])(?:localhost|127\.0\.0\.1|{host}):{binding.service.port}(?!\d)")
    return nominal.sub(str(binding.instance.address), text)


def adapted(step: PlannedStep, says: str, acts: Translated | None) -> PlannedStep:
    """The step of a command with what the platform knows of it."""
    step = replace(step, says=says if says != step.command else "")
    if acts is not None and acts.tells:
        return replace(step, expectations=(), health=True)
    if acts is None or acts.acts is None:
        after_alert = any(each.kind is ConditionKind.RECOVERY_ALERT for each in step.conditions)
        if step.health and after_alert and step.kind is PlannedKind.CHECK:
            return replace(step, kind=PlannedKind.WAIT, tries=0, limit_s=AFTER_RECOVERY_S)
        return step
    step = replace(step, acts=acts.acts, health=False)
    return restart(step) if acts.acts is PlatformAction.SERVICE_RESTART else step


def line_of(action: PlatformAction, binding: Binding) -> str:
    name = binding.instance.name
    if action is PlatformAction.SERVICE_RESTART:
        return f"stm instance restart {name}"
    return f"stm instance logs {name} --tail {LOG_LINES}"


def planned(
    made: PlannedStep, action: Action, binding: Binding, expectations: tuple[Expectation, ...]
) -> Iterator[PlannedStep]:
    """The steps of what a runbook says in words."""
    match action.action:
        case PlatformAction.TARGET_REMOVE:
            yield from _remove(made, action, binding)
        case PlatformAction.TARGET_ADD:
            yield from _add(made, binding)
        case PlatformAction.SERVICE_RESTART:
            yield restart(_line(made, PlatformAction.SERVICE_RESTART, binding))
        case PlatformAction.SERVICE_LOGS:
            read = replace(_line(made, PlatformAction.SERVICE_LOGS, binding), kind=PlannedKind.CHECK, risk=Risk.READ)
            yield replace(read, expectations=expectations)


def restart(step: PlannedStep) -> PlannedStep:
    """Of something that answers nothing is restarted."""
    return replace(_implied(step, ConditionKind.DOWN), limit_s=step.limit_s or AFTER_RESTART_S)


def needs_no_person(made: PlannedStep, why: str) -> PlannedStep:
    return replace(made, kind=PlannedKind.NEEDLESS, why=why)


def _line(made: PlannedStep, action: PlatformAction, binding: Binding) -> PlannedStep:
    return _command(made, line_of(action, binding), action)


def _command(made: PlannedStep, text: str, acts: PlatformAction) -> PlannedStep:
    return replace(
        made,
        kind=PlannedKind.ACTION,
        effect=Effect.COMMAND,
        risk=Risk.CHANGE,
        script=text,
        command=text,
        acts=acts,
        timeout_s=_LIMIT_S,
        why="",
    )


def _remove(made: PlannedStep, action: Action, binding: Binding) -> Iterator[PlannedStep]:
    """Self-healing gets a few seconds to take the target out; then it is done here."""
    down = _implied(made, ConditionKind.DOWN)
    note = action.note or "manually removed target"
    for target in binding.targets:
        waiting = f"stm wait {_named(target)} --for out --timeout 0s"
        watch = replace(
            _command(down, waiting, PlatformAction.TARGET_REMOVE),
            title=f"self-healing takes {target.address} out of {target.virtual_host}",
            kind=PlannedKind.WAIT,
            risk=Risk.READ,
            tries=0,
            limit_s=SELF_HEALING_S,
        )
        change = replace(
            _command(down, f"stm target out {target.virtual_host} {target.address}", PlatformAction.TARGET_REMOVE),
            title=f"take {target.address} out of {target.virtual_host}",
            note=note,
            verify=waiting,
            unless_passed=THE_PART_BEFORE,
        )
        yield from (watch, change)
    if not binding.targets:
        yield _in_no_balancer(made, binding)


def _add(made: PlannedStep, binding: Binding) -> Iterator[PlannedStep]:
    for target in binding.targets:
        line = f"stm target auto {target.virtual_host} {target.address}"
        yield replace(
            _command(_implied(made, ConditionKind.RECOVERED), line, PlatformAction.TARGET_ADD),
            title=f"put {target.address} back into {target.virtual_host}",
            verify=f"stm wait {_named(target)} --for in --timeout 0s",
        )
    if not binding.targets:
        yield _in_no_balancer(made, binding)


def _named(target: BoundTarget) -> str:
    return f"target/{target.virtual_host}/{target.address}"


def _in_no_balancer(made: PlannedStep, binding: Binding) -> PlannedStep:
    return needs_no_person(made, f"{binding.instance.name} stands in no balancer")


def _implied(step: PlannedStep, kind: ConditionKind) -> PlannedStep:
    """A service that answers is not restarted or removed, and one that does not is not put back."""
    if any(each.kind in {kind, ConditionKind.STILL_DOWN} for each in step.conditions):
        return step
    return replace(step, conditions=(*step.conditions, Condition(kind=kind, text="implied")))
