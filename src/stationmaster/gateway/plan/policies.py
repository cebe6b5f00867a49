"""Policies of an API in the words of the gateway."""

from stationmaster.core.spec import Api
from stationmaster.gateway.ir_policy import RoutePolicy


def policy_of(api: Api) -> RoutePolicy:
    return RoutePolicy(origin=api.policies.origin)
