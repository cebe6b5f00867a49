"""The file that a node starts from: who it is and where its configuration comes from."""

from typing import Any

from envoy.config.bootstrap.v3 import bootstrap_pb2
from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.core.v3 import config_source_pb2
from envoy.config.overload.v3 import overload_pb2
from envoy.extensions.resource_monitors.downstream_connections.v3 import downstream_connections_pb2
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2
from google.protobuf.json_format import MessageToJson

from stationmaster.core.spec import Address, GatewayNode
from stationmaster.gateway.envoy.parts import V3, from_control, ms, pack, socket

_MOST_CALLERS = 50_000
"""Open connections to one node."""
CONTROL = "stationmaster.control"


def bootstrap(node: GatewayNode, *, control: Address, environment: str) -> str:
    """JSON text of Envoy's bootstrap configuration."""
    message = bootstrap_pb2.Bootstrap(
        node={"id": node.name, "cluster": environment},
        admin={"address": socket(node.admin.host, node.admin.port)},
        dynamic_resources={
            "ads_config": _stream(),
            "cds_config": from_control(),
            "lds_config": from_control(),
        },
        static_resources={"clusters": [_control(control)]},
        deferred_stat_options={"enable_deferred_creation_stats": True},
        stats_flush_on_admin=True,
        overload_manager={"resource_monitors": [_connections()]},
    )
    return MessageToJson(message, preserving_proto_field_name=True)


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


def _control(control: Address) -> Any:
    keepalive = {"interval": ms(5_000), "timeout": ms(2_000)}
    options = http_protocol_options_pb2.HttpProtocolOptions(
        explicit_http_config={"http2_protocol_options": {"connection_keepalive": keepalive}}
    )
    endpoint = {"endpoint": {"address": socket(control.host, control.port)}}
    return cluster_pb2.Cluster(
        name=CONTROL,
        type=cluster_pb2.Cluster.STRICT_DNS,
        connect_timeout=ms(1_000),
        load_assignment={"cluster_name": CONTROL, "endpoints": [{"lb_endpoints": [endpoint]}]},
        typed_extension_protocol_options={"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(options)},
    )
