"""Filters on routes that are found late: the section of what is left is looked at only when the filters of a request
have been chosen, so that none of them can be switched on or off there. They all run, and are told to do nothing."""

from collections.abc import Iterable, Mapping
from typing import Any

from envoy.config.route.v3 import route_components_pb2
from envoy.extensions.common.matching.v3 import extension_matcher_pb2
from envoy.extensions.filters.common.matcher.action.v3 import skip_action_pb2
from envoy.extensions.filters.http.buffer.v3 import buffer_pb2
from envoy.extensions.filters.http.cors.v3 import cors_pb2
from envoy.extensions.filters.http.fault.v3 import fault_pb2
from envoy.extensions.filters.http.header_mutation.v3 import header_mutation_pb2
from envoy.extensions.filters.http.jwt_authn.v3 import config_pb2
from envoy.extensions.filters.http.local_ratelimit.v3 import local_rate_limit_pb2
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2
from google.protobuf.any_pb2 import Any as Packed
from xds.type.matcher.v3 import matcher_pb2

from stationmaster.gateway.envoy.parts import ms, pack, part_of_match, switched_off

_GUARD = rbac_pb2.RBAC.DESCRIPTOR.full_name
"""What stands in for a filter whose settings have not come."""


def _idle() -> Mapping[str, Any]:
    """Settings that make a filter do nothing, by the type of the filter."""
    skip = part_of_match("skip", skip_action_pb2.SkipFilter())
    return {
        _GUARD: rbac_pb2.RBACPerRoute(),
        "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication": config_pb2.PerRouteConfig(disabled=True),
        "envoy.extensions.common.matching.v3.ExtensionWithMatcher": extension_matcher_pb2.ExtensionWithMatcherPerRoute(
            xds_matcher=matcher_pb2.Matcher(on_no_match={"action": skip})
        ),
        "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit": local_rate_limit_pb2.LocalRateLimit(
            stat_prefix="limits", token_bucket={"max_tokens": 1, "fill_interval": ms(1_000)}
        ),
        "envoy.extensions.filters.http.fault.v3.HTTPFault": fault_pb2.HTTPFault(),
        "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation": header_mutation_pb2.HeaderMutationPerRoute(),
        "envoy.extensions.filters.http.cors.v3.Cors": cors_pb2.CorsPolicy(),
        "envoy.extensions.filters.http.buffer.v3.Buffer": buffer_pb2.BufferPerRoute(disabled=True),
    }


class Late:
    """What becomes of the filters of an entrance, of which some are switched off until a route switches them on."""

    def __init__(self, filters: Iterable[Any]) -> None:
        self._filters = {each.name: each for each in filters}
        self._asleep = tuple(name for name, each in self._filters.items() if each.disabled)
        idle = _idle()
        self._idle = {name: pack(idle[_type(each)]) for name, each in self._filters.items() if _type(each) in idle}

    def running(self) -> list[Any]:
        """All filters, none of them switched off."""
        woken = []
        for each in self._filters.values():
            copy = type(each)()
            copy.CopyFrom(each)
            copy.disabled = False
            woken.append(copy)
        return woken

    def by_default(self) -> dict[str, Packed]:
        """Switches off what was, for all routes of a section that is found early."""
        return {name: switched_off() for name in self._asleep}

    def on_late_route(self, settings: Mapping[str, Packed]) -> dict[str, Packed]:
        """The settings of a route that is found late, with the same outcome as on one that is found early."""
        wanted = {**self.by_default(), **settings}
        return {name: self._idle[name] if _switches_off(each) else each for name, each in wanted.items()}


def _type(filter_: Any) -> str:
    """The message that sets up a filter; of one that is sent on its own, not that of its guard."""
    discovery = filter_.config_discovery
    found: list[str] = [url.rpartition("/")[2] for url in (*discovery.type_urls, filter_.typed_config.type_url) if url]
    return next((each for each in found if each != _GUARD), _GUARD)


def _switches_off(settings: Packed) -> bool:
    said = route_components_pb2.FilterConfig()
    return settings.Is(said.DESCRIPTOR) and settings.Unpack(said) and said.disabled
