"""Limits are found in any phrasing, with metric, quantile, unit and use; what is no limit is left alone."""

import pytest

from stationmaster.runbooks.read.knowledge import Comparison, Threshold, Use
from stationmaster.runbooks.read.thresholds import thresholds_of
from tests.runbooks.chapters import chapter

ABOVE, AT_LEAST, BELOW, AT_MOST = Comparison.ABOVE, Comparison.AT_LEAST, Comparison.BELOW, Comparison.AT_MOST
ALERT, OBJECTIVE = Use.ALERT, Use.OBJECTIVE


def found(text: str) -> list[Threshold]:
    return list(thresholds_of(chapter(text)))


@pytest.mark.parametrize(
    ("text", "metric", "quantile", "comparison", "value", "unit", "use"),
    [
        ("## Alert Thresholds\n- Error rate > 5%", "error rate", None, ABOVE, 5.0, "%", ALERT),
        ("## Alerts\n- Response time p95 > 2 seconds", "response time", 0.95, ABOVE, 2.0, "s", ALERT),
        ("## Alerts\n- CPU usage > 80%", "cpu usage", None, ABOVE, 80.0, "%", ALERT),
        ("## Key Metrics\n- API response time (p95 < 1s)", "api response time", 0.95, BELOW, 1.0, "s", OBJECTIVE),
        ("## Key Metrics\n- Error rate (< 0.1%)", "error rate", None, BELOW, 0.1, "%", OBJECTIVE),
        ("## SLOs\n- **Availability**: &ge; 99.9%", "availability", None, AT_LEAST, 99.9, "%", OBJECTIVE),
        ("The latency of queries must not exceed 300 ms.", "latency of queries", None, AT_MOST, 0.3, "s", OBJECTIVE),
        ("Fires if memory usage exceeds 80 %.", "memory usage", None, ABOVE, 80.0, "%", ALERT),
        ("It fires when the disk usage is above 90 percent.", "disk usage", None, ABOVE, 90.0, "%", ALERT),
        ("Alert if the 99th percentile latency goes over 250ms.", "latency", 0.99, ABOVE, 0.25, "s", ALERT),
        ("The p99.9 latency should stay below 2s.", "latency", 0.999, BELOW, 2.0, "s", OBJECTIVE),
        ("When the success rate drops below 99%, call.", "success rate", None, BELOW, 99.0, "%", ALERT),
        ("If the queue depth is greater than 10k, scale.", "queue depth", None, ABOVE, 10000.0, "", ALERT),
        ("Replication lag is over 200MB.", "replication lag", None, ABOVE, 200e6, "B", ALERT),
        ("If heap usage reaches 2 GiB, restart.", "heap usage", None, AT_LEAST, 2 * 2.0**30, "B", ALERT),
        ("If the error rate is more than 120 errors per minute, call.", "error rate", None, ABOVE, 2.0, "/s", ALERT),
        ("Check that `http_errors_total` is less than 5.", "http_errors_total", None, BELOW, 5.0, "", OBJECTIVE),
    ],
)  # fmt: skip
def test_a_limit_is_understood(
    text: str, metric: str, quantile: float | None, comparison: Comparison, value: float, unit: str, use: Use
) -> None:
    assert [
        (each.metric, each.quantile, each.comparison, round(each.value, 6), each.unit, each.use) for each in found(text)
    ] == [(metric, quantile, comparison, value, unit, use)]


@pytest.mark.parametrize(
    "text",
    [
        "Escalate if the service is down for > 15 minutes.",
        "The pod has been pending for more than 5 minutes.",
        "CPU usage is high for more than 10 minutes.",
        "Use Kubernetes version > 1.20.",
        "It needs Ruby >= 3.1.",
        "Run it at least 2 times.",
        "More than 3 people know this.",
        "It takes less than 5 minutes.",
        "`SELECT f(jobs => 2)` -> 3",
        "The job exceeded 3 retries.",
        "```\nerror rate > 5%\n```",
        "Remove containers that stopped more than 24 hours ago.",
    ],
)
def test_what_is_no_limit_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_a_second_limit_is_of_the_same_metric() -> None:
    limits = found("- CPU usage: warning > 70%, critical > 90%")
    assert [(each.metric, each.value) for each in limits] == [("cpu usage", 70.0), ("cpu usage", 90.0)]


def test_a_table_gives_a_limit_for_every_cell() -> None:
    text = (
        "## Metrics\n\n| Metric | Target | Critical |\n|---|---|---|\n"
        "| Latency p95 | < 200ms | > 1s |\n| Pods | 3 | |\n"
    )
    limits = found(text)
    assert [(each.metric, each.quantile, each.value, each.unit, each.use, each.line) for each in limits] == [
        ("latency", 0.95, 0.2, "s", OBJECTIVE, 5),
        ("latency", 0.95, 1.0, "s", ALERT, 5),
    ]


def test_a_limit_stands_on_the_line_of_its_sentence() -> None:
    assert [each.line for each in found("# X\n\nFirst line.\nIf the error rate exceeds 5%, call.\n")] == [4]
