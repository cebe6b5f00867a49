"""Plans any runbook: every step with its risk, its values and why it will ask."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.permit import permitted
from stationmaster.runbooks.plan import platform
from stationmaster.runbooks.plan.jumps import jumps_of
from stationmaster.runbooks.plan.order import with_waits
from stationmaster.runbooks.plan.planned import Capture, Effect, Plan, PlannedKind, PlannedStep, is_of
from stationmaster.runbooks.plan.words import declared_risk, leaves, lettered, title_of, unique
from stationmaster.runbooks.read.document import (
    Action,
    Caution,
    Command,
    Condition,
    ConditionKind,
    Expectation,
    ExpectationKind,
    PlatformAction,
    Runbook,
    Session,
    SessionKind,
    Step,
    StepKind,
)
from stationmaster.runbooks.read.parameters import plain_name
from stationmaster.runbooks.redact import redacted
from stationmaster.runbooks.request import RunRequest, sources_of
from stationmaster.runbooks.risk import Risk, assess
from stationmaster.runbooks.risk.classes import worst
from stationmaster.runbooks.shell.script import Misfit, Value, fill, kept_variables
from stationmaster.runbooks.shell.sessions import compose, without_terminal
from stationmaster.runbooks.values import BoundPlace, Source, Sources, bind_places, problem_of

_LEFT_OUT = "left out: "
_PLATFORMS = "a platform does this"


def plan_alone(request: RunRequest) -> Plan:
    """The bound plan; nothing is run and nobody is asked. Raises PlatformError for a step that does not exist."""
    planning = _Planning(request=request, sources=sources_of(request))
    steps = with_waits(planning.steps())
    chosen = _chosen(steps, request)
    return Plan(
        runbook=request.runbook.title,
        digest=request.runbook.digest,
        instance=request.subject,
        service=str(request.binding.service.name) if request.binding is not None else request.runbook.service,
        steps=tuple(replace(step, asks=_asks(step, request)) for step in chosen),
    )


@dataclass(slots=True, kw_only=True)
class _Planning:
    """`outputs` says which step gave a name so far, `typed` what was typed into each session, `judged` what was
    expected of a command so far."""

    request: RunRequest
    sources: Sources
    outputs: dict[str, str] = field(default_factory=dict)
    typed: dict[str, list[str]] = field(default_factory=dict)
    judged: dict[str, tuple[Expectation, ...]] = field(default_factory=dict)
    _openers: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._openers = _openers(self.request.runbook)

    def steps(self) -> list[PlannedStep]:
        runbook = self.request.runbook
        judged = {step.judges: step.expectations for step in runbook.walk() if step.judges}
        found: list[PlannedStep] = []
        for step, inherited in leaves(runbook.steps, ()):
            parts = [self._opened(each) for each in self._parts(step, inherited, judged.get(step.address, ()))]
            found += _jumping(lettered(parts), step, runbook)
            self._note_outputs(found[-len(parts) :] if parts else [])
        return found

    def _opened(self, step: PlannedStep) -> PlannedStep:
        """What only opens a session need not run when each command of the session is sent through it on its own."""
        if step.command not in self._openers or step.session or step.risk is not Risk.INTERACTIVE:
            return step
        return replace(step, kind=PlannedKind.NEEDLESS, why="each command of its session is sent through it by itself")

    def _note_outputs(self, steps: Sequence[PlannedStep]) -> None:
        for step in steps:
            names = [plain_name(each.name) for each in step.captures] + [plain_name(each) for each in step.keeps]
            self.outputs.update(dict.fromkeys(names, step.key))

    def _parts(
        self, step: Step, inherited: tuple[Condition, ...], judged: tuple[Expectation, ...]
    ) -> Iterator[PlannedStep]:
        made, binding = _made(step, inherited), self.request.binding
        if binding is not None:
            made = replace(made, on_failure=made.on_failure or "continue")
        if binding is not None and step.kind is StepKind.NAVIGATION:
            yield platform.needs_no_person(made, step.why)
        elif step.kind is StepKind.EXPECTATION and step.judges:
            yield replace(made, kind=PlannedKind.NEEDLESS, why=f"judged together with step {step.judges}")
        elif step.kind in {StepKind.MANUAL, StepKind.NAVIGATION, StepKind.EXPECTATION}:
            yield replace(made, why=step.original, limit_s=step.wait_s or 0.0)
        else:
            looked_at = _looked_at(step)
            for command in step.commands:
                expected = (*step.expectations, *judged) if command is looked_at else ()
                yield self._command(made, step, command, self._expected(command, expected))
            for action in step.actions:
                yield from self._action(made, step, action, (*step.expectations, *judged))

    def _expected(self, command: Command, said: tuple[Expectation, ...]) -> tuple[Expectation, ...]:
        """What is called again without a word is judged as it was before: "re-call `curl …` to see the result"."""
        called = " ".join(command.text.split())
        if said:
            self.judged[called] = tuple(each for each in said if each.kind is not ExpectationKind.OTHER)
            return said
        return self.judged.get(called, ())

    def _action(
        self, made: PlannedStep, step: Step, action: Action, expectations: tuple[Expectation, ...]
    ) -> Iterator[PlannedStep]:
        binding = self.request.binding
        said = action.action in platform.OF_INSTANCES and step.commands
        if binding is None or action.action not in platform.DOES or said:
            yield from _action(made, step, action)
            return
        made = replace(made, conditions=unique((*made.conditions, *action.conditions)), limit_s=step.wait_s or 0.0)
        yield from platform.planned(made, action, binding, expectations)

    def _command(
        self, made: PlannedStep, step: Step, command: Command, expectations: tuple[Expectation, ...]
    ) -> PlannedStep:
        made = replace(
            made,
            title=title_of(step.text if step.text and len(step.commands) == 1 else command.text),
            lines=command.lines,
            conditions=unique((*made.conditions, *command.conditions)),
            cautions=unique_cautions((*step.cautions, *command.cautions)),
            session=command.session.opened_by,
        )
        forbidding = next((each for each in made.cautions if each.forbids), None)
        if forbidding is not None:
            refusal = f"the runbook says: {forbidding.text}"
            risk = assess(command.text).risk
            return replace(made, kind=PlannedKind.ACTION, command=command.text, risk=risk, refusal=refusal)
        binding = self.request.binding
        acts = platform.translated(command.text, binding) if binding is not None else None
        if isinstance(acts, platform.Foreign):
            return replace(made, kind=PlannedKind.ACTION, command=command.text, refusal=acts.why)
        text = acts.text if acts is not None else self._text(command)
        if text is None:
            why = f"it has to be typed into `{command.session.opened_by}`: {command.text}"
            return replace(made, kind=PlannedKind.MANUAL, command=command.text, why=why)
        if binding is None:
            return self._placed(made, step, text, expectations)
        placed = self._placed(made, step, platform.readdressed(text, binding), expectations)
        return platform.adapted(placed, command.text, acts)

    def _text(self, command: Command) -> str | None:
        session = command.session
        if session.kind is SessionKind.LOCAL:
            return without_terminal(command.text)
        before = self.typed.setdefault(session.opened_by, [])
        composed = compose(session, command.text, tuple(before))
        before.append(command.text)
        return composed

    def _placed(self, made: PlannedStep, step: Step, text: str, expectations: tuple[Expectation, ...]) -> PlannedStep:
        """The step with its values, its risk, and what it is judged by."""
        attributes = step.attributes
        places = self._places(tuple(filter(None, (text, attributes.verify, attributes.rollback))))
        shown = show(text, places)
        judged = assess(shown)
        risk = declared_risk(judged.risk, attributes.risk)
        if attributes.rollback and risk is not Risk.READ:
            risk = worst(risk, assess(show(attributes.rollback, places)).risk)
        reads = risk is Risk.READ
        kind = PlannedKind.CHECK if reads else PlannedKind.ACTION
        made = replace(
            made,
            kind=PlannedKind.MANUAL if risk is Risk.INTERACTIVE else kind,
            effect=Effect.NONE if risk is Risk.INTERACTIVE else Effect.COMMAND,
            risk=risk,
            script=text,
            command=redacted(shown),
            places=places,
            expectations=expectations,
            health=reads and any(each.kind is not ExpectationKind.OTHER for each in expectations),
            captures=_captures(attributes.capture),
            keeps=() if made.session else kept_variables(text),
            timeout_s=attributes.timeout_s or self._limit_s(reads),
            tries=(attributes.retries or 0) + 1,
            limit_s=step.wait_s or 0.0,
            verify=attributes.verify or "",
            rollback=attributes.rollback or "",
            declared=attributes.risk or "",
            second_person=risk is Risk.DESTROY or bool(attributes.second_person),
            why="; ".join(judged.why),
        )
        if made.health:
            recovered = ConditionKind.RECOVERED
            made = replace(made, conditions=tuple(each for each in made.conditions if each.kind is not recovered))
        return replace(made, kind=PlannedKind.WAIT, tries=0) if reads and step.wait_s else made

    def _limit_s(self, reads: bool) -> float:
        return self.request.read_timeout_s if reads else self.request.change_timeout_s

    def _places(self, texts: tuple[str, ...]) -> tuple[BoundPlace, ...]:
        found: dict[str, BoundPlace] = {}
        for text in texts:
            for place in bind_places(text, self.sources, self.outputs):
                found[place.written] = _fitting(found.get(place.written, place), text)
        return tuple(found.values())


def _looked_at(step: Step) -> Command | None:
    """The command that the step's expectations are about: its last look, but none that is only taken where the look
    before it showed something else ("if there is no list, use `docker logs`")."""
    if len(step.commands) == 1:
        return step.commands[0]
    looks = [each for each in step.commands if assess(each.text).risk is Risk.READ]
    sure = [each for each in looks if not each.conditions]
    return next(reversed(sure or looks), None)


def _openers(runbook: Runbook) -> frozenset[str]:
    """The commands that open sessions into which everything can be sent from outside."""
    typed: dict[Session, list[str]] = {}
    exact: dict[Session, bool] = {}
    for command in (each for step in runbook.walk() for each in step.commands):
        if command.session.kind is not SessionKind.LOCAL:
            before = typed.setdefault(command.session, [])
            sent = compose(command.session, command.text, tuple(before)) is not None
            exact[command.session] = exact.get(command.session, True) and sent
            before.append(command.text)
    return frozenset(session.opened_by for session, every in exact.items() if every)


def show(text: str, places: Sequence[BoundPlace]) -> str:
    """The text with every place that is known filled in; the rest stays as it is written."""
    values = {
        each.written: Value(text=each.value, free=bool(each.pattern)) for each in places if each.value is not None
    }
    filled = fill(text, values)
    return text if isinstance(filled, Misfit) else filled.text


def _fitting(place: BoundPlace, text: str) -> BoundPlace:
    """A value that may not stand at its place is refused, and another one will be asked for."""
    if place.value is None:
        return place
    problem = problem_of(place.value, place.pattern)
    if not problem:
        filled = fill(text, {place.written: Value(text=place.value, free=bool(place.pattern))})
        problem = filled.why if isinstance(filled, Misfit) and filled.written else ""
    if not problem:
        return place
    told = f"{place.told} is refused: {problem}"
    return replace(place, source=Source.ASKED, value=None, told=told)


def _made(step: Step, inherited: tuple[Condition, ...]) -> PlannedStep:
    return PlannedStep(
        key=step.address,
        title=title_of(step.text),
        lines=step.lines,
        kind=PlannedKind.MANUAL,
        conditions=unique(inherited),
        on_failure=step.attributes.on_failure or "",
        section=step.address.rpartition(".")[0],
        cautions=step.cautions,
    )


def unique_cautions(cautions: tuple[Caution, ...]) -> tuple[Caution, ...]:
    return tuple(dict.fromkeys(cautions))


def _action(made: PlannedStep, step: Step, action: Action) -> Iterator[PlannedStep]:
    """What the platform would do itself; without one it is a person's, except for a note."""
    made = replace(made, conditions=unique((*made.conditions, *action.conditions)))
    match action.action:
        case PlatformAction.NOTE_ADD:
            yield replace(made, kind=PlannedKind.ACTION, effect=Effect.NOTE, note=action.note or made.title)
        case PlatformAction.ESCALATE:
            who = f" ({', '.join(action.contacts)})" if action.contacts else ""
            why = f"escalate to level {action.level or 1}{who}: {step.original}"
            yield replace(made, kind=PlannedKind.ESCALATE, level=action.level or 1, contacts=action.contacts, why=why)
        case PlatformAction.SERVICE_RESTART | PlatformAction.SERVICE_LOGS if step.commands:
            return
        case _:
            yield replace(made, why=f"{_PLATFORMS} ({action.action.value}); without one, you do: {step.original}")


