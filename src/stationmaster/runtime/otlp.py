"""Records spans with OpenTelemetry and sends them over OTLP by HTTP, in a thread of its own.

As JSON: the package of Envoy's protobuf types brings an older copy of OTLP's, in the place of the newer one.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span as OpenSpan
from opentelemetry.trace import Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from stationmaster import __version__
from stationmaster.core.monitoring import Traces
from stationmaster.runtime.spans import Span, Value

_PATH = "/v1/traces"
"""Where OTLP over HTTP takes spans (OpenTelemetry Protocol 1.5)."""
_SENT_EVERY_MS = 2_000
_SENT_WITHIN_S = 5.0


class OtlpRecorder:
    """Who began a trace decides whether it is recorded; of those that begin here, the declared share is."""

    def __init__(self, traces: Traces, environment: str) -> None:
        who: dict[str, Value] = {
            "service.name": "stationmaster",
            "service.version": __version__,
            "deployment.environment.name": environment,
        }
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(traces.ratio)),
            resource=Resource.create(who),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(endpoint=endpoint_of(traces.endpoint), timeout=_SENT_WITHIN_S)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_SENT_EVERY_MS))
        self._tracer = self._provider.get_tracer("stationmaster", __version__)
        self._headers = TraceContextTextMapPropagator()

    @contextmanager
    def open(self, name: str, parent: str, attributes: dict[str, Value]) -> Iterator[Span]:
        context = self._headers.extract({"traceparent": parent}) if parent else None
        with self._tracer.start_as_current_span(name, context=context, attributes=_dotted(attributes)) as current:
            yield RecordedSpan(current)

    def keep(self, name: str, took_ms: float, why: str, attributes: dict[str, Value]) -> None:
        now_ns = time.time_ns()
        kept = self._tracer.start_span(name, attributes=_dotted(attributes), start_time=now_ns - int(took_ms * 1e6))
        kept.set_status(Status(StatusCode.ERROR, why))
        kept.end(now_ns)

    def close(self) -> None:
        self._provider.shutdown()


class RecordedSpan(Span):
    __slots__ = ("_span",)

    def __init__(self, span: OpenSpan) -> None:
        self._span = span

    def note(self, **attributes: Value) -> None:
        self._span.set_attributes(_dotted(attributes))

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def failed(self, why: str) -> None:
        self._span.set_status(Status(StatusCode.ERROR, why))


def endpoint_of(declared: str) -> str:
    """The path may be left out."""
    base = declared.rstrip("/")
    return base if base.endswith(_PATH) else base + _PATH


def _dotted(attributes: dict[str, Value]) -> dict[str, Value]:
    """`http__route` becomes `http.route`; a single `_` is part of a word."""
    return {name.replace("__", "."): value for name, value in attributes.items()}
