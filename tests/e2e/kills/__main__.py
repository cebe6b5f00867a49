"""`make kills`: drills with kills of the control plane at random moments until there were enough of them."""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.e2e.kills.drawn import Kind, Round
from tests.e2e.kills.ground import Ground, ground_in
from tests.e2e.kills.heard import Receiver, receiving
from tests.e2e.kills.play import Play, is_steady
from tests.e2e.station import wait_until
from tests.ports import free_ports


def killed(ground: Ground, receiver: Receiver, *, kills: int, seed: int, only: Kind | None) -> Counter[str]:
    """Rounds until so many control planes have died; counts what they came to."""
    counts: Counter[str] = Counter(kills=0, rounds=0, violated=0)
    while counts["kills"] < kills:
        wait_until(lambda: is_steady(ground), "the platform is in its steady state before a round", limit_s=300)
        drawn = Round.drawn(seed + counts["rounds"], only)
        play, started, before = Play(ground=ground, receiver=receiver, drawn=drawn), time.monotonic(), _told(ground)
        found = play.run()
        counts.update({"kills": play.killed, "rounds": 1, "violated": bool(found), drawn.kind.value: 1})
        counts.update({"restarts": _told(ground) - before, "pages": len(receiver.heard)})
        receiver.heard.clear()
        told = "; ".join(found) or "mended"
        print(f"{counts['kills']:>4} {drawn}: {told} in {time.monotonic() - started:.1f} s", flush=True)
    return counts


def _told(ground: Ground) -> int:
    return len(ground.station.facts("InstanceRestarted"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=None, help="round n draws from seed + n; one is made up if missing")
    parser.add_argument("--only", type=Kind, default=None, help=f"one of: {', '.join(each.value for each in Kind)}")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    print(f"SEED={seed} KILLS={given.kills}", flush=True)
    folder, next_port = Path(tempfile.mkdtemp(prefix="kills-")), free_ports()
    began = time.monotonic()
    with receiving(next_port()) as receiver:
        ground = ground_in(folder, next_port, receiver.url)
        try:
            # On a busy machine it may say that it is not ready yet: the first round waits for that.
            ground.station.begin_up().wait(180)
            counts = killed(ground, receiver, kills=given.kills, seed=seed, only=given.only)
        finally:
            ground.station.down()
            left = ground.station.processes()
            print(f"state and logs: {ground.station.state}; processes left: {left or 'none'}")
    print(f"{', '.join(f'{count} {what}' for what, count in counts.items())}; {time.monotonic() - began:.0f} s")
    return 1 if counts["violated"] or left else 0


if __name__ == "__main__":
    sys.exit(main())
