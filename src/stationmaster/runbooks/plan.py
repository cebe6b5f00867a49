"""Turns a runbook and a binding into a flat list of steps that an interpreter can walk."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from stationmaster.runbooks.bind import Binding, BoundCommand, Refusal, bind_command
from stationmaster.runbooks.planned import Effect, Plan, PlannedKind, PlannedStep
from stationmaster.runbooks.read.document import (
    Action,
    Command,
    Condition,
    ConditionKind,
    Expectation,
    ExpectationKind,
    PlatformAction,
    Runbook,
    Step,
    StepKind,
)
from stationmaster.runbooks.risk import Risk, assess
from stationmaster.runbooks.risk.classes import worst

__all__ = [
    "Effect",
    "Plan",
    "PlannedKind",
    "PlannedStep",
    "declared_risk",
    "leaves",
    "lettered",
    "make_plan",
    "title_of",
    "unique",
]

SELF_HEALING_S = 5.0
AFTER_RESTART_S = 60.0
AFTER_RECOVERY_S = 10.0
_PART_BEFORE = "<the part before>"


def make_plan(runbook: Runbook, binding: Binding) -> Plan:
    judged = {step.judges: step.expectations for step in runbook.walk() if step.judges}
    drafts: list[PlannedStep] = []
    for step, inherited in leaves(runbook.steps, ()):
        drafts += _Planner(step=step, inherited=inherited, binding=binding, judged=judged.get(step.address, ())).parts()
    steps = tuple(_with_waits(drafts))
    return Plan(
        runbook=runbook.title,
        digest=runbook.digest,
        instance=str(binding.instance.name),
        service=str(binding.service.name),
        steps=steps,
    )


def leaves(steps: tuple[Step, ...], inherited: tuple[Condition, ...]) -> Iterator[tuple[Step, tuple[Condition, ...]]]:
    """Every step that does something itself, with the conditions of the steps around it."""
    for step in steps:
        conditions = (*inherited, *step.conditions)
        if step.kind is StepKind.NOTE:
            continue
        below = {action.action for child in step.children for each in child.walk() for action in each.actions}
        own = tuple(action for action in step.actions if action.action not in below)
        if not step.children or step.commands or own:
            yield replace(step, actions=own), conditions
        yield from leaves(step.children, conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planner:
    """Plans one step of the runbook, which may become several."""

    step: Step
    inherited: tuple[Condition, ...]
    binding: Binding
    judged: tuple[Expectation, ...]

    def parts(self) -> list[PlannedStep]:
        step = self.step
        match step.kind:
            case StepKind.NAVIGATION:
                return [self._make(PlannedKind.NEEDLESS, why=step.why)]
            case StepKind.EXPECTATION if step.judges:
                return [self._make(PlannedKind.NEEDLESS, why=f"judged together with step {step.judges}")]
            case StepKind.MANUAL | StepKind.EXPECTATION:
                return [self._make(PlannedKind.MANUAL, why=step.original)]
        found = [part for command in step.commands for part in [self._command(command)]]
        for action in step.actions:
            found += self._action(action)
        return lettered(found)

    def _make(self, kind: PlannedKind, *, conditions: tuple[Condition, ...] = (), why: str = "") -> PlannedStep:
        attributes = self.step.attributes
        return PlannedStep(
            key=self.step.address,
            title=title_of(self.step.text),
            lines=self.step.lines,
            kind=kind,
            conditions=unique((*self.inherited, *conditions)),
            on_failure=attributes.on_failure or "continue",
            timeout_s=attributes.timeout_s or 10.0,
            why=why,
        )

    def _command(self, command: Command) -> PlannedStep:
        made = replace(self._make(PlannedKind.CHECK, conditions=command.conditions), title=title_of(command.text))
        bound = bind_command(command.text, self.binding)
        if isinstance(bound, BoundCommand) and bound.action is not None:
            return self._platform_command(made, bound)
        return self._shell_command(made, command, bound)

    def _platform_command(self, made: PlannedStep, bound: BoundCommand) -> PlannedStep:
        why = "; ".join(bound.why)
        if bound.action is PlatformAction.SERVICE_LOGS:
            return replace(made, effect=Effect.LOGS, why=why, expectations=self._expectations())
        return self._restart(replace(made, why=why))

    def _restart(self, made: PlannedStep) -> PlannedStep:
        changed = replace(made, kind=PlannedKind.ACTION, effect=Effect.RESTART, risk=Risk.CHANGE)
        limit = self.step.wait_s or AFTER_RESTART_S
        return _guarded(_implied(replace(changed, limit_s=limit), ConditionKind.DOWN))

    def _shell_command(self, made: PlannedStep, command: Command, bound: BoundCommand | Refusal) -> PlannedStep:
        judged = assess(command.text)
        risk, why = declared_risk(judged.risk, self.step.attributes.risk), "; ".join(judged.why)
        if opener := command.session.opened_by:
            return replace(made, kind=PlannedKind.ACTION, risk=risk, refusal=f"it belongs into `{opener}`")
        if risk is not Risk.READ:
            return replace(made, kind=PlannedKind.ACTION, risk=risk, refusal=f"its class is {risk.value}: {why}")
        if isinstance(bound, Refusal):
            return replace(made, risk=risk, refusal=bound.why)
        expectations = self._expectations()
        tries = (self.step.attributes.retries or 0) + 1
        waits = self.step.wait_s or 0.0
        return replace(
            made,
            kind=PlannedKind.WAIT if waits else PlannedKind.CHECK,
            effect=Effect.COMMAND,
            argv=bound.argv,
            expectations=expectations,
            health=any(each.kind is not ExpectationKind.OTHER for each in expectations),
            conditions=_for_check(made.conditions) if expectations else made.conditions,
            tries=0 if waits else tries,
            limit_s=waits,
            why="; ".join((why, *bound.why)),
        )

    def _expectations(self) -> tuple[Expectation, ...]:
        return (*self.step.expectations, *self.judged)

    def _action(self, action: Action) -> list[PlannedStep]:
        made = self._make(PlannedKind.ACTION, conditions=action.conditions)
        match action.action:
            case PlatformAction.TARGET_REMOVE:
                return self._remove(made, action)
            case PlatformAction.TARGET_ADD:
                return self._add(made)
            case PlatformAction.SERVICE_RESTART:
                return [self._restart(made)]
            case PlatformAction.SERVICE_LOGS:
                return [replace(made, kind=PlannedKind.CHECK, effect=Effect.LOGS, expectations=self._expectations())]
            case PlatformAction.NOTE_ADD:
                return [_guarded(replace(made, effect=Effect.NOTE, note=action.note))]
            case PlatformAction.ESCALATE:
                asked = replace(made, kind=PlannedKind.ESCALATE, level=action.level, contacts=action.contacts)
                if any(each.kind is ConditionKind.OTHER for each in asked.conditions):
                    return [replace(asked, kind=PlannedKind.MANUAL, why=self.step.original)]
                return [asked]

    def _remove(self, made: PlannedStep, action: Action) -> list[PlannedStep]:
        """Self-healing gets a few seconds to take the target out; then it is done here."""
        found: list[PlannedStep] = []
        down = _implied(made, ConditionKind.DOWN)
        for target in self.binding.targets:
            here = replace(down, virtual_host=str(target.virtual_host), target=target.address)
            watch = replace(
                here,
                title=f"self-healing takes {target.address} out of {target.virtual_host}",
                kind=PlannedKind.WAIT,
                effect=Effect.TARGET_IS_OUT,
                tries=0,
                limit_s=SELF_HEALING_S,
            )
            change = replace(
                here,
                title=f"take {target.address} out of {target.virtual_host}",
                effect=Effect.TARGET_REMOVE,
                risk=Risk.CHANGE,
                note=action.note or "manually removed target",
                unless_passed=_PART_BEFORE,
            )
            found += [watch, _guarded(change)]
        return found or [self._in_no_balancer(made)]

    def _add(self, made: PlannedStep) -> list[PlannedStep]:
        found = [
            _guarded(
                replace(
                    _implied(made, ConditionKind.RECOVERED),
                    title=f"put {target.address} back into {target.virtual_host}",
                    effect=Effect.TARGET_ADD,
                    risk=Risk.CHANGE,
                    virtual_host=str(target.virtual_host),
                    target=target.address,
                )
            )
            for target in self.binding.targets
        ]
        return found or [self._in_no_balancer(made)]

    def _in_no_balancer(self, made: PlannedStep) -> PlannedStep:
        return replace(made, kind=PlannedKind.NEEDLESS, why=f"{self.binding.instance.name} stands in no balancer")


def declared_risk(assessed: Risk, declared: str | None) -> Risk:
    """An author may say what we do not know, and may ask for more care, never for less."""
    if declared is None:
        return assessed
    return Risk(declared) if assessed is Risk.UNKNOWN else worst(assessed, Risk(declared))


def _for_check(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Whether it has recovered is what a check finds out; so that cannot be its condition."""
    return tuple(each for each in conditions if each.kind is not ConditionKind.RECOVERED)


