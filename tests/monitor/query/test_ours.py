"""Which queries are the own store's while somebody else answers the rest."""

import pytest

from stationmaster.core.rules import AlertingRule, RecordingRule, RuleGroup
from stationmaster.monitor.query.ours import Ours

RECORDED = RuleGroup(
    name="g",
    file="f",
    rules=(RecordingRule(name="job:up:sum", expr="sum by (job) (up)"), AlertingRule(name="Down", expr="up == 0")),
)


@pytest.mark.parametrize(
    ("query", "ours"),
    [
        ("sum by (api) (rate(stationmaster_api_requests_total[5m])) > 1", True),
        ('probe_success{service="keys"} == 0', True),
        ("job:up:sum > 1", True),
        ("job:up:sum / stationmaster_alerts_firing", True),
        ('{__name__="stationmaster_alerts_firing"}', True),
        ("up == 0", False),
        ("job:up:sum / up", False),
        ("Down", False),
        ('{job="stationmaster"}', False),
        ('stationmaster_alerts_firing or {job="x"}', False),
        ('{__name__=~"stationmaster_.*"}', False),
        ("vector(1)", True),
        ("sum(", False),
    ],
)
def test_ours_is_what_reads_nothing_but_metrics_that_are_counted_or_recorded_here(query: str, ours: bool) -> None:
    assert Ours(lambda: (RECORDED,)).reads(query) is ours


def test_what_is_recorded_follows_the_rules() -> None:
    groups: list[RuleGroup] = []
    asked = Ours(lambda: tuple(groups))
    assert not asked.reads("job:up:sum")
    groups.append(RECORDED)
    assert asked.reads("job:up:sum")
