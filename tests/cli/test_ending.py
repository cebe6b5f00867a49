"""`up` ends when it was asked to, also when the interrupt of the signal was lost on its way."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stationmaster.cli.up import Run, _end_beginner, wait_until_ready
from stationmaster.config import StateDir
from stationmaster.runtime.lock import acquire


def test_an_interrupt_that_python_lost_still_ends_the_wait(tmp_path: Path) -> None:
    run = Run(manifest=tmp_path / "platform.yaml", state=StateDir(tmp_path), nodes=None)
    run.ending.set()
    child = subprocess.Popen((sys.executable, "-c", "import time; time.sleep(60)"))
    try:
        with pytest.raises(KeyboardInterrupt):
            wait_until_ready(run, child)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait(5)


def test_a_control_plane_that_has_only_begun_to_start_does_not_outlive_its_up(tmp_path: Path) -> None:
    run = Run(manifest=tmp_path / "platform.yaml", state=StateDir(tmp_path), nodes=None)
    child = subprocess.Popen((sys.executable, "-c", "import time; time.sleep(60)"))
    run.started.append(child)
    _end_beginner(run)
    assert child.poll() == -signal.SIGKILL


def test_a_control_plane_that_runs_is_left_to_be_asked(tmp_path: Path) -> None:
    run = Run(manifest=tmp_path / "platform.yaml", state=StateDir(tmp_path), nodes=None)
    held = f"""
from pathlib import Path
from stationmaster.runtime.lock import acquire
import time
held = acquire(Path({str(run.state.control_lock)!r}))
print("held", flush=True)
time.sleep(60)
"""
    child = subprocess.Popen((sys.executable, "-c", held), stdout=subprocess.PIPE)
    run.started.append(child)
    try:
        assert child.stdout is not None
        with child.stdout as told:
            assert told.readline() == b"held\n"
        assert acquire(run.state.control_lock) is None
        _end_beginner(run)
        assert child.poll() is None
    finally:
        child.kill()
        child.wait(5)
