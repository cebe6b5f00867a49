"""What the control plane asks of its machine at its start."""

import subprocess
import sys

TELL = (
    "import gc, resource; {before}; from stationmaster.runtime import process; process.prepare();"
    "print(*resource.getrlimit(resource.RLIMIT_NOFILE), *gc.get_threshold())"
)


def told(soft: int, hard: int) -> list[int]:
    """The limits are set by the child itself: nothing of ours may run between a fork of many threads and its exec."""
    code = TELL.format(before=f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))")
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert found.returncode == 0, found.stderr
    return list(map(int, found.stdout.split()))


def test_the_soft_limit_of_open_files_is_lifted_to_the_hard_one() -> None:
    soft, hard, *_ = told(256, 2048)
    assert (soft, hard) == (2048, 2048)


def test_a_limit_that_is_high_enough_stays() -> None:
    soft, hard, *_ = told(512, 512)
    assert (soft, hard) == (512, 512)


def test_whole_collections_become_rare() -> None:
    *_, young, middle, old = told(512, 2048)
    assert young * middle * old > 1_000_000
