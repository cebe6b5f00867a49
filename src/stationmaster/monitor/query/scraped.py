"""The scraper's targets as Prometheus' HTTP API tells of them."""

from collections.abc import Iterable, Iterator

from stationmaster.monitor.query.told import TargetTold
from stationmaster.monitor.scrape.state import TargetState
from stationmaster.monitor.scrape.target import ScrapeTarget


def targets_told(states: Iterable[TargetState]) -> list[TargetTold]:
    """Ordered by job and instance."""
    return sorted(_told(states), key=lambda each: (each.job, each.labels.get("instance", "")))


def _told(states: Iterable[TargetState]) -> Iterator[TargetTold]:
    for state in states:
        target = state.target
        labels = dict(target.labels) | {"job": target.job, "instance": target.instance}
        yield TargetTold(
            job=target.job,
            url=target.url,
            labels=labels,
            health=state.health.value,
            interval_ms=target.interval_ms,
            timeout_ms=target.timeout_ms,
            last_error=state.error,
            last_scrape=state.last_at,
            last_duration_s=state.duration_s,
            discovered_labels=_discovered(target),
        )


def _discovered(target: ScrapeTarget) -> dict[str, str]:
    """What the target was before it became labels, in Prometheus' words."""
    return dict(target.labels) | {
        "__address__": str(target.address),
        "__metrics_path__": target.path,
        "__scheme__": target.scheme,
        "job": target.job,
    }
