"""Rule collections of others that are installed on this machine load, every rule of them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stationmaster.monitor.alerting.export import rule_file
from stationmaster.monitor.alerting.rule_file import read_rule_paths

INSTALLED = (Path("/etc/prometheus/ceph"),)
"""Where Debian's `ceph-prometheus-alerts` puts its rules."""


def files() -> list[Path]:
    found = [file for folder in INSTALLED if folder.is_dir() for file in sorted(folder.glob("*.yml"))]
    if not found:
        pytest.skip("needs a rule collection, as that of Debian's package ceph-prometheus-alerts")
    return found


def test_every_rule_of_them_loads() -> None:
    for file in files():
        read = read_rule_paths((file,))
        assert read.diagnostics == ()
        assert read.rules > 20


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool, which is not installed here")
def test_promtool_finds_as_many_in_the_file_and_in_our_export_of_it(tmp_path: Path) -> None:
    for file in files():
        read = read_rule_paths((file,))
        exported = tmp_path / file.name
        exported.write_text(rule_file(read.groups), "utf-8")
        for each in (file, exported):
            done = subprocess.run(["promtool", "check", "rules", each], capture_output=True, text=True, check=False)
            found = re.search(r"SUCCESS: (\d+) rules found", done.stdout)
            assert found is not None, done.stdout + done.stderr
            assert int(found[1]) == read.rules
