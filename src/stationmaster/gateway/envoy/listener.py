"""The entrance of a node as an Envoy listener: what every request passes through, in order."""

import hashlib
from typing import Any

from envoy.config.core.v3 import protocol_pb2
from envoy.config.listener.v3 import listener_pb2
from envoy.extensions.filters.http.router.v3 import router_pb2
from envoy.extensions.filters.network.connection_limit.v3 import connection_limit_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2 as manager_pb2

from stationmaster.gateway.envoy import access_log, chain, identity, replies, routing, tallies, tls, traces
from stationmaster.gateway.envoy.parts import ms, pack, socket
from stationmaster.gateway.ir import Entrance

NAME, SECURE = "entrance", "entrance-tls"
_BUFFER_BYTES = 1024 * 1024
_HEADERS_WITHIN_MS = 10_000
_IDLE_MS = 300_000


def listener(entrance: Entrance) -> Any:
    """Both entrances of a node count their requests together."""
    chain = {"filters": [_connections(entrance), _network("http_connection_manager", _http(entrance))]}
    if entrance.secure:
        chain["transport_socket"] = tls.transport()
    return listener_pb2.Listener(
        name=SECURE if entrance.secure else NAME,
        address=socket(entrance.host, entrance.port),
        enable_reuse_port={"value": False},  # two programs on one port are a mistake that has to show
        per_connection_buffer_limit_bytes={"value": _BUFFER_BYTES},
        filter_chains=[chain],
    )


def _connections(entrance: Entrance) -> Any:
    """Who comes when the entrance is full is turned away at once."""
    most = {"value": entrance.bounds.max_connections}
    return _network("connection_limit", connection_limit_pb2.ConnectionLimit(stat_prefix=NAME, max_connections=most))


def _network(name: str, message: Any) -> Any:
    return {"name": f"envoy.filters.network.{name}", "typed_config": pack(message)}


def _http(entrance: Entrance) -> Any:
    Manager = manager_pb2.HttpConnectionManager  # noqa: N806 a message class
    manager = Manager(
        stat_prefix=NAME,
        **routing.source(),
        early_header_mutation_extensions=[identity.strip_spoofed()],
        http_filters=[*chain.filters(), _router()],
        local_reply_config=replies.replies(),
        **access_log.to_control(),
        **traces.settings(entrance.traces),
        always_set_request_id_in_response=True,
        upgrade_configs=[{"upgrade_type": "websocket"}],
        max_request_headers_kb={"value": entrance.bounds.max_header_kb},
        http_protocol_options={"enable_trailers": True},
        server_name="stationmaster",
        use_remote_address={"value": True},
        normalize_path={"value": True},
        merge_slashes=True,
        path_with_escaped_slashes_action=Manager.REJECT_REQUEST,
        strip_trailing_host_dot=True,
        common_http_protocol_options={
            "headers_with_underscores_action": protocol_pb2.HttpProtocolOptions.DROP_HEADER,
            "idle_timeout": ms(_IDLE_MS),
        },
        stream_idle_timeout=ms(_IDLE_MS),
        request_headers_timeout=ms(_HEADERS_WITHIN_MS),
    )
    manager.access_log.extend(tallies.loggers(_made_of(entrance, manager)))
    return manager


def _made_of(entrance: Entrance, manager: Any) -> str:
    """A word that changes with whatever makes a node replace its entrance."""
    own = f"{entrance.host} {entrance.port} {entrance.secure} {entrance.bounds}".encode()
    return hashlib.blake2s(own + manager.SerializeToString(deterministic=True), digest_size=6).hexdigest()


def _router() -> Any:
    return manager_pb2.HttpFilter(
        name="envoy.filters.http.router", typed_config=pack(router_pb2.Router(suppress_envoy_headers=True))
    )
