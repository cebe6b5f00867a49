"""Policies of a route as Envoy's filters and settings: one file per feature, joined here."""

from dataclasses import dataclass, field
from typing import Any

from google.protobuf.any_pb2 import Any as Packed

from stationmaster.gateway.envoy import (
    answers,
    body_size,
    cross_origin,
    header_edits,
    rate_limits,
    scopes,
    shares,
    trouble,
)
from stationmaster.gateway.ir import Route
from stationmaster.gateway.ir_policy import Counting


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteExtras:
    """What the policies of a route add: fields of its action, fields of the route itself, settings of filters.

    `answer`, where there is one, is the field of the route that stands in place of its action (`direct_response` or
    `redirect`): the node itself answers and no endpoint is asked.
    """

    answer: dict[str, Any] = field(default_factory=dict)
    action: dict[str, Any] = field(default_factory=dict)
    route: dict[str, Any] = field(default_factory=dict)
    filters: dict[str, Packed] = field(default_factory=dict)


def on_route(route: Route) -> RouteExtras:
    policy = route.policy
    if policy.closed:
        return RouteExtras(answer=answers.answer(policy), route={"response_headers_to_add": answers.headers(policy)})
    marks = {"metadata": rate_limits.metadata(policy)} if policy.bounds or policy.own_bounds else {}
    return RouteExtras(
        answer=answers.answer(policy),
        action=shares.fields(route.pool, policy),
        route={**header_edits.fields(policy), **marks},
        filters={
            **cross_origin.settings(policy.cross_origin),
            **scopes.settings(policy.scopes),
            **rate_limits.settings(policy),
            **body_size.settings(policy.max_body_bytes),
            **trouble.settings(policy.trouble),
        },
    )


def before_access() -> list[Any]:
    """Filters that requests pass before anybody asks who calls."""
    return cross_origin.filters()


def after_tokens() -> list[Any]:
    """Filters between the check of tokens and that of keys."""
    return scopes.filters()


def after_access() -> list[Any]:
    """Filters that only requests of known callers, or of public routes, reach."""
    return [*rate_limits.filters(), *body_size.filters(), *trouble.filters()]


def shared(counting: Counting) -> dict[str, Any]:
    """Settings of filters that are sent on their own, by name."""
    return {
        rate_limits.LIMITS: rate_limits.limiter(counting),
        rate_limits.CLASSES: rate_limits.classes(counting.callers),
        rate_limits.WAITING: rate_limits.teller(counting),
    }
