"""Test files in promtool's format: our verdict is promtool's, on files that pass and on ones that do not."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from stationmaster.core.problem import InvalidInputError
from stationmaster.monitor.alerting.rule_file import read_rule_paths
from stationmaster.monitor.alerting.trial.document import read_document
from stationmaster.monitor.alerting.trial.verdict import Failure
from stationmaster.monitor.alerting.trial.work import work
from tests.monitor.alerting import promtool

FILES = Path(__file__).parents[2] / "data" / "rules" / "tests"
NAMES = ("alerts", "evaluation")


def failures_of(path: Path) -> list[Failure]:
    document = read_document(path)
    rules = read_rule_paths(document.rule_files)
    assert not rules.failed
    return work(document, rules.groups)


def test_our_test_files_pass() -> None:
    for name in NAMES:
        assert failures_of(FILES / f"{name}.yml") == []


def test_promtool_passes_our_test_files() -> None:
    for name in NAMES:
        passed, said = promtool.run_tests(FILES / f"{name}.yml")
        assert passed, said


def _one_label(case: dict[str, Any]) -> None:
    case["exp_alerts"][0]["exp_labels"]["more"] = "label"


def _one_annotation(case: dict[str, Any]) -> None:
    case["exp_alerts"][0].setdefault("exp_annotations", {})["summary"] = "something else"


def _one_alert_more(case: dict[str, Any]) -> None:
    case["exp_alerts"].append({"exp_labels": {"never": "there"}})


def _none(case: dict[str, Any]) -> None:
    case["exp_alerts"] = []


def _another_name(case: dict[str, Any]) -> None:
    case["alertname"] = "NobodyWroteThis"


MUTATIONS: tuple[Callable[[dict[str, Any]], None], ...] = (
    _one_label,
    _one_annotation,
    _one_alert_more,
    _none,
    _another_name,
)


def test_a_changed_expectation_fails_here_as_it_does_in_promtool(tmp_path: Path) -> None:
    original = yaml.safe_load((FILES / "alerts.yml").read_text())
    cases = [
        (test, at)
        for test, each in enumerate(original["tests"])
        for at, case in enumerate(each["alert_rule_test"])
        if case.get("exp_alerts")
    ]
    for number, mutate in enumerate(MUTATIONS):
        test, at = cases[number % len(cases)]
        changed = copy.deepcopy(original)
        mutate(changed["tests"][test]["alert_rule_test"][at])
        _same_verdict(tmp_path, changed, fails=True)


@pytest.mark.parametrize("shift", ["6m59s", "7m", "14m59s", "15m", "18m59s", "19m", "20m"])
def test_which_alerts_fire_at_which_moment_is_what_promtool_says(tmp_path: Path, shift: str) -> None:
    """The expectation stays, its moment moves: both have to agree whether it holds then."""
    changed = yaml.safe_load((FILES / "alerts.yml").read_text())
    for case in changed["tests"][0]["alert_rule_test"]:
        case["eval_time"] = shift
    kept = changed["tests"][0]["alert_rule_test"]
    for case in kept:
        alone = copy.deepcopy(changed)
        alone["tests"] = [{**changed["tests"][0], "alert_rule_test": [case], "promql_expr_test": []}]
        _same_verdict(tmp_path, alone)


@pytest.mark.parametrize("value", [0.5, 1])
@pytest.mark.parametrize("moment", ["0s", "5m", "41m", "46m"])
def test_what_queries_give_is_what_promtool_says(tmp_path: Path, value: float, moment: str) -> None:
    changed = yaml.safe_load((FILES / "alerts.yml").read_text())
    labels = 'job:up:ratio{job="api", source="rule"}'
    case = {"expr": "job:up:ratio", "eval_time": moment, "exp_samples": [{"labels": labels, "value": value}]}
    changed["tests"] = [{**changed["tests"][0], "alert_rule_test": [], "promql_expr_test": [case]}]
    _same_verdict(tmp_path, changed)


def _same_verdict(folder: Path, document: dict[str, Any], *, fails: bool | None = None) -> None:
    document["rule_files"] = [str(FILES / "rules_under_test.yml")]
    file = folder / "test.yml"
    file.write_text(yaml.safe_dump(document))
    ours = failures_of(file)
    passed, said = promtool.run_tests(file)
    assert bool(ours) is not passed, (ours, said)
    if fails is not None:
        assert bool(ours) is fails


def test_a_rule_that_fails_ends_the_test_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text("groups:\n- name: g\n  rules:\n  - record: a\n    expr: up * on (job) up2\n")
    test = {
        "rule_files": ["rules.yml"],
        "tests": [
            {
                "input_series": [
                    {"series": 'up{job="a", i="1"}', "values": "1x9"},
                    {"series": 'up{job="a", i="2"}', "values": "1x9"},
                    {"series": 'up2{job="a"}', "values": "1x9"},
                ],
                "promql_expr_test": [{"expr": "a", "eval_time": "5m", "exp_samples": []}],
            }
        ],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test))
    (failure,) = failures_of(tmp_path / "test.yml")
    assert failure.origin.file.endswith("rules.yml")
    assert failure.origin.line == 4
    assert "many-to-many" in failure.message or "many-to-one" in failure.message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("tests: [{input_serie: []}]", "unknown-field"),
        ("evaluation_interval: soon", "bad-duration"),
        ("tests: [{alert_rule_test: [{eval_time: 1m}]}]", "no-alertname"),
        ("tests: [{input_series: [{series: 'up{', values: '1'}]}]", "bad-series"),
        ("tests: [{promql_expr_test: [{expr: up, exp_samples: [{labels: up, value: much}]}]}]", "bad-number"),
        ("tests: [{promql_expr_test: [{expr: up, exp_samples: [{labels: up, histogram: '{{}}'}]}]}]", "no-histograms"),
        ("group_eval_order: [a, a]", "bad-order"),
        ("rule_files: [\n", "bad-yaml"),
    ],
)
def test_a_test_file_that_is_none_is_refused_with_its_lines(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "test.yml").write_text(text)
    with pytest.raises(InvalidInputError) as caught:
        read_document(tmp_path / "test.yml")
    assert code in [each.code for each in caught.value.diagnostics]
    if code != "no-histograms":
        passed, _ = promtool.run_tests(tmp_path / "test.yml")
        assert not passed


@pytest.mark.parametrize("values", ["1+", "x5", "1x", "one", "{{count:1}}", "1x999999999"])
def test_values_that_are_none_are_named(tmp_path: Path, values: str) -> None:
    case = {"expr": "up", "eval_time": "1m", "exp_samples": []}
    test = {"tests": [{"input_series": [{"series": "up", "values": values}], "promql_expr_test": [case]}]}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test))
    (failure,) = failures_of(tmp_path / "test.yml")
    assert failure.message


def test_a_test_that_would_never_end_is_refused(tmp_path: Path) -> None:
    test = {
        "evaluation_interval": "1ms",
        "tests": [{"alert_rule_test": [{"eval_time": "10y", "alertname": "A", "exp_alerts": []}]}],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test))
    (failure,) = failures_of(tmp_path / "test.yml")
    assert "evaluations" in failure.message
