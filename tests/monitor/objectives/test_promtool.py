"""Prometheus itself works the generated rules over simulated traffic: who is told when, and when it ends."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stationmaster.core.spec import Objective
from stationmaster.monitor.objectives.generate import generate
from tests.monitor.objectives.declared import BOUNDS_S, objective, platform
from tests.monitor.objectives.rule_files import checked, promtool, written

STEP_S = 60
GOOD_S, PER_STEP = 6 * 3600, 120
"""Six hours of two requests a second come before what happens."""


def counter(labels: str, *phases: tuple[int, float]) -> dict[str, str]:
    """A counter in promtool's notation; a phase is its length in seconds and its increase a step."""
    texts, value = ["0"], 0.0
    for seconds, increase in phases:
        steps = seconds // STEP_S
        texts.append(f"{value + increase:g}+{increase:g}x{steps - 1}")
        value += increase * steps
    return {"series": labels, "values": " ".join(texts)}


def requests(*phases: tuple[int, float]) -> list[dict[str, str]]:
    """After the good hours, a phase is its length in seconds and the share of its requests that fail."""
    spans = [(GOOD_S, 0.0), *phases]
    metric = 'stationmaster_api_requests_total{{api="pets",code_class="{}",node="gateway-1"}}'
    return [
        counter(metric.format("2xx"), *((seconds, PER_STEP * (1 - bad)) for seconds, bad in spans)),
        counter(metric.format("5xx"), *((seconds, PER_STEP * bad) for seconds, bad in spans)),
    ]


def firing(at_s: int, *windows: str) -> dict[str, Any]:
    """That exactly the levels of these long windows fire so long after the good hours."""
    return {
        "expr": 'count by (window, severity) (ALERTS{alertname="ErrorBudgetBurn",alertstate="firing"})',
        "eval_time": f"{GOOD_S + at_s}s",
        "exp_samples": [{"labels": f'{{window="{each}",severity="{SEVERITY[each]}"}}', "value": 1} for each in windows],
    }


SEVERITY = {"1h": "critical", "6h": "critical", "1d": "warning", "3d": "warning"}


def verdict(tmp_path: Path, objectives: list[Objective], case: dict[str, Any]) -> str:
    """Empty where promtool agrees."""
    generated = generate(platform(*objectives), BOUNDS_S)
    rules = written(generated.groups, tmp_path / "rules.yaml")
    order = [group.name for group in generated.groups]
    document = {
        "rule_files": [str(rules)],
        "evaluation_interval": f"{STEP_S}s",
        "group_eval_order": order,
        "tests": [{"interval": f"{STEP_S}s", **case}],
    }
    path = tmp_path / "test.yaml"
    path.write_text(json.dumps(document), "utf-8")
    argv = [promtool(), "test", "rules", str(path)]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=120)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_a_total_outage_pages_within_two_minutes(tmp_path: Path) -> None:
    """The workbook's 52 s, rounded up to the next scrape of this simulation; 130 s for 5 % of the budget."""
    case = {
        "input_series": requests((3600, 1.0)),
        "promql_expr_test": [firing(0), firing(60, "1h"), firing(120, "1h"), firing(600, "1h", "6h", "1d", "3d")],
    }
    assert verdict(tmp_path, [objective()], case) == ""


@pytest.mark.parametrize(
    ("told", "phases", "expected"),
    [
        ("half of the budget's rate", [(7200, 0.0005)], [firing(7200)]),
        ("a blip of half a minute", [(60, 0.5), (3600, 0.0)], [firing(60), firing(120), firing(600), firing(1800)]),
        (
            "five times the budget's rate for fifteen hours is a matter for tickets",
            [(54_000, 0.005)],
            [firing(54_000, "1d", "3d")],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_who_is_told_of(
    tmp_path: Path, told: str, phases: list[tuple[int, float]], expected: list[dict[str, Any]]
) -> None:
    case = {"input_series": requests(*phases), "promql_expr_test": expected}
    assert verdict(tmp_path, [objective()], case) == "", told


def test_after_recovery_the_page_ends_with_its_short_window(tmp_path: Path) -> None:
    case = {
        "input_series": requests((600, 1.0), (7200, 0.0)),
        "promql_expr_test": [
            firing(600, "1h", "6h", "1d", "3d"),
            firing(600 + 330, "6h", "1d", "3d"),
            firing(600 + 1800 + 300 + 30, "1d", "3d"),
        ],
    }
    assert verdict(tmp_path, [objective()], case) == ""


def test_a_single_failure_among_few_requests_tells_nobody(tmp_path: Path) -> None:
    metric = 'stationmaster_api_requests_total{{api="pets",code_class="{}",node="gateway-1"}}'
    series = [
        counter(metric.format("2xx"), (GOOD_S, 0.02), (3600, 0.0)),
        counter(metric.format("5xx"), (GOOD_S, 0.0), (STEP_S, 1.0), (3540, 0.0)),
    ]
    case = {"input_series": series, "promql_expr_test": [firing(60), firing(120), firing(600)]}
    assert verdict(tmp_path, [objective()], case) == ""


def test_slow_answers_burn_the_budget_of_a_latency_objective_alone(tmp_path: Path) -> None:
    histogram = "stationmaster_api_request_duration_seconds"
    slow = [(GOOD_S, PER_STEP), (3600, 0.0)]
    series = [
        *requests((3600, 0.0)),
        counter(histogram + '_bucket{api="pets",le="0.25",node="gateway-1"}', *slow),
        counter(histogram + '_count{api="pets",node="gateway-1"}', (GOOD_S + 3600, PER_STEP)),
    ]
    case = {
        "input_series": series,
        "promql_expr_test": [
            {
                "expr": 'count by (objective) (ALERTS{window="1h",alertstate="firing"})',
                "eval_time": f"{GOOD_S + 300}s",
                "exp_samples": [{"labels": '{objective="latency-300ms-99-7d"}', "value": 1}],
            }
        ],
    }
    assert verdict(tmp_path, [objective(), objective(99, 7, latency_ms=300)], case) == ""


def test_the_alert_says_how_much_is_left_and_when_it_is_empty(tmp_path: Path) -> None:
    labels = {
        "api": "pets",
        "service": "petstore",
        "environment": "production",
        "objective": "availability-99.9-30d",
        "severity": "critical",
        "window": "1h",
    }
    case = {
        "input_series": requests((3600, 0.02)),
        "alert_rule_test": [
            {
                "eval_time": f"{GOOD_S + 3600}s",
                "alertname": "ErrorBudgetBurn",
                "exp_alerts": [{"exp_labels": labels, "exp_annotations": {}}],
            }
        ],
    }
    said = verdict(tmp_path, [objective()], case)
    assert "API pets in production burns its error budget 20 times as fast as it may (99.9% over 30d)" in said, said
    assert "of the budget is left. At the rate of the last hour it is empty in" in said
    assert "At 14.4 times, where this alert begins, a whole budget of 30 days lasts 50 hours." in said


@pytest.mark.parametrize("percent", [50.0, 90.0, 99.0, 99.9, 99.999])
@pytest.mark.parametrize("days", [1, 7, 28, 30, 90])
def test_promtool_accepts_the_rules_of_every_objective(tmp_path: Path, percent: float, days: int) -> None:
    generated = generate(platform(objective(percent, days), objective(percent, days, latency_ms=250)), BOUNDS_S)
    assert not generated.diagnostics
    assert "SUCCESS" in checked(written(generated.groups, tmp_path / "rules.yaml"))
