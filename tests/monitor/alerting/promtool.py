"""Debian's promtool as a judge: whether it takes a rule file, and its verdict over a test file."""

import shutil
import subprocess
from pathlib import Path

import pytest


def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("needs promtool (Debian: apt-get install prometheus)")
    return found


def check_rules(file: Path) -> tuple[bool, str]:
    return _run("check", "rules", str(file))


def run_tests(file: Path) -> tuple[bool, str]:
    return _run("test", "rules", str(file))


def _run(*arguments: str) -> tuple[bool, str]:
    ended = subprocess.run([promtool(), *arguments], capture_output=True, text=True, timeout=120, check=False)
    return ended.returncode == 0, ended.stdout + ended.stderr
