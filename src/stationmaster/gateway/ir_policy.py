"""What a route does to its requests beside where they go and who may send them."""

from dataclasses import dataclass

from stationmaster.core.problem import NOWHERE, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePolicy:
    origin: Origin = NOWHERE


NO_POLICY = RoutePolicy()
