"""Alert rules out of runbooks: what becomes one, how it is called and bounded, and why the rest is none."""

from textwrap import dedent

import pytest

from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.read.reader import read_runbook
from stationmaster.runbooks.rules.derive import rules_of
from stationmaster.runbooks.rules.derived import Derived, Known

FOR_5M = "for more than 5 minutes"


def book(text: str, file: str = "a.md") -> Runbook:
    return read_runbook(dedent(text).strip() + "\n", file=file).runbook


def derived(*texts: str, known: Known | None = None) -> Derived:
    runbooks = [book(text, f"{name}.md") for name, text in zip("abcdef", texts, strict=False)]
    return rules_of(runbooks, known or Known())


def names(found: Derived) -> list[str]:
    return [each.rule.name for each in found.rules]


def whys(found: Derived) -> list[str]:
    return [each.why for each in found.left_out]


def thresholds(*lines: str, head: str = "", title: str = "Shop") -> str:
    items = "\n".join(f"- {line}" for line in lines)
    return f"---\n{head or 'type: alert'}\n---\n# {title}\n\n## Alert thresholds\n\n{items}\n"


@pytest.mark.parametrize(
    ("line", "starts", "ends"),
    [
        ("Error rate > 5%", 'sum by (api) (rate(stationmaster_api_requests_total{code_class="5xx"}[5m]))', ">= 5"),
        ("Error rate above 2 per second", "sum by (api) (rate(stationmaster_api_requests_total{code", "> 2"),
        ("Success rate < 99.5%", "1 - (sum by (api)", ">= 5"),
        ("Response time p95 > 2 seconds", "histogram_quantile(0.95, sum by (api, le)", ">= 20"),
        ("Response time p99 > 800ms", "histogram_quantile(0.99, ", ">= 20"),
        (
            "Average response time > 500 ms",
            "sum by (api) (rate(stationmaster_api_request_duration_seconds_sum",
            ">= 20",
        ),
        ("CPU usage > 80%", "rate(process_cpu_seconds_total[5m])", "> 0.8"),
        ("Memory usage > 90%", "1 - node_memory_MemAvailable_bytes", "> 0.9"),
        ("Memory usage > 2GB", "process_resident_memory_bytes", "> 2000000000"),
        ("Disk usage >= 90%", "1 - node_filesystem_avail_bytes", ">= 0.9"),
        ("Disk space below 10%", "node_filesystem_avail_bytes", "< 0.1"),
        ("Request rate > 1000 requests/second", "sum by (api) (rate(stationmaster_api_requests_total[5m]))", "> 1000"),
        ("Active connections > 500", "stationmaster_gateway_connections", "> 500"),
    ],
)
def test_a_limit_in_prose_is_measured_by(line: str, starts: str, ends: str) -> None:
    (rule,) = (each.rule for each in derived(thresholds(line)).rules)
    assert rule.expr.startswith(starts)
    assert rule.expr.endswith(ends)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("Replication lag > 30 seconds", "speaks of 'replication lag', for which there is no metric"),
        ("Error rate > 10", "limits the error rate by a number without a unit; it is measured in % or /s"),
        ("Disk usage > 5 minutes", ""),
        ("Queue depth > 100", "speaks of 'queue depth', for which there is no metric"),
    ],
)
def test_a_limit_that_cannot_be_measured_says_why(line: str, why: str) -> None:
    found = derived(thresholds(line))
    assert not found.rules
    if why:
        assert [(each.origin.line, each.why) for each in found.left_out] == [(8, why)]


def test_a_rule_leads_back_to_its_line_with_the_words_of_the_runbook() -> None:
    (found,) = derived(thresholds("Error rate > 5%", head="service: shop\nlink: https://books.example/shop")).rules
    rule = found.rule
    assert (rule.origin.file, rule.origin.line) == ("a.md", 9)
    assert rule.annotations["runbook"] == "a.md:9"
    assert rule.annotations["runbook_url"] == "https://books.example/shop"
    assert rule.annotations["description"] == found.text == "Error rate > 5%"
    assert rule.labels == {"service": "shop", "severity": "warning", "threshold": "> 5%"}
    assert rule.annotations["summary"].endswith(
        "API {{ $labels.api }}: error rate {{ $value | humanizePercentage }} (> 5%)"
    )
    (group,) = derived(thresholds("Error rate > 5%")).groups
    assert (group.name, group.file, len(group.rules)) == ("a.md", "runbooks", 1)


