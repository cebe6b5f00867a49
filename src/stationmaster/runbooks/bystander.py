"""The operator of a run that the platform works for an incident: asks the people on duty, and never waits for more."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from stationmaster.runbooks.consent.approvals import Approvals, Needless
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.planned import PlannedKind, PlannedStep
from stationmaster.runbooks.talk import (
    AfterFailure,
    ApprovalRequest,
    Approved,
    Choice,
    Denied,
    ManualDone,
    Place,
    RunEvent,
    StepEnded,
)

Escalate = Callable[[PlannedStep], Awaitable[None]]
LEFT = "left to a person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bystander:
    """What only a person can do or judge is left to them, and the run goes on with what it can do; a change that failed
    ends it. `escalate` asks for a level of the runbook."""

    incident: int
    runbook: str
    approvals: Approvals
    escalate: Escalate
    needless: Needless

    def told(self, event: RunEvent) -> None:
        """The journal and the timeline tell it."""

    async def approve(self, request: ApprovalRequest) -> Approved | Denied:
        return await self.approvals.ask(self.incident, self.runbook, request, needless=self.needless)

    async def fill(self, place: Place, problem: str = "") -> str | None:
        """Nobody is asked for a value: the step that needs it is refused, and says which."""
        return None

    async def work_by_hand(self, step: PlannedStep) -> ManualDone:
        if step.kind is not PlannedKind.ESCALATE:
            return ManualDone(verdict=Verdict.MANUAL, why=f"{LEFT}: {step.why or step.title}")
        if step.conditions:
            conditions = "; ".join(each.text for each in step.conditions)
            return ManualDone(verdict=Verdict.MANUAL, why=f"{LEFT}, who can tell whether this holds: {conditions}")
        await self.escalate(step)
        return ManualDone(verdict=Verdict.PASSED, why=f"level {step.level} is asked to look", by="runbooks")

    async def after_failure(self, step: PlannedStep, ended: StepEnded) -> Choice:
        return Choice(what=AfterFailure.STOP, why="a change is not tried again unasked", by="runbooks")
