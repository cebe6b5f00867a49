"""Rule files on the shelf: read again when they change, and kept when they break."""

import asyncio
from pathlib import Path

from stationmaster.core.rules import AlertingRule, RuleGroup
from stationmaster.monitor.alerting.shelf import RuleShelf

GOOD = "groups: [{name: g, rules: [{alert: %s, expr: up}]}]"
DERIVED = RuleGroup(name="derived", file="runbooks", rules=(AlertingRule(name="FromRunbook", expr="up == 0"),))


def names(shelf: RuleShelf) -> list[str]:
    return [rule.name for group in shelf.groups.value for rule in group.rules]


def test_files_and_derived_groups_are_there_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(GOOD % "A")
    shelf = RuleShelf(lambda: (tmp_path / "*.yml",), lambda: (DERIVED,))
    assert names(shelf) == ["A", "FromRunbook"]
    assert shelf.diagnostics == ()


def test_a_file_that_breaks_keeps_its_rules_and_one_that_goes_takes_them_along(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text(GOOD % "A")
    shelf = RuleShelf(lambda: (tmp_path / "*.yml",))
    file.write_text("groups: [")
    shelf.look()
    assert names(shelf) == ["A"]
    assert [each.code for each in shelf.diagnostics] == ["bad-yaml"]
    shelf.look()
    assert names(shelf) == ["A"]
    file.write_text(GOOD % "Mended")
    shelf.look()
    assert (names(shelf), shelf.diagnostics) == (["Mended"], ())
    file.unlink()
    shelf.look()
    assert names(shelf) == []
    assert [each.code for each in shelf.diagnostics] == ["no-rule-file"]


def test_a_bad_rule_leaves_a_file_and_the_rest_stays(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text("groups: [{name: g, rules: [{alert: A, expr: up}, {alert: B, expr: up}]}]")
    shelf = RuleShelf(lambda: (file,))
    file.write_text("groups: [{name: g, rules: [{alert: A, expr: up}, {alert: B, expr: up(}]}]")
    shelf.look()
    assert names(shelf) == ["A"]
    assert [each.code for each in shelf.diagnostics] == ["bad-expr"]


async def test_a_change_is_seen_while_it_runs_and_one_that_is_none_wakes_nobody(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text(GOOD % "A")
    shelf = RuleShelf(lambda: (file,))
    task = asyncio.get_running_loop().create_task(shelf.run())
    try:
        seen = shelf.groups.changed.count
        shelf.look()
        assert shelf.groups.changed.count == seen
        file.write_text(GOOD % "Later")
        assert await shelf.groups.changed.beyond(seen, 20.0)
        assert names(shelf) == ["Later"]
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
