"""Requests that go to another pool: a share instead of the usual one, or a copy beside it."""

from typing import Any

from stationmaster.gateway.ir_policy import RoutePolicy, Share

_HUNDRED = 100


def fields(pool: str | None, policy: RoutePolicy) -> dict[str, Any]:
    """Fields of a route's action."""
    return {**_divided(pool, policy.canary), **_copied(policy.mirror)}


def _divided(pool: str | None, canary: Share | None) -> dict[str, Any]:
    if canary is None or pool is None:
        return {}
    parts = ((pool, _HUNDRED - canary.percent), (canary.pool, canary.percent))
    return {
        "weighted_clusters": {"clusters": [{"name": name, "weight": {"value": weight}} for name, weight in parts]},
    }


def _copied(mirror: Share | None) -> dict[str, Any]:
    if mirror is None:
        return {}
    share = {"default_value": {"numerator": mirror.percent}}
    return {
        "request_mirror_policies": [
            {"cluster": mirror.pool, "runtime_fraction": share, "disable_shadow_host_suffix_append": True}
        ]
    }
