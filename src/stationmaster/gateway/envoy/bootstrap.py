"""The file that a node starts from: who it is and where its configuration comes from."""

from pathlib import Path
from typing import Any

from envoy.config.bootstrap.v3 import bootstrap_pb2
from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.core.v3 import address_pb2, config_source_pb2
from envoy.config.overload.v3 import overload_pb2
from envoy.extensions.resource_monitors.downstream_connections.v3 import downstream_connections_pb2
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2
from google.protobuf.json_format import MessageToJson
from google.protobuf.struct_pb2 import Struct

from stationmaster.core.spec import Address, GatewayNode
from stationmaster.gateway.admin import CONTROL
from stationmaster.gateway.envoy import siblings, tallies
from stationmaster.gateway.envoy.parts import V3, from_control, ms, pack, socket

_MOST_CALLERS = 50_000
"""Open connections to one node."""
_LARGEST_EXPRESSION = 100_000
_FIGURES_EVERY_MS = 5_000
"""How old the durations may be that a node tells; its counters are those of the moment."""
_UNREAD = (
    r"cluster\..+\.(lb_.+|assignment_.+|update_.+|version.*|init_fetch_timeout|warming_state|max_host_weight"
    r"|default\.total_match_count|circuit_breakers\.high\..+|outlier_detection\.ejections_(detected|enforced)_.+"
    r"|external\..+|internal\..+|upstream_flow_control_.+|upstream_cx_(length_ms|[rt]x_bytes_.+)|upstream_rq_per_cx)",
    r"http\..+\.rds\..+",
    r"extension_config_discovery\..+",
)
"""Figures that a node would keep for every pool, every section and every shard of keys, and that nobody reads: 18 kB
for each API."""


def bootstrap(node: GatewayNode, *, control: Address | Path, environment: str) -> str:
    """JSON text of Envoy's bootstrap configuration; `control` is the xDS server, or the socket of the node's agent."""
    message = bootstrap_pb2.Bootstrap(
        node={"id": node.name, "cluster": environment},
        admin={"address": socket(node.admin.host, node.admin.port)},
        dynamic_resources={
            "ads_config": _stream(),
            "cds_config": from_control(),
            "lds_config": from_control(),
        },
        static_resources={"clusters": [_control(control), siblings.cluster()]},
        cluster_manager={"local_cluster_name": siblings.NAME},
        deferred_stat_options={"enable_deferred_creation_stats": True},
        stats_flush_interval=ms(_FIGURES_EVERY_MS),
        stats_config={
            "stats_matcher": {"exclusion_list": {"patterns": [_figures(each) for each in _UNREAD]}},
            **tallies.settings(),
        },
        layered_runtime={"layers": [{"name": "fixed", "static_layer": _fixed()}]},
        overload_manager={"resource_monitors": [_connections()]},
    )
    return MessageToJson(message, preserving_proto_field_name=True)


def _fixed() -> Struct:
    """Envoy refuses expressions whose compiled program is larger than 100; ours were bounded when they were read."""
    layer = Struct()
    layer.update({"re2.max_program_size.error_level": _LARGEST_EXPRESSION})
    return layer


def _figures(names: str) -> dict[str, Any]:
    return {"safe_regex": {"regex": names}}


def _connections() -> Any:
    return overload_pb2.ResourceMonitor(
        name="envoy.resource_monitors.global_downstream_max_connections",
        typed_config=pack(
            downstream_connections_pb2.DownstreamConnectionsConfig(max_active_downstream_connections=_MOST_CALLERS)
        ),
    )


def _stream() -> Any:
    """Tried again within a second: the default waits up to twelve."""
    return config_source_pb2.ApiConfigSource(
        api_type=config_source_pb2.ApiConfigSource.DELTA_GRPC,
        transport_api_version=V3,
        grpc_services=[
            {
                "envoy_grpc": {
                    "cluster_name": CONTROL,
                    "retry_policy": {"retry_back_off": {"base_interval": ms(100), "max_interval": ms(1_000)}},
                }
            }
        ],
    )


def _control(control: Address | Path) -> Any:
    keepalive = {"interval": ms(5_000), "timeout": ms(2_000)}
    options = http_protocol_options_pb2.HttpProtocolOptions(
        explicit_http_config={"http2_protocol_options": {"connection_keepalive": keepalive}}
    )
    if isinstance(control, Path):
        kind, address = cluster_pb2.Cluster.STATIC, address_pb2.Address(pipe={"path": str(control)})
    else:
        kind, address = cluster_pb2.Cluster.STRICT_DNS, socket(control.host, control.port)
    endpoint = {"endpoint": {"address": address}}
    return cluster_pb2.Cluster(
        name=CONTROL,
        type=kind,
        connect_timeout=ms(1_000),
        load_assignment={"cluster_name": CONTROL, "endpoints": [{"lb_endpoints": [endpoint]}]},
        typed_extension_protocol_options={"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(options)},
    )
