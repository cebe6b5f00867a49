"""A small run for tests of what shows runs: its plan, its questions, its story."""

from datetime import UTC, datetime, timedelta

from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.planned import Effect, Plan, PlannedKind, PlannedStep
from stationmaster.runbooks.read.document import Caution
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.risk import Risk
from stationmaster.runbooks.run import Outcome
from stationmaster.runbooks.talk import (
    ApprovalRequest,
    OutputSeen,
    Place,
    RunEvent,
    RunFinished,
    RunOpened,
    StepBegan,
    StepEnded,
    Waiting,
)

MOMENT = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
RUN = "20260105-030000-a1b2"
EVIL = "\x1b]0;owned\x07\x1b[2J[red]not markup[/red] ```` \u202eolleh"


def at(seconds: float) -> datetime:
    return MOMENT + timedelta(seconds=seconds)


def step(key: str, *, command: str = "", risk: Risk = Risk.READ, title: str = "") -> PlannedStep:
    return PlannedStep(
        key=key,
        title=title or command or f"look at {key}",
        lines=Lines(first=3, last=4),
        kind=PlannedKind.CHECK if risk is Risk.READ else PlannedKind.ACTION,
        effect=Effect.COMMAND,
        risk=risk,
        command=command,
    )


LOOK = step("1.1", command="df -h /data")
CHANGE = step("1.2", command="touch /data/room", risk=Risk.CHANGE)
DESTROY = step("2", command="rm -rf /data/db-0", risk=Risk.DESTROY, title="Remove the | volume <b>db-0</b>")
HAND = PlannedStep(
    key="3", title="Tell the team", lines=Lines(first=9, last=9), kind=PlannedKind.MANUAL, why="Tell the team."
)
PLAN = Plan(runbook="Volume full", digest="ab" * 32, instance="", service="db", steps=(LOOK, CHANGE, DESTROY, HAND))


def request(
    planned: PlannedStep = CHANGE, *, named: str = "db-0", expires_at: datetime | None = None
) -> ApprovalRequest:
    return ApprovalRequest(
        run=RUN,
        step=planned,
        command=planned.command,
        risk=planned.risk,
        why=("it changes files",),
        named=named,
        digest="cd" * 32,
        requested_by="ada",
        expires_at=expires_at or at(900),
        second_person=planned.risk is Risk.DESTROY,
    )


def place(*, secret: bool = False) -> Place:
    return Place(name="pod", written="<pod>", used_in="1.1", pattern="db-[0-9]+", secret=secret)


CAUTIOUS = PlannedStep(
    key="4",
    title="Careful",
    lines=Lines(first=1, last=2),
    kind=PlannedKind.ACTION,
    command="reboot",
    risk=Risk.CHANGE,
    cautions=(Caution(text="only at night", line=1),),
    rollback="",
)


def story() -> tuple[RunEvent, ...]:
    """A look, a change that was interrupted and resumed, a destroy that a second person approved, and an end."""
    looked = StepEnded(
        at=at(1), step="1.1", verdict=Verdict.PASSED, why="contains 'Filesystem'", exit_status=0, took_ms=900
    )
    return (
        RunOpened(at=at(0), run=RUN, plan=PLAN),
        StepBegan(at=at(0.1), step="1.1", command="df -h /data"),
        OutputSeen(at=at(0.2), step="1.1", text="Filesys"),
        OutputSeen(at=at(0.3), step="1.1", text=f"tem 99%\n{EVIL}\nunfinished"),
        looked,
        StepBegan(at=at(2), step="1.2", command="touch /data/room"),
        RunOpened(at=at(60), run=RUN, plan=PLAN, resumed=True, ended=(looked,)),
        StepBegan(at=at(61), step="1.2", command="touch /data/room", attempt=2),
        Waiting(at=at(61.5), step="1.2", why="not there yet", until=at(70)),
        StepEnded(at=at(62), step="1.2", verdict=Verdict.PASSED, why="saw ''", took_ms=800, attempts=2, by="ada"),
        StepBegan(at=at(63), step="2", command="rm -rf /data/db-0"),
        StepEnded(
            at=at(64),
            step="2",
            verdict=Verdict.FAILED,
            why="exit status 1 and '`rm`: no'",
            exit_status=1,
            output="```\nfence\n```\n</details><script>x</script>",
            took_ms=500,
            by="grace",
        ),
        RunFinished(at=at(65), run=RUN, outcome=Outcome.ESCALATED, why="step 2 failed"),
    )
