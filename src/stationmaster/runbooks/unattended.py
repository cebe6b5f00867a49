"""Works a runbook for an incident: plans it from the alert, does what is safe by itself, asks for a yes to what is
risky, and leaves to people what only they can do."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path, PurePosixPath

import structlog

from stationmaster.core.facts import Alert, DiagnosisMade, EscalationAsked, Fact, NoteAdded, RunStepEnded
from stationmaster.core.names import InstanceName
from stationmaster.core.spec import PlatformSpec
from stationmaster.runbooks import journal, store
from stationmaster.runbooks.about import values_about
from stationmaster.runbooks.astray import refused, trusted
from stationmaster.runbooks.bind import Binding, InventoryView, bind, targets_of
from stationmaster.runbooks.bounded import Bounds
from stationmaster.runbooks.bystander import Bystander
from stationmaster.runbooks.commands.local import Runner, run_locally
from stationmaster.runbooks.consent.approvals import Approvals
from stationmaster.runbooks.diagnosis.diagnosing import (
    MADE,
    Ask,
    Diagnosing,
    LookAround,
    again,
    nobody_answers,
    nothing_around,
)
from stationmaster.runbooks.diagnosis.signs import suspects_of
from stationmaster.runbooks.driving import Driving
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.hands import Hands
from stationmaster.runbooks.journal import Write
from stationmaster.runbooks.keeping import Kept
from stationmaster.runbooks.looking import Looking
from stationmaster.runbooks.own_lines import OwnLines
from stationmaster.runbooks.perform import Perform
from stationmaster.runbooks.permit import Policy
from stationmaster.runbooks.plan.alone import plan_alone
from stationmaster.runbooks.plan.planned import Effect, Plan, PlannedKind, PlannedStep
from stationmaster.runbooks.read.document import PlatformAction, Runbook
from stationmaster.runbooks.request import RunRequest, kept_request, request_again
from stationmaster.runbooks.run import RECOVERY_LIMIT_S, Finish, Outcome, Signals
from stationmaster.runbooks.talk import ApprovalRequest, Approved, StepEnded
from stationmaster.runbooks.worked import Worked
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database

log = structlog.get_logger("runbooks")

BY = "runbooks"
READ_LIMIT_S, CHANGE_LIMIT_S = 30.0, 120.0
AT_ONCE = 4
"""Reads that depend on nothing still open run together."""
_LONGEST_SHOWN = 160
_SUBJECTS = ("instance", "node", "api", "virtual_host", "service")
"""What an alert is about, the narrowest first: several alerts about it are worked once by the same runbook."""
SAFE = Policy(
    name="safe by itself",
    commands=(
        "stm target out",
        "stm target in",
        "stm target auto",
        "stm target drain",
        "stm instance start",
        "stm instance restart",
        "stm node start",
        "stm incident note",
        "stm incident escalate",
        "stm incident raise",
    ),
)
"""What the platform itself does unasked when it heals: bounded, visible, and taken back by its opposite. Everything
else that changes something wants a yes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unattended:
    """`env` is what commands of a run see, made anew for each of its processes, and `let_go` hears when a run needs it
    no longer; `folder` is where they run."""

    database: Database
    approvals: Approvals
    spec: Callable[[], PlatformSpec]
    env: Callable[[str], Mapping[str, str]]
    folder: Path
    now: Callable[[], datetime]
    policy: Policy = field(default=SAFE)
    let_go: Callable[[str], None] = field(default=lambda _run: None)
    perform: Perform | None = None
    runner: Runner = run_locally
    state: Path | None = None
    """The folder of the platform that runbooks call `<state>`."""
    bounds: Bounds | None = None
    """Of what is changed unasked; None binds nothing."""
    ask: Ask = nobody_answers
    around: LookAround = nothing_around

    def request(self, runbook: Runbook, alert: Alert, run: str) -> RunRequest:
        """To plan with: nothing is lent to the run before it is worked. Labels that lead to what is secret are left
        out."""
        state = None if self.state is None else PurePosixPath(self.state)
        for name, why in refused(alert.labels, state).items():
            log.warning("label is not used", run=run, label=name, why=why)
        alert = trusted(alert, state)
        spec, env = self.spec(), self.env(run)
        self.let_go(run)
        bound = bind(alert, InventoryView.of(spec))
        binding = bound if isinstance(bound, Binding) else None
        subject = next((alert.labels[each] for each in _SUBJECTS if alert.labels.get(each)), "")
        return RunRequest(
            runbook=runbook,
            cwd=self.folder,
            requested_by=BY,
            host=str(binding.instance.name) if binding is not None else subject,
            values={**values_about(alert, spec), **({"state": str(self.state)} if self.state is not None else {})},
            labels={**alert.labels, **({"url": alert.url} if alert.url else {})},
            inventory=InventoryView.of(spec),
            binding=binding,
            env=env,
            policy=self.policy,
            read_timeout_s=READ_LIMIT_S,
            change_timeout_s=CHANGE_LIMIT_S,
        )

    def plan(self, request: RunRequest, alert: Alert) -> Plan:
        """Raises PlatformError where the document cannot be planned."""
        return replace(plan_alone(request), suspects=suspects_of(request.runbook, alert, request.values))

    def kept(self, request: RunRequest) -> Mapping[str, object]:
        """What is journaled of it."""
        return kept_request(request)

    async def work(self, run: store.Run) -> Finish:
        """From where its journal stands to its end. The run of a process that died goes on, and probes first."""
        if run.plan is None:
            return Finish(outcome=Outcome.ABORTED, why="its plan cannot be read by this version")
        try:
            await asyncio.to_thread(self.folder.mkdir, mode=0o700, parents=True, exist_ok=True)
            worked = self._worked(run, run.plan)
            await worked.load()
            hands = Hands(worked=worked, check_second=_counted, kept=self._kept(run))
            hear = partial(self._heard, run)
            worked.signals = await hear()
            await self._diagnosing(run, worked, hands.looking).begin()
            driving = Driving(worked=worked, hands=hands, parallel=AT_ONCE, hear=hear, rest=self._rest)
            finish = await driving.to_end()
        finally:
            self.let_go(run.id)
        finish = await self._after(run, finish)
        await hands.changing.keeping.at_end()
        return finish

    def _diagnosing(self, run: store.Run, worked: Worked, looking: Looking) -> Diagnosing:
        return Diagnosing(worked=worked, looking=looking, run=run, ask=self.ask, around=self.around, at_once=AT_ONCE)

    async def diagnoses(self, incident: int) -> Sequence[DiagnosisMade]:
        """What the runs of an incident found out, in the order of the runs."""
        async with self.database.read() as connection:
            kept = await journal.kept_of(connection, incident, MADE)
        return [made for each in kept if (made := again(each)) is not None]

    def _kept(self, run: store.Run) -> Kept | None:
        if self.bounds is None:
            return None
        return Kept(bounds=self.bounds, incident=run.incident, failing_since=run.alert_at)

    async def _rest(self, until: datetime) -> None:
        """Until that moment, or until something is written: it may be what is waited for."""
        left = (until - self.now()).total_seconds()
        await self.database.committed.beyond(self.database.committed.count, max(0.0, min(left, 1.0)))

    async def _after(self, run: store.Run, finish: Finish) -> Finish:
        """Whether it helped is what the alert says: when all is well again it is given a while to recover."""
        if finish.outcome not in {Outcome.CURED, Outcome.PASSED}:
            return finish
        waits = finish.well or finish.outcome is Outcome.CURED
        until = self.now() + timedelta(seconds=RECOVERY_LIMIT_S if waits else 0)
        while True:
            seen = self.database.committed.count
            if await self._recovered(run):
                return Finish(outcome=Outcome.CURED, why=f"the alert has recovered; {finish.why}")
            if self.now() >= until:
                return Finish(outcome=Outcome.ESCALATED, why=f"the alert still fires; {finish.why}")
            await self.database.committed.beyond(seen, 1.0)

    async def _recovered(self, run: store.Run) -> str:
        heard = await self._heard(run)
        return "the alert has recovered meanwhile" if heard.recovered_at is not None else ""

    async def _heard(self, run: store.Run) -> Signals:
        async with self.database.read() as connection:
            return await store.heard(connection, run)

    def _worked(self, run: store.Run, plan: Plan) -> Worked:
        runbook = Runbook(file=run.file, digest=run.digest, title=run.runbook)
        request = request_again(run.request or {}, runbook, env=self.env(run.id), values={})
        operator = Bystander(
            incident=run.incident,
            runbook=run.runbook,
            approvals=self.approvals,
            escalate=partial(self._escalate, run),
            needless=partial(self._recovered, run),
        )
        return Worked(
            run=run.id,
            plan=plan,
            request=replace(request, read_timeout_s=READ_LIMIT_S, change_timeout_s=CHANGE_LIMIT_S),
            database=self.database,
            file=None,
            operator=operator,
            now=self.now,
            runner=self._runner(run, plan),
            tells=partial(_facts_of, run, plan),
        )

    def _runner(self, run: store.Run, plan: Plan) -> Runner:
        """What concerns the run's own instance needs no process."""
        instance = InstanceName(plan.instance)
        targets = targets_of(instance, InventoryView.of(self.spec()))
        if self.perform is None or targets is None:
            return self.runner
        return OwnLines(
            instance=instance,
            targets=targets,
            perform=self.perform,
            why=f"'{run.runbook}'",
            incident=run.incident,
            otherwise=self.runner,
        )

    async def _escalate(self, run: store.Run, step: PlannedStep) -> None:
        at, contact = self.now(), ", ".join(step.contacts)
        why = f"'{run.runbook}' says so: {step.title}"
        async with self.database.write() as connection:
            asked = EscalationAsked(at=at, incident=run.incident, level=step.level, why=why, contact=contact)
            await outbox.append(connection, asked)
            await store.claim_asking(connection, run.id)