def _captures(said: str | None) -> tuple[Capture, ...]:
    if not said:
        return ()
    name, _, regex = said.partition("=")
    return (Capture(name=name, regex=regex),)


def _jumping(parts: list[PlannedStep], step: Step, runbook: Runbook) -> list[PlannedStep]:
    """The jumps of a step belong to the last of its parts."""
    jumps = jumps_of(step, runbook) if parts else ()
    return [*parts[:-1], replace(parts[-1], jumps=jumps)] if jumps else parts


def _chosen(steps: Sequence[PlannedStep], request: RunRequest) -> list[PlannedStep]:
    for wanted in (*request.only, *filter(None, (request.from_step,))):
        if not any(is_of(step.key, wanted) for step in steps):
            known = ", ".join(step.key for step in steps)
            raise PlatformError("no-such-step", f"there is no step {wanted}", hint=f"steps are {known}", status=404)
    begun = not request.from_step
    found: list[PlannedStep] = []
    for step in steps:
        begun = begun or is_of(step.key, request.from_step)
        found.append(_kept(step, request, begun))
    return found


def _kept(step: PlannedStep, request: RunRequest, begun: bool) -> PlannedStep:
    if not begun:
        return _left_out(step, f"it stands before step {request.from_step}")
    if request.only and not any(is_of(step.key, each) for each in request.only):
        return _left_out(step, f"only {', '.join(request.only)} was asked for")
    if request.read_only and (step.effect is not Effect.COMMAND or step.risk is not Risk.READ or step.after):
        return _left_out(step, "only the diagnosis was asked for")
    return replace(step, kind=PlannedKind.CHECK, tries=max(step.tries, 1)) if request.read_only else step


