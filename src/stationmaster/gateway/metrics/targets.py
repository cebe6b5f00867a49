"""Where the metrics of the gateway are read: one target for every node, with the translation of what it tells."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from stationmaster.core.names import NodeName
from stationmaster.core.spec import Address, PlatformSpec
from stationmaster.gateway.metrics.figures import SCRAPED
from stationmaster.gateway.metrics.translate import translate

JOB = "gateway"
PATH = f"/stats/prometheus?usedonly&filter={quote(SCRAPED, safe='')}"
BODY_LIMIT_BYTES = 256_000_000
"""A node tells 0.9 kB of a busy API, and the platform has no bound on APIs."""
SAMPLE_LIMIT = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeMetrics:
    """What a scraper asks of one node; `labels` belong to all that it gets there. `translate` takes processor time in
    proportion to the body, 26 ms for a megabyte."""

    node: NodeName
    address: Address
    path: str = PATH
    job: str = JOB
    labels: tuple[tuple[str, str], ...] = ()
    body_limit_bytes: int = BODY_LIMIT_BYTES
    sample_limit: int = SAMPLE_LIMIT
    translate: Callable[[bytes], bytes] = translate


def gateway_metrics(spec: PlatformSpec) -> tuple[NodeMetrics, ...]:
    return tuple(
        NodeMetrics(
            node=node.name,
            address=node.admin,
            labels=(("environment", spec.environment), ("node", node.name)),
        )
        for node in spec.nodes
    )
