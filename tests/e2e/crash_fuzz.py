"""Kills key service instances, control planes and supervisors at random moments and checks every cure: `make fuzz`."""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import psutil

from stationmaster.cli.load import Load
from stationmaster.config import STATE_VARIABLE
from tests.e2e.cure import break_key_service, is_well, violations
from tests.e2e.station import PROGRAM, SAMPLE, Station, sample_with_free_ports, wait_until
from tests.ports import free_ports

INSTANCES = ("key-us-south", "key-us-east", "key-eu-de")
LONGEST_WAIT_S = 3.0
RATE = 20.0


class Strike(Enum):
    """What is killed; a value names the verbs whose processes die."""

    BOTH = ("control", "up")
    CONTROL = ("control",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One failure and the strikes that hit its cure, each after a wait; drawn from the seed alone."""

    seed: int
    instance: str
    strikes: tuple[tuple[float, Strike], ...]

    @classmethod
    def drawn(cls, seed: int) -> "Round":
        chance = random.Random(seed)
        count = chance.choice((1, 1, 2))
        strikes = [
            (round(chance.uniform(0, LONGEST_WAIT_S), 3), chance.choice((Strike.BOTH, Strike.BOTH, Strike.CONTROL)))
            for _ in range(count)
        ]
        return cls(seed=seed, instance=chance.choice(INSTANCES), strikes=tuple(strikes))

    def __str__(self) -> str:
        strikes = ", ".join(f"{strike.name.lower()} after {wait_s:.3f} s" for wait_s, strike in self.strikes)
        return f"seed {self.seed}: {self.instance}; {strikes}"


def strike(station: Station, target: Strike) -> int:
    """SIGKILL to every process of the platform that runs one of the verbs, supervisors first."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            verb = process.cmdline()[len(PROGRAM) :][:1]
            if verb and verb[0] in target.value and process.environ().get(STATE_VARIABLE) == str(station.state):
                found.append((verb[0], process))
    for _, process in sorted(found, key=lambda each: each[0], reverse=True):
        with suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs([process for _, process in found], timeout=10)
    return len(found)


def play(station: Station, drawn: Round) -> tuple[list[str], int]:
    """One round: the violations that it ended with, and the requests that were sent meanwhile."""
    urls = tuple(f"{station.node_url(number)}/api/auth/jwks" for number in (0, 1))
    with Load(urls, rate=RATE) as load:
        found = _cure_of(station, drawn)
        report = load.report()
    return [*found, *([f"lost {report.lost}: {report.reasons}"] if report.lost else [])], report.sent


def _cure_of(station: Station, drawn: Round) -> list[str]:
    starting: list[subprocess.Popen[bytes]] = []
    try:
        since = break_key_service(station, drawn.instance)
        for wait_s, target in drawn.strikes:
            time.sleep(wait_s)
            strike(station, target)
            if target is Strike.BOTH:
                starting.append(station.begin_up())
        return violations(station, since, drawn.instance)
    except AssertionError as error:
        return [str(error)]
    finally:
        for process in starting:
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)
            process.kill()
            process.wait()


def fuzz(station: Station, runs: int, seed: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    for number in range(runs):
        if not is_well(station):
            wait_until(lambda: is_well(station), "all is well before a round", limit_s=60)
        drawn = Round.drawn(seed + number)
        started = time.monotonic()
        found, sent = play(station, drawn)
        counts.update(rounds=1, strikes=len(drawn.strikes), requests=sent, violated=bool(found))
        print(
            f"{number + 1:>4} {drawn}: {'; '.join(found) or 'cured'} in {time.monotonic() - started:.1f} s", flush=True
        )
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None, help="round n draws from seed + n; one is made up if missing")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    print(f"SEED={seed} RUNS={given.runs}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="crash-fuzz-"))
    document = sample_with_free_ports(free_ports(), (SAMPLE.parent / "runbooks",))
    document["healing"]["max_restarts_per_hour"] = 3600
    station = Station(folder=folder, document=document)
    station.write_manifest()
    try:
        station.up()
        counts = fuzz(station, given.runs, seed)
    finally:
        station.down()
        left = station.processes()
        print(f"state and logs: {station.state}; processes left: {left or 'none'}")
    print(", ".join(f"{count} {what}" for what, count in counts.items()))
    return 1 if counts["violated"] or left else 0


if __name__ == "__main__":
    sys.exit(main())