@pytest.mark.parametrize(
    ("text", "for_ms", "told"),
    [
        (f"CPU usage > 80% {FOR_5M}", 300_000, False),
        ("CPU usage > 80% for at least 1h", 3_600_000, False),
        ("CPU usage > 80% for an hour", 3_600_000, False),
        ("CPU usage > 80% for 30s", 30_000, False),
        ("CPU usage > 80%", 60_000, True),
    ],
)
def test_the_time_that_it_has_to_hold_is_that_of_the_text(text: str, for_ms: int, told: bool) -> None:
    (found,) = derived(thresholds(text)).rules
    assert found.rule.for_ms == for_ms
    assert any("for how long" in note for note in found.notes) is told


def test_the_time_over_which_a_rate_is_taken_is_that_of_the_text() -> None:
    (found,) = derived(thresholds("Error rate > 5% over the last 10 minutes")).rules
    assert "[600s]" in found.rule.expr


@pytest.mark.parametrize(
    ("document", "severities"),
    [
        (thresholds("CPU usage > 80% (P1)"), ["critical"]),
        (thresholds("Critical: CPU usage > 95%", "Warning: CPU usage > 80%"), ["critical", "warning"]),
        (thresholds("High CPU usage > 80%: sev2"), ["warning"]),
        (thresholds("CPU usage > 80%", head="severity: page"), ["critical"]),
        (thresholds("CPU usage > 80%", head="severity: P4"), ["info"]),
        (thresholds("CPU usage > 80%"), ["warning"]),
        ("# Shop\n\n## Critical alert thresholds\n\n- CPU usage > 80%\n", ["critical"]),
        (
            "# Shop\n\n## Alert thresholds\n\n| Metric | Warning | Critical |\n|---|---|---|\n"
            "| CPU usage | > 70% | > 90% |\n",
            ["warning", "critical"],
        ),
    ],
)
def test_how_bad_it_is_stands_in_the_line_its_column_its_heading_or_the_runbook(
    document: str, severities: list[str]
) -> None:
    assert [each.rule.labels["severity"] for each in derived(document).rules] == severities


@pytest.mark.parametrize(
    ("head", "line", "name"),
    [
        ("alert: HighErrorRate", "Error rate > 5%", "HighErrorRate"),
        ("alert: ShopIsSick", "Error rate > 5%", "ShopIsSick"),
        ("alert: HighLatency", "Error rate > 5%", "RunbookShopErrorRate"),
        ("service: shop", "Error rate > 5%", "RunbookShopErrorRate"),
    ],
)
def test_an_alert_is_called_as_its_runbook_calls_it(head: str, line: str, name: str) -> None:
    found = derived(thresholds(line, head=head))
    assert names(found)[0] == name


def test_errors_of_a_runbook_about_authentication_are_refusals() -> None:
    (found,) = derived(thresholds("Error rate > 10%", head="alert: AuthenticationFailures")).rules
    assert 'code_class="4xx"' in found.rule.expr


def test_an_alert_about_something_else_keeps_its_limit_to_itself() -> None:
    found = derived(thresholds("Error rate > 1%", head="alert: KubeClientErrors", title="KubeClientErrors"))
    assert not found.rules
    assert whys(found)[0] == "is of KubeClientErrors, which is about something else than what callers of APIs see"


def test_a_name_may_hold_what_its_runbook_is_about() -> None:
    found = derived(thresholds("Error rate > 1%", head="alert: CheckoutErrors\nservice: checkout"))
    assert names(found) == ["CheckoutErrors"]


SHOWN = """
    # Shop
    The alert:
    ```yaml
    groups:
    - name: shop
      rules:
      - alert: ShopDown
        expr: up{job="shop"} == 0
        for: 1h30m
        labels:
          severity: page
        annotations:
          summary: "{{ $labels.instance }} is gone"
      - record: shop:up
        expr: sum(up)
      - alert: ShopOdd
        expr: sum(rate(orders[5m]
    ```
"""


def test_a_rule_that_is_shown_whole_is_taken_as_it_is() -> None:
    found = derived(SHOWN)
    (rule,) = (each.rule for each in found.rules)
    assert (rule.name, rule.expr, rule.for_ms, rule.origin.line) == ("ShopDown", 'up{job="shop"} == 0', 5_400_000, 7)
    assert rule.labels == {"severity": "page"}
    assert rule.annotations["summary"] == "{{ $labels.instance }} is gone"
    assert rule.annotations["runbook"] == "a.md:7"
    recorded, odd = found.left_out
    assert (recorded.name, recorded.origin.line) == ("shop:up", 14)
    assert recorded.why == "it is a recording rule: it alerts nobody"
    assert (odd.name, odd.origin.line) == ("ShopOdd", 16)
    assert odd.why.startswith("is no PromQL: ")


