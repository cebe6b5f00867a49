"""The platform's own state is watched: an alert at nine tenths, and when a certificate that is shown has expired."""

import pytest

from stationmaster.core.rules import AlertingRule
from stationmaster.monitor.alerting.asking import OwnAsk
from stationmaster.monitor.alerting.evaluate import vector_of
from stationmaster.monitor.own_rules import CERTIFICATE_EXPIRED, OWN_RULES, STORE_FULL
from stationmaster.monitor.promql.samples import Labels
from stationmaster.monitor.series.store import SeriesStore

AT_MS = 1_800_000_000_000


def fires(name: str, labels: Labels, value: float) -> bool:
    store = SeriesStore()
    store.append("test", AT_MS, {store.table.intern(labels): value})
    (rule,) = (each for each in OWN_RULES.rules if isinstance(each, AlertingRule) and each.name == name)
    return bool(vector_of(OwnAsk(store)(rule.expr, AT_MS, 1000)))


@pytest.mark.parametrize(("fullness", "told"), [(0.5, False), (0.9, False), (0.91, True), (1.2, True)])
def test_a_state_folder_is_told_of_when_a_tenth_is_left(fullness: float, told: bool) -> None:
    labels = (("__name__", "stationmaster_state_fullness"), ("job", "stationmaster"))
    assert fires(STORE_FULL, labels, fullness) is told


@pytest.mark.parametrize(
    ("service", "left_s", "told"),
    [("gateway", 3600, False), ("gateway", 0, True), ("gateway", -86_400, True), ("shop", -86_400, False)],
)
def test_an_entrance_is_told_of_once_its_certificate_is_over(service: str, left_s: int, told: bool) -> None:
    labels = (("__name__", "probe_ssl_earliest_cert_expiry"), ("node", "gateway-1"), ("service", service))
    assert fires(CERTIFICATE_EXPIRED, labels, AT_MS / 1000 + left_s) is told
