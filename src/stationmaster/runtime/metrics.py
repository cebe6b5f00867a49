"""What this process tells of itself in Prometheus' text format: numbers that it asks for, and those that it keeps."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import accumulate
from typing import TypeAlias, assert_never

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from stationmaster.runtime.timings import Labels, Timings

PREFIX = "stationmaster_"
_ASKED_WITHIN_S = 5.0


class Kind(Enum):
    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A metric at this moment. `name` lacks the prefix of all, and that of a counter its `_total`; `samples` are values
    by those of `labels`."""

    name: str
    kind: Kind = Kind.GAUGE
    help: str
    labels: Labels = ()
    samples: Mapping[Labels, float]


Source: TypeAlias = Callable[[], Awaitable[Iterable[Reading]]]
"""Is asked whenever somebody reads the metrics."""


def _served() -> Timings:
    return Timings(
        name="control_request_duration_seconds",
        help="Requests to the control plane's API, by the pattern of their path.",
        labels=("method", "path", "status"),
    )


@dataclass(slots=True)
class ControlMetrics:
    """The metrics of one process. `sources` are asked for every reading, `timings` are kept where they are told, and
    `served` are the requests to its API."""

    sources: Sequence[Source] = ()
    timings: Sequence[Timings] = ()
    served: Timings = field(default_factory=_served)
    _asked: "_Asked" = field(init=False)
    _registry: CollectorRegistry = field(init=False)

    def __post_init__(self) -> None:
        self._asked = _Asked()
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._registry.register(self._asked)

    async def text(self, accept: str = "") -> tuple[bytes, str]:
        """The metrics and their content type: OpenMetrics where `accept` asks for it. Raises TimeoutError when a source
        does not answer within 5 s."""
        async with asyncio.timeout(_ASKED_WITHIN_S):
            readings = [reading for each in self.sources for reading in await each()]
        self._asked.families = (*map(_family, readings), *(_histogram(each) for each in (self.served, *self.timings)))
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


class _Asked(Collector):
    """What was asked for just now."""

    def __init__(self) -> None:
        self.families: tuple[Metric, ...] = ()

    def collect(self) -> Iterator[Metric]:
        yield from self.families


def _family(reading: Reading) -> Metric:
    match reading.kind:
        case Kind.COUNTER:
            family: CounterMetricFamily | GaugeMetricFamily = CounterMetricFamily(
                PREFIX + reading.name, reading.help, labels=reading.labels
            )
        case Kind.GAUGE:
            family = GaugeMetricFamily(PREFIX + reading.name, reading.help, labels=reading.labels)
        case _:
            assert_never(reading.kind)
    for labels, value in reading.samples.items():
        family.add_metric(labels, value)
    return family


def _histogram(timings: Timings) -> Metric:
    family = HistogramMetricFamily(PREFIX + timings.name, timings.help, labels=timings.labels)
    bounds = (*map(str, timings.bounds_s), "+Inf")
    for labels, found in timings.kept.items():
        family.add_metric(labels, [*zip(bounds, accumulate(found.counts), strict=True)], sum_value=found.sum_s)
    return family


def single(name: str, value: float, text: str, kind: Kind = Kind.GAUGE) -> Reading:
    """A metric without labels; `text` is its help."""
    return Reading(name=name, kind=kind, help=text, samples={(): value})
