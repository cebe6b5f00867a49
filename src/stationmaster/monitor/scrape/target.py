"""Who is scraped, how often and within which bounds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from stationmaster.core.address import Address
from stationmaster.core.monitoring import Monitoring, ScrapeJob
from stationmaster.core.spec import Instance, PlatformSpec, Service
from stationmaster.monitor.promql.samples import Labels

Translate: TypeAlias = Callable[[bytes], bytes]
"""Turns the body that a target told into Prometheus' text format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapeTarget:
    """One place that tells its metrics over HTTP, in the words of Prometheus' `scrape_config`.

    `labels` are added to every series beside `job` and `instance`. A scrape with more samples or bytes (as they come
    and unpacked) than its limits counts as failed. `token_file` holds a bearer token.
    """

    job: str
    instance: str
    address: Address
    path: str = "/metrics"
    scheme: str = "http"
    labels: Labels = ()
    interval_ms: int = 15_000
    timeout_ms: int = 10_000
    honor_labels: bool = False
    sample_limit: int = 200_000
    body_limit_bytes: int = 64_000_000
    token_file: Path | None = None
    translate: Translate | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.address}{self.path}"

    @property
    def stream(self) -> str:
        """The name under which the store keeps its samples."""
        return f"scrape/{self.job}/{self.instance}/{self.url}"


def targets_of(spec: PlatformSpec) -> tuple[ScrapeTarget, ...]:
    """Every declared scrape job, and every instance of a service that tells metrics."""
    return (*_of_jobs(spec), *_of_services(spec))


def _of_jobs(spec: PlatformSpec) -> Iterator[ScrapeTarget]:
    for job in spec.monitoring.scrape:
        interval_ms, timeout_ms = _times(job, spec.monitoring)
        for address in job.targets:
            yield ScrapeTarget(
                job=job.name,
                instance=str(address),
                address=address,
                path=job.path,
                scheme=job.scheme,
                labels=_labels({"environment": spec.environment} | dict(job.labels)),
                interval_ms=interval_ms,
                timeout_ms=timeout_ms,
                honor_labels=job.honor_labels,
                sample_limit=job.sample_limit,
                body_limit_bytes=job.body_limit_bytes,
                token_file=job.token_file,
            )


def _of_services(spec: PlatformSpec) -> Iterator[ScrapeTarget]:
    for service in spec.services:
        for instance in service.instances:
            if service.metrics is not None:
                yield _of_instance(spec, service, instance, service.metrics)


def _of_instance(spec: PlatformSpec, service: Service, instance: Instance, path: str) -> ScrapeTarget:
    labels = {"service": service.name, "region": instance.region, "environment": spec.environment}
    return ScrapeTarget(
        job=service.name,
        instance=instance.name,
        address=instance.address,
        path=path,
        labels=_labels(labels),
        interval_ms=spec.monitoring.scrape_interval_ms,
        timeout_ms=min(spec.monitoring.scrape_timeout_ms, spec.monitoring.scrape_interval_ms),
    )


def _times(job: ScrapeJob, monitoring: Monitoring) -> tuple[int, int]:
    """A timeout is never longer than the interval."""
    interval_ms = job.interval_ms or monitoring.scrape_interval_ms
    return interval_ms, min(job.timeout_ms or monitoring.scrape_timeout_ms, interval_ms)


def _labels(given: dict[str, str]) -> Labels:
    return tuple(sorted((name, value) for name, value in given.items() if value))
