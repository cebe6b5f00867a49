"""A team's settings change what is told; settings that are broken are refused."""

import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.lint.finding import Level
from stationmaster.runbooks.lint.settings import FILE, find_settings
from tests.runbooks.lint.bench import HEAD, KEPT, Bench

BODY = "```bash\nfrobnicate <tenant>\n```\n"


def test_without_settings_everything_is_asked(bench: Bench) -> None:
    assert bench.of(BODY) == [("SM201", 2), ("SM301", 2)]


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ("ignore: [SM201]", ["SM301"]),
        ("known: [tenant]", ["SM301"]),
        ("known: [TENANT]", ["SM301"]),
        ("programs: [frobnicate]", ["SM201"]),
        ("exclude: ['*.md']", []),
        ("exclude: ['other/*']", ["SM201", "SM301"]),
        ("", ["SM201", "SM301"]),
    ],
)
def test_settings_say_what_is_told(bench: Bench, settings: str, left: list[str]) -> None:
    bench.write(FILE, settings)
    assert [code for code, _ in bench.of(BODY)] == left


def test_a_level_can_be_changed(bench: Bench) -> None:
    bench.write(FILE, "severity: {SM201: error, SM301: info}")
    bench.write("one.md", KEPT + BODY)
    report = bench.report()
    assert [each.level for each in report.findings] == [Level.ERROR, Level.INFO]
    assert report.fails(strict=False)


def test_settings_are_found_above_the_folder_and_name_files_beside_themselves(bench: Bench) -> None:
    bench.write(FILE, "alerts: [rules/a.yml]\nknown: [tenant]\nprograms: [frobnicate]")
    bench.write("rules/a.yml", "groups:\n- rules:\n  - alert: Other\n    expr: up\n")
    bench.write("deep/one.md", KEPT + BODY)
    found = find_settings(bench.folder / "deep" / "one.md")
    assert found.folder == bench.folder.resolve()
    assert bench.found() == [("one.md", "SM605", 4), ("a.yml", "SM601", 3)]


@pytest.mark.parametrize(
    "text", ["ignore: SM201", "ignore: [SM999]", "colour: red", "severity: {SM201: loud}", "a: [", "- a"]
)
def test_broken_settings_are_refused(bench: Bench, text: str) -> None:
    bench.write(FILE, text)
    with pytest.raises(PlatformError, match="stationmaster-lint") as refused:
        find_settings(bench.folder)
    assert refused.value.code == "lint-settings"
    assert refused.value.hint


def test_the_head_of_the_bench_is_clean(bench: Bench) -> None:
    assert bench.of("1. Run `ls -l`.\n") == []
    assert HEAD == 9
