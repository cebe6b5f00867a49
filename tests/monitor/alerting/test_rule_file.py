"""Rule files: what loads, what is left out and named, and what promtool says of the same files."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.problem import Severity
from stationmaster.core.rules import AlertingRule, RecordingRule
from stationmaster.monitor.alerting.durations import duration_ms, duration_text
from stationmaster.monitor.alerting.export import WATCHDOG, rule_file
from stationmaster.monitor.alerting.rule_file import matching, read_rule_paths, read_rules
from tests.monitor.alerting import promtool

COLLECTION = Path(__file__).parents[2] / "data" / "rules"
CORPUS = Path(__file__).parents[4] / "shared" / "corpus"

GOOD = """\
groups:
  - name: one
    interval: 30s
    limit: 10
    query_offset: 1m
    labels: {team: blue, severity: page}
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
        labels: {source: rules}
      - alert: Down
        expr: up == 0
        for: 1h30m
        keep_firing_for: 5m
        labels: {severity: critical, number: 5, truth: true}
        annotations:
          summary: "{{ $labels.job }} is down"
"""


def one_rule(*lines: str) -> str:
    """A file with this rule between two good ones."""
    body = "\n".join(f"      {'- ' if number == 0 else '  '}{line}" for number, line in enumerate(lines))
    return (
        "groups:\n  - name: g\n    rules:\n      - {alert: Before, expr: up}\n"
        + body
        + "\n      - {alert: After, expr: up}\n"
    )


def test_a_rule_file_becomes_groups_with_their_lines() -> None:
    found = read_rules(GOOD, "rules/one.yml")
    assert found.diagnostics == ()
    (group,) = found.groups
    assert (group.name, group.file, group.interval_ms, group.limit) == ("one", "rules/one.yml", 30_000, 10)
    assert (group.query_offset_ms, group.labels) == (60_000, {"team": "blue", "severity": "page"})
    recording, alerting = group.rules
    assert recording == RecordingRule(
        name="job:up:sum", expr="sum by (job) (up)", labels={"source": "rules"}, origin=recording.origin
    )
    assert isinstance(alerting, AlertingRule)
    assert (alerting.for_ms, alerting.keep_firing_ms) == (5_400_000, 300_000)
    assert alerting.labels == {"severity": "critical", "number": "5", "truth": "true"}
    assert str(alerting.origin) == "rules/one.yml:11:9"


BAD_RULES = [
    (("alert: A",), "no-expr", 5),
    (("alert: A", "expr: ''"), "no-expr", 6),
    (("expr: up",), "bad-rule", 5),
    (("alert: A", "record: b", "expr: up"), "bad-rule", 5),
    (("alert: A", "expr: sum(up"), "bad-expr", 6),
    (("alert: A", "expr: nope(up)"), "bad-expr", 6),
    (("alert: A", "expr: 'up{a=~\"(\"}'"), "bad-expr", 6),
    (("alert: A", "expr: up", "for: 5"), "bad-duration", 7),
    (("alert: A", "expr: up", "for: 5 minutes"), "bad-duration", 7),
    (("alert: A", "expr: up", "keep_firing_for: -1m"), "bad-duration", 7),
    (("alert: A", "expr: up", "fro: 5m"), "unknown-field", 7),
    (("alert: A", "expr: up", "labels: {'a-b': c}"), "bad-label-name", 7),
    (("alert: A", "expr: up", "labels: {__name__: c}"), "bad-label-name", 7),
    (("alert: A", "expr: up", "labels: [a]"), "bad-shape", 7),
    (("alert: A", "expr: up", "labels: {a: [b]}"), "bad-shape", 7),
    (("alert: A", "expr: up", "annotations: {'0': c}"), "bad-annotation-name", 7),
    (("alert: A", "expr: up", "annotations: {a: '{{ nope }}'}"), "bad-template", 7),
    (("alert: A", "expr: up", "labels: {a: '{{ $value'}"), "bad-template", 7),
    (("alert: A", "expr: [up]"), "bad-shape", 6),
    (("record: a b", "expr: up"), "bad-metric-name", 5),
    (("record: a", "expr: up", "for: 5m"), "bad-rule", 7),
    (("record: a", "expr: up", "annotations: {a: b}"), "bad-rule", 7),
    (("alert: A", "expr: up", "expr: down"), "duplicate-key", 7),
    (("just text",), "bad-shape", 5),
]


@pytest.mark.parametrize(("lines", "code", "line"), BAD_RULES)
def test_one_bad_rule_is_left_out_and_named_and_the_others_load(lines: tuple[str, ...], code: str, line: int) -> None:
    found = read_rules(one_rule(*lines), "rules.yml")
    assert [rule.name for group in found.groups for rule in group.rules] == ["Before", "After"]
    told = [each for each in found.diagnostics if each.code == code]
    assert told, found.diagnostics
    assert told[0].origin.file == "rules.yml"
    assert told[0].origin.line == line
    assert told[0].hint
    assert found.failed


def test_mappings_are_merged_as_yaml_merges_them(tmp_path: Path) -> None:
    text = one_rule("alert: A", "expr: up", "labels: &x {a: b, c: d}") + (
        "      - {<<: {for: 5m, alert: Hidden}, alert: Merged, expr: up, labels: {<<: *x, c: e}}\n"
        "      - {alert: Several, expr: up, labels: {<<: [{a: first}, {a: second, z: y}]}}\n"
    )
    found = read_rules(text, "rules.yml")
    assert found.diagnostics == ()
    *_, one, several = found.groups[0].rules
    assert isinstance(one, AlertingRule)
    assert (one.name, one.for_ms, one.labels) == ("Merged", 300_000, {"a": "b", "c": "e"})
    assert several.labels == {"a": "first", "z": "y"}
    (tmp_path / "rules.yml").write_text(text)
    taken, said = promtool.check_rules(tmp_path / "rules.yml")
    assert taken, said


def test_promtool_refuses_every_one_of_the_bad_rules_too(tmp_path: Path) -> None:
    for lines, code, _ in BAD_RULES:
        file = tmp_path / "rules.yml"
        file.write_text(one_rule(*lines))
        taken, said = promtool.check_rules(file)
        assert not taken, f"{code}: {said}"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("groups: [{name: a, rules: []}, {name: a, rules: []}]", "duplicate-group"),
        ("groups: [{rules: []}]", "no-group-name"),
        ("groups: [{name: a, intervall: 5m}]", "unknown-field"),
        ("groups: [{name: a, interval: x}]", "bad-duration"),
        ("groups: [{name: a, limit: many}]", "bad-number"),
        ("group: []", "unknown-field"),
        ("groups: {a: b}", "bad-shape"),
        ("- a", "bad-shape"),
        ("groups: [\n", "bad-yaml"),
        ("groups: &a [*a]", "recursive-alias"),
        ("groups: " + "[" * 1000, "too-deep"),
    ],
)
def test_a_bad_file_or_group_is_named(text: str, code: str) -> None:
    assert code in [each.code for each in read_rules(text, "rules.yml").diagnostics]


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "---\n", "groups:\n", "groups: []\n"])
def test_an_empty_file_has_no_rules_and_no_problems(text: str) -> None:
    found = read_rules(text, "rules.yml")
    assert (found.groups, found.diagnostics) == ((), ())


def test_globs_name_files_in_order_and_each_file_is_read_once(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yml", "c.txt"):
        (tmp_path / name).write_text(f"groups: [{{name: {name}, rules: [{{alert: A, expr: up}}]}}]")
    found = read_rule_paths([tmp_path / "*.yml", tmp_path / "a.yml", tmp_path / "none-*.yml", tmp_path / "gone.yml"])
    assert [group.name for group in found.groups] == ["a.yml", "b.yml"]
    assert [each.code for each in found.diagnostics] == ["no-rule-file", "no-rule-file"]
    assert [each.severity for each in found.diagnostics] == [Severity.WARNING, Severity.ERROR]
    assert matching(tmp_path / "[ac].*") == [tmp_path / "a.yml", tmp_path / "c.txt"]


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "latin.yml").write_bytes(b"groups: # \xff\n")
    found = read_rule_paths([tmp_path / "latin.yml", tmp_path])
    assert [each.code for each in found.diagnostics] == ["bad-rule-file", "bad-rule-file"]


def test_the_whole_collection_loads() -> None:
    found = read_rule_paths([COLLECTION / "*.yml"])
    assert found.diagnostics == ()
    assert found.rules > 120


def test_promtool_takes_the_export_of_the_collection_and_reads_the_same_rules_from_it(tmp_path: Path) -> None:
    found = read_rule_paths([COLLECTION / f"{name}.yml" for name in ("blackbox", "kubernetes", "node", "platform")])
    file = tmp_path / "all.yml"
    file.write_text(rule_file((*found.groups, WATCHDOG)))
    taken, said = promtool.check_rules(file)
    assert taken, said
    assert f"{found.rules + 1} rules found" in said


def test_an_export_read_anew_has_the_same_rules() -> None:
    found = read_rule_paths([COLLECTION / "*.yml"])
    again = read_rules(rule_file(found.groups), "export.yml")
    assert again.diagnostics == ()
    for group, copy in zip(found.groups, again.groups, strict=True):
        assert (group.name, group.interval_ms, group.limit) == (copy.name, copy.interval_ms, copy.limit)
        for rule, other in zip(group.rules, copy.rules, strict=True):
            assert (rule.name, rule.expr) == (other.name, other.expr)
            assert {**group.labels, **rule.labels} == other.labels
            if isinstance(rule, AlertingRule) and isinstance(other, AlertingRule):
                assert (rule.for_ms, rule.keep_firing_ms) == (other.for_ms, other.keep_firing_ms)
                assert rule.annotations == other.annotations


def test_groups_of_one_name_from_several_files_are_exported_under_names_of_their_own() -> None:
    groups = [*read_rules(GOOD, "a.yml").groups, *read_rules(GOOD, "b.yml").groups]
    again = read_rules(rule_file(groups), "export.yml")
    assert again.diagnostics == ()
    assert [group.name for group in again.groups] == ["one", "one (2)"]


def test_rules_in_fences_of_the_corpus_load() -> None:
    if not CORPUS.is_dir():
        pytest.skip("needs the runbooks in ../shared/corpus, which are not part of this repository")
    tried = loaded = 0
    for file in CORPUS.rglob("*.md"):
        for fence in re.findall(r"^```ya?ml\n(.*?)^```", file.read_text("utf-8", "replace"), re.DOTALL | re.MULTILINE):
            text = _as_rule_file(fence)
            if text is not None:
                tried += 1
                found = read_rules(text, str(file))
                loaded += found.rules > 0 and not found.failed
    assert tried >= 2
    assert loaded == tried


def _as_rule_file(fence: str) -> str | None:
    """A fence that holds rules, as the file that it is a part of."""
    try:
        found = yaml.safe_load(fence)
    except yaml.YAMLError:
        return None
    if isinstance(found, dict) and "expr" in found and ("alert" in found or "record" in found):
        found = [found]
    if isinstance(found, list) and found and all(isinstance(each, dict) and "expr" in each for each in found):
        found = {"groups": [{"name": "fence", "rules": found}]}
    if isinstance(found, dict) and isinstance(found.get("spec"), dict) and "groups" in found["spec"]:
        found = {"groups": found["spec"]["groups"]}
    return yaml.safe_dump(found) if isinstance(found, dict) and "groups" in found else None


LINES = st.sampled_from(
    [
        *("groups:", "- name: g", "rules:", "- alert: A", "expr: up", "expr: [", "for: 5m", "labels:", "a: b"),
        *("annotations: {a: '{{'}", "record: r", "-", "{}", "[]", "'x", '"y', "&a", "*a", "!!int 5", "?", "limit: -1"),
        *("interval: null", "---", "null", "5", "<<: *a", "\t"),
    ]
)


@given(st.lists(st.tuples(st.integers(0, 4), LINES), max_size=15))
def test_whatever_stands_in_a_file_it_is_read_or_named(lines: list[tuple[int, str]]) -> None:
    text = "\n".join("  " * depth + line for depth, line in lines)
    found = read_rules(text, "rules.yml")
    assert all(each.origin.file == "rules.yml" and each.origin.line >= 1 for each in found.diagnostics)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("0", 0), ("5m", 300_000), ("1h30m", 5_400_000), ("1d", 86_400_000), ("1w2d", 777_600_000), ("250ms", 250)],
)
def test_durations_are_read_and_written(text: str, milliseconds: int) -> None:
    assert duration_ms(text) == milliseconds
    assert duration_ms(duration_text(milliseconds)) == milliseconds


@pytest.mark.parametrize("text", ["", "5", "m", "5m3", "1.5h", "-5m", "5 m", "30m1h", "9999999y", "٣m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    assert duration_ms(text) is None
