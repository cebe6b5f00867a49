"""`up` ends when it was asked to, also when the interrupt of the signal was lost on its way."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stationmaster.cli.up import Run, wait_until_ready
from stationmaster.config import StateDir


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
