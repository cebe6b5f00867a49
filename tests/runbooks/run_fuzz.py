"""Kills runs of runbooks at random instants and resumes them: no change twice, no step lost, the journal intact.

`python -m tests.runbooks.run_fuzz --kills 60 [--seed 1]`; the exit status is 1 when anything was done twice or lost.
"""

import argparse
import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from stationmaster.runbooks.commands.processes import MARKER
from stationmaster.runbooks.plan.alone import plan_alone
from stationmaster.runbooks.talk import StepEnded
from tests.runbooks.people import Person, alone, request

CHANGES = 6
ROOT = Path(__file__).parents[2]
LONGEST_S = 150.0
SOONEST_S, LATEST_S = 1.2, 14.0
"""A change that did not happen is looked for during 10 s before it is made again: who kills sooner every time
hinders it for ever. So the kills come later while nothing new is done."""


def document() -> str:
    """A look before each change; every change adds its line, and its verification looks for that line."""
    found = "# Fuzz\n\n## Steps\n\n"
    for number in range(1, CHANGES + 1):
        found += f"{2 * number - 1}. Look.\n   ```bash\n   cat canary\n   ```\n"
        verify = f'{{verify="grep -qx line-{number} canary"}}'
        change = f"sleep 0.05 && echo line-{number} >> canary && sleep 0.05"
        found += f"{2 * number}. Add a line.\n   ```bash {verify}\n   {change}\n   ```\n"
    return found


@dataclass(slots=True, kw_only=True)
class Tally:
    runs: int = 0
    kills: int = 0
    with_children: int = 0
    resumed: int = 0
    faults: list[str] = field(default_factory=list)


async def _work(folder: Path) -> None:
    """Starts the run, or goes on with the one that is open; asks nobody what only a person could know."""
    async with alone(folder, Person(manual=None)) as face:
        runs = await face.runs()
        if not runs:
            await face.start(request(document(), folder))
        elif runs[0].outcome is None:
            await face.resume(runs[0].id)


def _one_run(folder: Path, tally: Tally, kills: int, chance: random.Random) -> None:
    (folder / "canary").touch()
    until = time.monotonic() + LONGEST_S
    lines, idle = "", 0
    while time.monotonic() < until:
        argv = [sys.executable, "-m", "tests.runbooks.run_fuzz", "--work", str(folder)]
        process = subprocess.Popen(argv, cwd=ROOT, start_new_session=True, stderr=subprocess.PIPE)
        longest_s = min(SOONEST_S * 2**idle, LATEST_S)
        if tally.kills < kills and _killed(process, folder, tally, chance.uniform(0, longest_s), chance.random() < 0.5):
            before, lines = lines, (folder / "canary").read_text()
            idle = idle + 1 if lines == before else 0
            continue
        _, said = process.communicate()
        if process.returncode != 0:
            tally.faults.append(f"{folder.name}: ended with {process.returncode}: {said.decode()[-300:]}")
        return
    tally.faults.append(f"{folder.name}: did not come to its end")


def _killed(process: subprocess.Popen[bytes], folder: Path, tally: Tally, after_s: float, all_of_it: bool) -> bool:
    """Waits until the process has the journal open, and a while after; False when the run ended before."""
    journal = folder / ".runs" / "runs.db"
    while process.poll() is None and not _opened_by(process.pid, journal):
        time.sleep(0.005)
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        tally.kills += 1
        if all_of_it:
            tally.with_children += 1
            _kill_steps(folder)
        _look_at_journal(journal, tally)
        return True
    return False


def _opened_by(pid: int, path: Path) -> bool:
    try:
        return any(each.resolve() == path.resolve() for each in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def _kill_steps(folder: Path) -> None:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment, cwd = (entry / "environ").read_bytes(), (entry / "cwd").resolve()
        except OSError:
            continue
        if f"{MARKER}=".encode() in environment and cwd == folder.resolve():
            os.kill(int(entry.name), signal.SIGKILL)


def _look_at_journal(journal: Path, tally: Tally) -> None:
    with closing(sqlite3.connect(journal)) as found:
        verdict = found.execute("PRAGMA integrity_check").fetchone()[0]
    if verdict != "ok":
        tally.faults.append(f"{journal}: {verdict}")


async def _judge(folder: Path, tally: Tally) -> None:
    wanted = [f"line-{number}" for number in range(1, CHANGES + 1)]
    if (lines := (folder / "canary").read_text().split()) != wanted:
        tally.faults.append(f"{folder.name}: the canary holds {lines}")
    async with alone(folder, Person()) as face:
        runs = await face.runs()
        whole = [each for each in runs if each.outcome is not None and each.outcome.value == "cured"]
        if len(whole) != 1:
            tally.faults.append(f"{folder.name}: {[(each.id, each.outcome, each.why) for each in runs]}")
            return
        ended = [each.step for each in await face.story(whole[0].id) if isinstance(each, StepEnded)]
    keys = [step.key for step in plan_alone(request(document(), folder)).steps]
    if ended != keys:
        tally.faults.append(f"{folder.name}: ended steps are {ended}")


def fuzz(kills: int, seed: int) -> Tally:
    tally, chance = Tally(), random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="run-fuzz-") as name:
        while tally.kills < kills:
            tally.runs += 1
            folder = Path(name) / f"run-{tally.runs}"
            folder.mkdir()
            before = tally.kills
            _one_run(folder, tally, kills, chance)
            tally.resumed += tally.kills - before
            asyncio.run(_judge(folder, tally))
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--work", type=Path)
    options = parser.parse_args()
    if options.work is not None:
        asyncio.run(_work(options.work))
        return 0
    tally = fuzz(options.kills, options.seed)
    print(f"seed {options.seed}: {tally.runs} runs of {CHANGES} changes, killed {tally.kills} times", end=" ")
    print(f"({tally.with_children} with what they had started), {len(tally.faults)} faults")
    for each in tally.faults:
        print(f"  {each}")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