def _counted(_request: ApprovalRequest, _answer: Approved, _now: datetime) -> str:
    """Two people have said yes before `Approvals` answers at all."""
    return ""


def _facts_of(run: store.Run, plan: Plan, what: Write) -> Sequence[Fact]:
    """A step of the run in the timeline of its incident."""
    steps = {each.key: each for each in plan.steps}
    found: list[Fact] = []
    for event in what.events:
        if isinstance(event, StepEnded) and (step := steps.get(event.step)) is not None and _matters(step, event):
            found.append(_ended(run, step, event))
            if note := _note_of(step, event, plan):
                key = store.idempotency_key(run.id, step)
                found.append(NoteAdded(at=event.at, incident=run.incident, key=key, by=BY, text=note))
    return found


def _note_of(step: PlannedStep, ended: StepEnded, plan: Plan) -> str:
    """What stands with the incident beside the step's line: a note that the runbook asks for, what a log says."""
    if step.acts is PlatformAction.SERVICE_LOGS and ended.verdict in {Verdict.PASSED, Verdict.FAILED}:
        said = ended.output.strip()
        return f"log of {plan.instance} ({ended.why}):\n{said}" if said else f"log of {plan.instance}: empty"
    if not step.note or ended.verdict is not Verdict.PASSED:
        return ""
    return step.note if step.effect is Effect.NOTE else f"{step.note}: {ended.output.strip() or step.title}"


