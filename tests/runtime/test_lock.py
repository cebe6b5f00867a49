"""One process holds a lock; its end, however it comes, lets go of it."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from stationmaster.runtime.lock import acquire, acquire_quietly, holder

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


def test_who_asks_for_the_holder_at_that_moment_does_not_keep_the_lock_from_anybody(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    path.touch()
    asking = acquire_quietly(path)
    assert asking is not None
    threading.Timer(0.05, asking.release).start()
    mine = acquire(path)
    assert mine is not None
    mine.release()


def test_a_lock_file_is_holds_the_newest_id_and_nothing_of_an_earlier_text(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    path.write_text("9" * 30, "ascii")
    mine = acquire(path)
    assert mine is not None
    assert holder(path) == int(path.read_text("ascii")) == os.getpid()
    mine.release()
