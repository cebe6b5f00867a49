"""One process holds a lock; its end, however it comes, lets go of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from stationmaster.runtime.lock import acquire, holder

HOLD = "import sys, time; from stationmaster.runtime.lock import acquire; from pathlib import Path; \
held = acquire(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"


def test_nobody_holds_a_lock_that_was_never_taken(tmp_path: Path) -> None:
    assert holder(tmp_path / "a.lock") is None


def test_a_held_lock_names_its_process_and_refuses_a_second_one(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with subprocess.Popen((sys.executable, "-c", HOLD, str(path)), stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == b"held\n"
            assert acquire(path) is None
            assert holder(path) == other.pid
            os.kill(other.pid, signal.SIGKILL)
            other.wait(10)
            assert holder(path) is None
            mine = acquire(path)
            assert mine is not None
            mine.release()
        finally:
            other.kill()
