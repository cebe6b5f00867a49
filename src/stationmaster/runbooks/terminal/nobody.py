"""An operator who is not there: told nothing, answers nothing."""

from stationmaster.runbooks.plan.planned import PlannedStep
from stationmaster.runbooks.talk import (
    ApprovalRequest,
    Approved,
    Choice,
    Denied,
    ManualDone,
    NeedsPersonError,
    NobodyThereError,
    Place,
    RunEvent,
    StepEnded,
)


class Nobody:
    def told(self, event: RunEvent) -> None:
        """Nobody listens."""

    async def approve(self, request: ApprovalRequest) -> Approved | Denied:
        raise NeedsPersonError(f"nobody can approve step {request.step.key}")

    async def fill(self, place: Place, problem: str = "") -> str | None:
        raise NeedsPersonError(f"nobody can say what {place.written} is")

    async def work_by_hand(self, step: PlannedStep) -> ManualDone:
        raise NobodyThereError(f"nobody can work step {step.key}")

    async def after_failure(self, step: PlannedStep, ended: StepEnded) -> Choice:
        raise NeedsPersonError(f"nobody can say how to go on after step {step.key}")
