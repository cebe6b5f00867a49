"""The entrance of a node as an Envoy listener: what every request passes through, in order."""

from typing import Any

from envoy.config.core.v3 import config_source_pb2, protocol_pb2
from envoy.config.listener.v3 import listener_pb2
from envoy.extensions.filters.http.jwt_authn.v3 import config_pb2
from envoy.extensions.filters.http.router.v3 import router_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2 as manager_pb2

from stationmaster.gateway.envoy import api_keys, identity, policies, routing
from stationmaster.gateway.envoy.parts import from_control, ms, pack, socket
from stationmaster.gateway.envoy.routes import GATE, KEYS, TOKENS
from stationmaster.gateway.ir import Entrance

NAME = "entrance"
_BUFFER_BYTES = 1024 * 1024
_HEADERS_WITHIN_MS = 10_000
_IDLE_MS = 300_000


def listener(entrance: Entrance) -> Any:
    return listener_pb2.Listener(
        name=NAME,
        address=socket(entrance.host, entrance.port),
        enable_reuse_port={"value": False},  # two programs on one port are a mistake that has to show
        per_connection_buffer_limit_bytes={"value": _BUFFER_BYTES},
        filter_chains=[
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": pack(_http()),
                    }
                ]
            }
        ],
    )


def _http() -> Any:
    Manager = manager_pb2.HttpConnectionManager  # noqa: N806 a message class
    return Manager(
        stat_prefix=NAME,
        **routing.source(),
        early_header_mutation_extensions=[identity.strip_spoofed()],
        http_filters=[
            *routing.filters(),
            *policies.before_access(),
            _tokens(),
            _keys(),
            _gate(),
            *policies.after_access(),
            _router(),
        ],
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
        request_headers_timeout=ms(_HEADERS_WITHIN_MS),
    )


def _tokens() -> Any:
    """Sent on its own, so that a change of keys takes effect on open connections without a new listener."""
    return manager_pb2.HttpFilter(
        name=TOKENS,
        config_discovery=config_source_pb2.ExtensionConfigSource(
            config_source=from_control(),
            default_config=pack(identity.nobody()),
            apply_default_config_without_warming=True,
            type_urls=[api_keys.type_url(config_pb2.JwtAuthentication), api_keys.type_url(identity.nobody())],
        ),
    )


def _keys() -> Any:
    return manager_pb2.HttpFilter(name=KEYS, typed_config=pack(api_keys.checker()))


def _gate() -> Any:
    """Refuses whoever the route does not name, whatever the filters before it did."""
    return manager_pb2.HttpFilter(name=GATE, typed_config=pack(identity.nobody()))


def _router() -> Any:
    return manager_pb2.HttpFilter(
        name="envoy.filters.http.router", typed_config=pack(router_pb2.Router(suppress_envoy_headers=True))
    )
