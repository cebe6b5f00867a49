"""A run as its events tell it, gathered: when it began, what became of each step, who answered, how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.plan.planned import Plan, PlannedStep
from stationmaster.runbooks.talk import RunEvent, RunFinished, RunOpened, StepBegan, StepEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """`finished` is None while the run is open; `sittings` counts how often it was begun or taken up again."""

    run: str
    plan: Plan
    events: tuple[RunEvent, ...]
    began_at: datetime
    last_at: datetime
    finished: RunFinished | None
    ends: dict[str, StepEnded]
    begun: frozenset[str]
    """The steps that were begun, ended or not."""
    sittings: int

    @property
    def took(self) -> timedelta:
        return self.last_at - self.began_at

    def worked(self) -> list[tuple[PlannedStep, StepEnded | None]]:
        return [(step, self.ends.get(step.key)) for step in self.plan.steps]


def gather(events: Sequence[RunEvent]) -> Story:
    openings = [event for event in events if isinstance(event, RunOpened)]
    if not openings:
        raise PlatformError("run-empty", "nothing is written of this run", hint="see `stationmaster runbook runs`")
    earlier = {end.step: end for opening in openings for end in opening.ended}
    ends = earlier | {event.step: event for event in events if isinstance(event, StepEnded)}
    last = events[-1]
    moments = [event.at for event in events]
    return Story(
        run=openings[0].run,
        plan=openings[-1].plan,
        events=tuple(events),
        began_at=min(moments),
        last_at=max(moments),
        finished=last if isinstance(last, RunFinished) else None,
        ends=ends,
        begun=frozenset(event.step for event in events if isinstance(event, StepBegan)),
        sittings=len(openings),
    )