def _left_out(step: PlannedStep, why: str) -> PlannedStep:
    return replace(step, kind=PlannedKind.NEEDLESS, effect=Effect.NONE, why=f"{_LEFT_OUT}{why}")


def _asks(step: PlannedStep, request: RunRequest) -> str:
    match step.kind:
        case PlannedKind.NEEDLESS:
            return ""
        case PlannedKind.MANUAL if step.why.startswith(_PLATFORMS):
            return step.why.partition(":")[0]
        case PlannedKind.MANUAL | PlannedKind.ESCALATE:
            return "only a person can do it"
    reasons = [] if step.refusal or step.rolls_back else [_approval(step, request)]
    reasons += [f"a value for {each.written}" for each in step.places if each.source is Source.ASKED]
    if any(each.kind is ExpectationKind.OTHER for each in step.expectations):
        reasons.append("only a person can judge what it shows")
    return "; ".join(filter(None, reasons))


def _approval(step: PlannedStep, request: RunRequest) -> str:
    if step.risk is Risk.READ or step.effect is not Effect.COMMAND:
        return ""
    if step.second_person:
        return "a yes, and a second person's"
    untested = any(each.kind is ConditionKind.OTHER for each in step.conditions)
    allowed = permitted(request.policy, key=step.key, risk=step.risk, command=step.command)
    return "" if allowed and not untested else f"a yes: its class is {step.risk.value}"
