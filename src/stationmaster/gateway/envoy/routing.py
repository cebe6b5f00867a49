"""Where an entrance finds its routes."""

from typing import Any

from stationmaster.gateway.envoy.parts import from_control
from stationmaster.gateway.envoy.routes import ROUTES


def source() -> dict[str, Any]:
    """The fields of the connection manager that name the routes."""
    return {"rds": {"route_config_name": ROUTES, "config_source": from_control()}}


def filters() -> list[Any]:
    """Filters that find the route of a request; the first of all."""
    return []
