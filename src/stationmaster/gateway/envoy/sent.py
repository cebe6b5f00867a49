"""Filters whose settings the control plane sends on their own: they change without a new listener."""

from typing import Any

from envoy.config.core.v3 import config_source_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2 as manager_pb2

from stationmaster.gateway.envoy import identity
from stationmaster.gateway.envoy.parts import from_control, pack


def sent(name: str, kind: Any, *, disabled: bool = False) -> Any:
    """The filter `name`, whose settings are a message of the class `kind`; until they come, it refuses everybody.

    A `disabled` filter runs on the routes that turn it on.
    """
    refusing = identity.nobody()
    return manager_pb2.HttpFilter(
        name=name,
        disabled=disabled,
        config_discovery=config_source_pb2.ExtensionConfigSource(
            config_source=from_control(),
            default_config=pack(refusing),
            apply_default_config_without_warming=True,
            type_urls=sorted({_type_url(kind), _type_url(refusing)}),
        ),
    )


def built_in(name: str, message: Any, *, disabled: bool = True) -> Any:
    """A filter that is part of the listener; a `disabled` one runs on the routes that turn it on."""
    return manager_pb2.HttpFilter(name=name, disabled=disabled, typed_config=pack(message))


def _type_url(message: Any) -> str:
    return f"type.googleapis.com/{message.DESCRIPTOR.full_name}"
