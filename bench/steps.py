"""What the durable journal of a run costs per step, beside the commands themselves and the whole run."""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import row
from stationmaster.runbooks.alone import Alone, RunRequest
from stationmaster.runbooks.commands.local import Order, run_locally
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.journal import Write
from stationmaster.runbooks.plan.planned import PlannedStep
from stationmaster.runbooks.read.reader import read_runbook
from stationmaster.runbooks.talk import (
    AfterFailure,
    ApprovalRequest,
    Approved,
    Choice,
    ManualDone,
    Place,
    RunEvent,
    StepEnded,
)
from stationmaster.runbooks.worked import Worked

_STEPS = 1_000
_ROUNDS = 3


@dataclass(slots=True)
class _Nobody:
    """An operator who is never asked."""

    ended: int = 0

    def told(self, event: RunEvent) -> None:
        self.ended += isinstance(event, StepEnded)

    async def approve(self, request: ApprovalRequest) -> Approved:
        return Approved(by="bench")

    async def fill(self, place: Place, problem: str = "") -> str | None:
        return None

    async def work_by_hand(self, step: PlannedStep) -> ManualDone:
        return ManualDone(verdict=Verdict.SKIPPED)

    async def after_failure(self, step: PlannedStep, ended: StepEnded) -> Choice:
        return Choice(what=AfterFailure.GO_ON)


@dataclass(slots=True)
class _Clock:
    """Sums up the time that the journal's writes take."""

    spent_s: list[float] = field(default_factory=list)


def rows() -> Iterator[str]:
    journaled, whole, bare = [], [], []
    for _ in range(_ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            spent_s, total_s = asyncio.run(_worked(Path(folder)))
            journaled.append(spent_s / _STEPS * 1000)
            whole.append(total_s / _STEPS * 1000)
            bare.append(asyncio.run(_bare(Path(folder))) / _STEPS * 1000)
    note = f"run of {_STEPS:,} steps, one after the other, SQLite WAL, synchronous=FULL"
    yield row("journal per step (a read: one durable write)", journaled, "ms", note=note)
    yield row("whole run per step", whole, "ms", note="reading, planning and the commands included")
    yield row("the same commands without a run", bare, "ms")


async def _worked(folder: Path) -> tuple[float, float]:
    clock, real = _Clock(), Worked.write

    async def timed(self: Worked, what: Write, *, heard: tuple[RunEvent, ...] = ()) -> None:
        started = time.perf_counter()
        await real(self, what, heard=heard)
        clock.spent_s.append(time.perf_counter() - started)

    Worked.write = timed  # type: ignore[method-assign,assignment]
    try:
        started = time.perf_counter()
        lines = "\n".join(f"echo step {number}" for number in range(_STEPS))
        reading = read_runbook(f"# Bench\n\n## Steps\n\n```bash\n{lines}\n```\n", file=str(folder / "bench.md"))
        person = _Nobody()
        face = Alone(journal=folder / "runs.db", operator=person, parallel=1)
        env = dict(os.environ)
        await face.start(RunRequest(runbook=reading.runbook, cwd=folder, requested_by="bench", env=env))
        await face.close()
        if person.ended != _STEPS:
            raise RuntimeError(f"{person.ended} steps ended instead of {_STEPS}")
        return sum(clock.spent_s), time.perf_counter() - started
    finally:
        Worked.write = real  # type: ignore[method-assign]


async def _bare(folder: Path) -> float:
    started = time.perf_counter()
    for number in range(_STEPS):
        argv, env = ("echo", "step", str(number)), dict(os.environ)
        order = Order(argv=argv, cwd=folder, env=env, timeout_s=10, marker="bench", reads=True, words=argv)
        await run_locally(order, lambda _text, _error: None)
    return time.perf_counter() - started