@pytest.mark.parametrize(
    ("fence", "why"),
    [
        ("- alert: A\n  expr: up == 0\n  for: soon", "'for: soon' is no duration"),
        ("- alert: A\n  for: 5m", "it has no expression"),
        ("- alert: '{{ name }}'\n  expr: up == 0", "it names no alert"),
        ("- alert: A\n  expr: up == 0\n  labels: {a-b: c}", "'a-b' is no name of a label"),
        ("- alert: A\n  expr: up == 0\n    for: 1m\n  : :", "the block is no YAML: "),
        ('- alert: A\n  expr: up{a="<cluster>"} == 0', "has the place <cluster> to be filled in"),
    ],
)
def test_a_shown_rule_that_cannot_be_used_says_why(fence: str, why: str) -> None:
    found = rules_of([read_runbook(f"# Shop\n\n```yaml\n{fence}\n```\n", file="a.md").runbook])
    assert not found.rules
    assert [each.why.startswith(why) for each in found.left_out] == [True]


def test_an_expression_is_an_alert_only_where_the_document_says_so() -> None:
    said = "# Shop\n\n## Alert expression\n\n```promql\nsum(rate(orders_failed[5m])) > 3\n```\n"
    unsaid = "# Shop\n\n## Look at\n\n```promql\nsum(rate(orders_failed[5m])) > 3\n```\n"
    shown = "# Shop\n\n## Alert expression\n\n```promql\nsum(rate(orders_failed[5m]))\n```\n"
    (found,) = derived(said).rules
    assert (found.rule.expr, found.rule.origin.line) == ("sum(rate(orders_failed[5m])) > 3", 6)
    assert whys(derived(unsaid)) == ["compares, but nothing says that an alert fires when it does"]
    assert whys(derived(shown)) == ["shows a number and compares it with nothing"]


def test_a_heading_that_is_the_name_of_an_alert_says_so_too() -> None:
    text = "---\nalert: OrdersFail\n---\n# Shop\n\n## OrdersFail\n\n```promql\norders_failed > 3\n```\n"
    assert names(derived(text)) == ["OrdersFail"]


NAMED = """
    ---
    service: api-gateway
    severity: critical
    ---
    # Shop

    ## Alerts
    - APIServiceDown
    - HighErrorRate
    - APICapacityAlert
    - DiskIsOdd

    ## Key metrics
    - Error rate (< 0.1%)
"""


def test_alerts_that_are_only_named_take_the_limits_of_their_service() -> None:
    other = thresholds("CPU usage > 80%", head="service: API Gateway", title="Other")
    found = derived(NAMED, other)
    by_name = {each.rule.name: each for each in found.rules}
    assert list(by_name) == ["APIServiceDown", "HighErrorRate", "APICapacityAlert"]
    assert by_name["APIServiceDown"].rule.expr == "max by (service, environment) (probe_success) == 0"
    assert by_name["APIServiceDown"].rule.for_ms == 0
    assert ">= 0.001 and" in by_name["HighErrorRate"].rule.expr
    assert by_name["APICapacityAlert"].rule.expr == "rate(process_cpu_seconds_total[5m]) > 0.8"
    assert by_name["APICapacityAlert"].notes[0] == "its name sets no limit: taken from b.md:8"
    assert by_name["APICapacityAlert"].rule.origin.line == 10
    told = {each.text: each.why for each in found.left_out}
    assert told["CPU usage > 80%"] == "is the same as APICapacityAlert of a.md:10"
    assert told["DiskIsOdd"].startswith("is named without a limit, and no metric stands for 'disk is odd'")
    assert told["Error rate (< 0.1%)"].endswith("declare it for an API: '99.9% over 30d'")


def test_a_limit_of_another_service_is_not_borrowed() -> None:
    found = derived(NAMED, thresholds("CPU usage > 80%", head="service: mail", title="Mail"))
    told = {each.name: each.why for each in found.left_out}
    assert (
        told["APICapacityAlert"] == "is named without a limit, and no runbook of its service sets one for the capacity"
    )


