"""Rule groups as the YAML of a rule file, and what promtool says of it."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from stationmaster.core.rules import RuleGroup
from stationmaster.monitor.alerting.export import rule_file


def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("needs promtool, which Debian's package prometheus brings")
    return found


def written(groups: Iterable[RuleGroup], path: Path) -> Path:
    path.write_text(rule_file(groups), "utf-8")
    return path


def checked(path: Path) -> str:
    """What `promtool check rules` says; the test fails where it refuses."""
    done = subprocess.run([promtool(), "check", "rules", str(path)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
