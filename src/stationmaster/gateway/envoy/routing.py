"""How an entrance finds the route of a request: in the section of the first segment of its path, and if there is none
for it, in the section of what is left."""

from typing import Any

from envoy.config.core.v3 import base_pb2
from envoy.config.route.v3 import scoped_route_pb2
from envoy.extensions.filters.http.lua.v3 import lua_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2 as manager_pb2

from stationmaster.gateway.envoy.identity import SECTION
from stationmaster.gateway.envoy.parts import from_control, pack

SECOND_LOOK = "stationmaster.second_look"
"""The filter that looks in the section of what is left; every route switches it off."""

_LEFT = "?"
"""No path has a segment of this name: it is where the query begins."""
_LOOK_AGAIN = f"""
function envoy_on_request(handle)
  handle:headers():replace("{SECTION}", "/{_LEFT}")
  handle:clearRouteCache()
end
"""


def source() -> dict[str, Any]:
    """The fields of the connection manager that name the routes."""
    first_segment = {"header_value_extractor": {"name": SECTION, "element_separator": "/", "index": 1}}
    return {
        "scoped_routes": {
            "name": "sections",
            "scope_key_builder": {"fragments": [first_segment]},
            "rds_config_source": from_control(),
            "scoped_rds": {"scoped_rds_config_source": from_control()},
        }
    }


def filters() -> list[Any]:
    """Filters that find the route of a request; the first of all."""
    look = lua_pb2.Lua(default_source_code=base_pb2.DataSource(inline_string=_LOOK_AGAIN))
    return [manager_pb2.HttpFilter(name=SECOND_LOOK, typed_config=pack(look))]


def name(segment: str | None) -> str:
    return "left" if segment is None else f"segment:{segment}"


def scope(segment: str | None) -> Any:
    """Leads requests to the routes of a section."""
    return scoped_route_pb2.ScopedRouteConfiguration(
        name=name(segment),
        route_configuration_name=name(segment),
        key={"fragments": [{"string_key": _LEFT if segment is None else segment}]},
    )