def test_what_the_platform_raises_by_itself_is_left_to_it() -> None:
    found = derived(
        "---\nalert: ServiceInstanceDown\n---\n# Shop\n", known=Known(raised=frozenset({"ServiceInstanceDown"}))
    )
    assert not found.rules
    assert whys(found) == ["the platform raises it by itself"]


def test_an_item_that_says_what_is_down_is_a_rule_without_a_number() -> None:
    found = derived(thresholds("Upstream service down", "Moon down"))
    assert [(each.rule.name, each.rule.expr) for each in found.rules] == [
        ("RunbookShopUpstreamServiceDown", "max by (service, environment) (probe_success) == 0")
    ]
    assert whys(found) == ["says that something is down of which no check tells"]


def test_doubles_over_runbooks_are_folded_and_told() -> None:
    first = thresholds("Error rate > 5%", head="alert: HighErrorRate")
    found = derived(
        first, thresholds("Error rate > 5%", title="Mail"), thresholds("Error rate > 7%", head="alert: HighErrorRate")
    )
    assert [(each.rule.name, each.rule.origin.file) for each in found.rules] == [("HighErrorRate", "a.md")]
    assert whys(found) == [
        "is the same as HighErrorRate of a.md:8",
        "another runbook has an alert of this name before it: a.md:8",
    ]


def test_a_name_that_a_runbook_uses_is_kept_before_one_that_was_made_up() -> None:
    found = derived(thresholds("Error rate > 5%"), thresholds("Error rate > 5%", head="alert: HighErrorRate"))
    assert names(found) == ["HighErrorRate"]


def test_retired_runbooks_say_nothing() -> None:
    assert derived(thresholds("Error rate > 5%", title="RETIRED Shop")) == Derived(rules=())


def test_metrics_that_nobody_has_are_told_and_ones_that_exist_are_preferred() -> None:
    def known(*metrics: str) -> Known:
        return Known(metrics=lambda: frozenset(metrics))

    text = thresholds("CPU usage > 80%")
    (found,) = derived(text, known=known()).rules
    assert found.notes[-1] == "reads process_cpu_seconds_total, which no scrape gives"
    (found,) = derived(text, known=known("node_cpu_seconds_total")).rules
    assert "node_cpu_seconds_total" in found.rule.expr
    assert not any("no scrape" in note for note in found.notes)
    (shown,) = derived(SHOWN, known=known("a")).rules
    assert shown.notes == ("reads up, which no scrape gives",)
    (own,) = derived(thresholds("`orders_waiting` > 3"), known=known("a")).rules
    assert own.rule.expr == "orders_waiting > 3"
    assert own.notes[-1] == "reads orders_waiting, which no scrape gives"


def test_a_rule_is_narrowed_to_the_service_and_api_of_its_runbook_where_the_platform_has_them() -> None:
    known = Known(services=frozenset({"shop"}), apis=frozenset({"shop"}), environment="production")
    found = derived(thresholds("CPU usage > 80%", "Error rate > 5%", head="service: shop"), known=known)
    cpu, errors = (each.rule for each in found.rules)
    assert cpu.expr == 'rate(process_cpu_seconds_total{service="shop"}[5m]) > 0.8'
    assert 'stationmaster_api_requests_total{code_class="5xx",api="shop"}' in errors.expr
    assert 'stationmaster_api_requests_total{api="shop"}' in errors.expr
    assert {each.labels["environment"] for each in (cpu, errors)} == {"production"}
    assert "in production" in errors.annotations["summary"]


def test_words_of_a_document_are_no_template() -> None:
    (found,) = derived(thresholds("CPU usage > 80% {{ $labels.x }}")).rules
    assert '{{ "{{" }} $labels.x }}' in found.rule.annotations["description"]


@pytest.mark.parametrize("bomb", ["(" * 20_000, "a" * 20_000, "-" * 5000 + "1 > 0", "a > 1 or " * 2000 + "a"])
def test_an_expression_of_death_is_left_out(bomb: str) -> None:
    text = f"# Shop\n\n## Alert expression\n\n```promql\n{bomb}\n```\n"
    found = rules_of([read_runbook(text, file="a.md").runbook])
    assert not found.rules
    assert found.left_out


def test_the_order_is_that_of_the_runbooks_and_their_lines() -> None:
    found = derived(thresholds("CPU usage > 80%", "Error rate > 5%"), thresholds("Response time p95 > 1s", title="B"))
    places = [(each.rule.origin.file, each.rule.origin.line) for each in found.rules]
    assert places == sorted(places)
    assert len(places) == 3
