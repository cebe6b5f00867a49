"""Policies of a route as Envoy's filters and settings: one file per feature, joined here."""

from dataclasses import dataclass, field
from typing import Any

from google.protobuf.any_pb2 import Any as Packed

from stationmaster.gateway.ir import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteExtras:
    """What the policies of a route add: fields of its action, fields of the route itself, settings of filters."""

    action: dict[str, Any] = field(default_factory=dict)
    route: dict[str, Any] = field(default_factory=dict)
    filters: dict[str, Packed] = field(default_factory=dict)


def on_route(_route: Route) -> RouteExtras:
    return RouteExtras()


def before_access() -> list[Any]:
    """Filters that requests pass before anybody asks who calls."""
    return []


def after_access() -> list[Any]:
    """Filters that only requests of known callers, or of public routes, reach."""
    return []