def _matters(step: PlannedStep, ended: StepEnded) -> bool:
    """A verification or a rollback of what was not done is no news."""
    of_another = bool(step.rolls_back) or step.key == f"{step.after}v"
    return step.kind is not PlannedKind.NEEDLESS and not (of_another and ended.verdict is Verdict.SKIPPED)


def _shown(command: str) -> str:
    """A command as one line that can be read in passing; the transcript of the run has all of it."""
    lines = command.strip().splitlines()
    if len(lines) > 1:
        return f"ran a script of {len(lines)} lines: "
    return f"ran `{_shortened(command)}`: "


def _shortened(command: str) -> str:
    plain = " ".join(command.split())
    return plain if len(plain) <= _LONGEST_SHOWN else f"{plain[:_LONGEST_SHOWN]}…"


def _ended(run: store.Run, step: PlannedStep, event: StepEnded) -> RunStepEnded:
    ran = _shown(event.command) if event.command and event.verdict in {Verdict.PASSED, Verdict.FAILED} else ""
    by = f" (allowed by {event.by})" if event.by and step.kind is PlannedKind.ACTION else ""
    by += f" (the runbook says `{_shortened(step.says)}`)" if ran and step.says else ""
    if event.verdict is Verdict.REFUSED and event.command and _shortened(event.command) not in step.title:
        by += f" (`{_shortened(event.command)}`)"
    return RunStepEnded(
        at=event.at,
        incident=run.incident,
        run=run.id,
        step=step.key,
        title=step.title,
        verdict=event.verdict.value,
        detail=f"{ran}{event.why}{by}",
    )
