"""What the joined monitor scrapes, by itself and beside a Prometheus of the users' own."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from stationmaster.core.monitoring import ExternalPrometheus, Monitoring, ScrapeJob
from stationmaster.core.spec import Address
from stationmaster.joining.signals import scrape_targets
from tests.gateway.rig import declared


@pytest.mark.parametrize(
    ("external", "jobs"),
    [(None, {"node", "gateway"}), (ExternalPrometheus(url="http://127.0.0.1:9090"), {"gateway"})],
)
def test_beside_another_prometheus_gateway_nodes_are_scraped_still(
    free_port: Callable[[], int], external: ExternalPrometheus | None, jobs: set[str]
) -> None:
    job = ScrapeJob(name="node", targets=(Address(host="127.0.0.1", port=9100),))
    monitoring = Monitoring(scrape=(job,), prometheus=external)
    spec = replace(declared(free_port, nodes=1, targets=1), monitoring=monitoring)
    assert {each.job for each in scrape_targets(spec)} == jobs