def _implied(step: PlannedStep, kind: ConditionKind) -> PlannedStep:
    """A service that answers is not restarted or removed, and one that does not is not put back."""
    if any(each.kind in {kind, ConditionKind.STILL_DOWN} for each in step.conditions):
        return step
    return replace(step, conditions=(*step.conditions, Condition(kind=kind, text="implied")))


def _guarded(step: PlannedStep) -> PlannedStep:
    untested = next((each for each in step.conditions if each.kind is ConditionKind.OTHER), None)
    if untested is None:
        return step
    return replace(step, refusal=f"the platform cannot test its condition '{untested.text}'")


def _with_waits(steps: list[PlannedStep]) -> Iterator[PlannedStep]:
    """After a restart the next check is polled, up to the restart's limit; without one, the last check before it."""
    restart: PlannedStep | None = None
    last_check: PlannedStep | None = None
    for step in steps:
        if restart is not None and step.kind is not PlannedKind.NEEDLESS:
            if step.health:
                step = replace(step, kind=PlannedKind.WAIT, tries=0, limit_s=restart.limit_s, after=restart.key)  # noqa: PLW2901
            elif last_check is not None:
                yield _again(last_check, restart)
            restart = None
        elif step.health and any(each.kind is ConditionKind.RECOVERY_ALERT for each in step.conditions):
            step = replace(step, kind=PlannedKind.WAIT, tries=0, limit_s=AFTER_RECOVERY_S)  # noqa: PLW2901
        last_check = step if step.health else last_check
        restart = step if step.effect is Effect.RESTART and not step.refusal else restart
        yield step
    if restart is not None and last_check is not None:
        yield _again(last_check, restart)


def _again(check: PlannedStep, restart: PlannedStep) -> PlannedStep:
    return replace(
        check,
        key=f"{restart.key}w",
        kind=PlannedKind.WAIT,
        tries=0,
        limit_s=restart.limit_s,
        after=restart.key,
        conditions=(),
        title=f"wait until {check.title}",
    )


def lettered(steps: list[PlannedStep]) -> list[PlannedStep]:
    if len(steps) < 2:
        return steps
    keys = [f"{step.key}{_letter(number)}" for number, step in enumerate(steps)]
    return [
        replace(step, key=key, unless_passed=before if step.unless_passed == _PART_BEFORE else step.unless_passed)
        for step, key, before in zip(steps, keys, ["", *keys], strict=False)
    ]


def _letter(number: int) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[number] if number < 26 else f"z{number}"


def unique(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    return tuple({each.kind if each.kind is not ConditionKind.OTHER else each: each for each in conditions}.values())


def title_of(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= 120 else f"{plain[:119]}…"
