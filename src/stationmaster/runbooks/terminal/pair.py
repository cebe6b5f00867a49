"""An operator made of one who is told and one who is asked."""

from dataclasses import dataclass
from typing import Protocol

from stationmaster.runbooks.plan.planned import PlannedStep
from stationmaster.runbooks.talk import (
    ApprovalRequest,
    Approved,
    Choice,
    Denied,
    ManualDone,
    Place,
    RunEvent,
    StepEnded,
)


class Teller(Protocol):
    def told(self, event: RunEvent) -> None: ...


class Asker(Protocol):
    async def approve(self, request: ApprovalRequest) -> Approved | Denied: ...

    async def fill(self, place: Place, problem: str = "") -> str | None: ...

    async def work_by_hand(self, step: PlannedStep) -> ManualDone: ...

    async def after_failure(self, step: PlannedStep, ended: StepEnded) -> Choice: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    teller: Teller
    asker: Asker

    def told(self, event: RunEvent) -> None:
        self.teller.told(event)

    async def approve(self, request: ApprovalRequest) -> Approved | Denied:
        return await self.asker.approve(request)

    async def fill(self, place: Place, problem: str = "") -> str | None:
        return await self.asker.fill(place, problem)

    async def work_by_hand(self, step: PlannedStep) -> ManualDone:
        return await self.asker.work_by_hand(step)

    async def after_failure(self, step: PlannedStep, ended: StepEnded) -> Choice:
        return await self.asker.after_failure(step, ended)
