"""Traces of requests: where a node sends its spans, and what they tell. Endpoints get the `traceparent` of theirs."""

from typing import Any

from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.core.v3 import base_pb2
from envoy.config.trace.v3 import opentelemetry_pb2
from envoy.extensions.transport_sockets.tls.v3 import tls_pb2

from stationmaster.gateway.admin import TRACES
from stationmaster.gateway.envoy.clusters import authorities
from stationmaster.gateway.envoy.parts import ms, pack, socket
from stationmaster.gateway.ir import TraceSink

_SENT_WITHIN_MS = 2_000
_CONNECT_MS = 1_000
_LOOK_UP_EVERY_MS = 30_000


def cluster(sink: TraceSink) -> Any:
    endpoint = {"endpoint": {"address": socket(sink.host, sink.port)}}
    return cluster_pb2.Cluster(
        name=TRACES,
        type=cluster_pb2.Cluster.STRICT_DNS,
        dns_lookup_family=cluster_pb2.Cluster.V4_PREFERRED,
        dns_refresh_rate=ms(_LOOK_UP_EVERY_MS),
        connect_timeout=ms(_CONNECT_MS),
        load_assignment={"cluster_name": TRACES, "endpoints": [{"lb_endpoints": [endpoint]}]},
        **_secured(sink),
    )


def _secured(sink: TraceSink) -> dict[str, Any]:
    if not sink.secure:
        return {}
    name = {"san_type": "DNS", "matcher": {"exact": sink.host}}
    context = tls_pb2.UpstreamTlsContext(
        sni=sink.host,
        common_tls_context={"validation_context": {**authorities(), "match_typed_subject_alt_names": [name]}},
    )
    return {
        "transport_socket": base_pb2.TransportSocket(name="envoy.transport_sockets.tls", typed_config=pack(context))
    }


def settings(sink: TraceSink | None) -> dict[str, Any]:
    """The fields of the connection manager. A caller's `traceparent` is gone on with, and decides whether there is a
    span; of other requests the declared share has one. Queries may hold secrets: no span tells the path."""
    if sink is None:
        return {}
    scheme = "https" if sink.secure else "http"
    service = {
        "http_uri": {
            "uri": f"{scheme}://{sink.host}:{sink.port}{sink.path}",
            "cluster": TRACES,
            "timeout": ms(_SENT_WITHIN_MS),
        }
    }
    tracer = opentelemetry_pb2.OpenTelemetryConfig(http_service=service, service_name="stationmaster-gateway")
    tracing = {
        "client_sampling": {"value": 0},
        "random_sampling": {"value": sink.share * 100},
        "max_path_tag_length": {"value": 0},
        "operation": "%ROUTE_NAME%",
        "custom_tags": [{"tag": "stationmaster.api", "value": "%ROUTE_NAME%"}],
        "provider": {"name": "envoy.tracers.opentelemetry", "typed_config": pack(tracer)},
    }
    return {"tracing": tracing}
