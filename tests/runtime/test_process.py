"""What the control plane asks of its machine at its start."""

import resource
import subprocess
import sys
from collections.abc import Callable

TELL = (
    "import gc, resource; from stationmaster.runtime import process; process.prepare();"
    "print(*resource.getrlimit(resource.RLIMIT_NOFILE), *gc.get_threshold())"
)


def told(before: Callable[[], None]) -> list[int]:
    found = subprocess.run([sys.executable, "-c", TELL], preexec_fn=before, capture_output=True, check=True, text=True)
    return list(map(int, found.stdout.split()))


def test_the_soft_limit_of_open_files_is_lifted_to_the_hard_one() -> None:
    soft, hard, *_ = told(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 2048)))
    assert (soft, hard) == (2048, 2048)


def test_a_limit_that_is_high_enough_stays() -> None:
    soft, hard, *_ = told(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512)))
    assert (soft, hard) == (512, 512)


def test_whole_collections_become_rare() -> None:
    *_, young, middle, old = told(lambda: None)
    assert young * middle * old > 1_000_000
