"""Small pieces that many of Envoy's messages share."""

from typing import Any

from envoy.config.core.v3 import address_pb2, config_source_pb2, extension_pb2
from envoy.config.route.v3 import route_components_pb2
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from xds.core.v3 import extension_pb2 as matcher_extension_pb2

V3 = config_source_pb2.ApiVersion.Value("V3")


def pack(message: Any) -> Packed:
    packed = Packed()
    packed.Pack(message, deterministic=True)
    return packed


def extension(name: str, message: Any) -> Any:
    return extension_pb2.TypedExtensionConfig(name=name, typed_config=pack(message))


def part_of_match(name: str, message: Any) -> Any:
    """The same as `extension`, in the type that matchers take."""
    return matcher_extension_pb2.TypedExtensionConfig(name=name, typed_config=pack(message))


def ms(milliseconds: int) -> Duration:
    duration = Duration()
    duration.FromMilliseconds(milliseconds)
    return duration


def from_control() -> Any:
    """The stream to the control plane as source of a resource."""
    return config_source_pb2.ConfigSource(ads={}, resource_api_version=V3)


def socket(host: str, port: int) -> Any:
    return address_pb2.Address(socket_address={"address": host, "port_value": port})


def switched_off() -> Packed:
    """A filter's settings on a route that does not pass through it."""
    return pack(route_components_pb2.FilterConfig(disabled=True))
