"""Rate limits: buckets of tokens at every node, each of which gives out its share of what all nodes together may."""

from collections.abc import Iterable, Mapping
from typing import Any

from envoy.config.rbac.v3 import rbac_pb2 as rules_pb2
from envoy.config.route.v3 import route_components_pb2
from envoy.extensions.common.matching.v3 import extension_matcher_pb2
from envoy.extensions.filters.http.header_mutation.v3 import header_mutation_pb2
from envoy.extensions.filters.http.local_ratelimit.v3 import local_rate_limit_pb2
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2
from envoy.type.matcher.v3 import http_inputs_pb2
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.struct_pb2 import Struct
from xds.type.matcher.v3 import matcher_pb2

from stationmaster.gateway.envoy import waiting
from stationmaster.gateway.envoy.identity import CALLER
from stationmaster.gateway.envoy.parts import ms, pack, part_of_match
from stationmaster.gateway.envoy.sent import built_in, sent
from stationmaster.gateway.ir_policy import Bound, CallerBounds, CountedBy, Counting, RoutePolicy

LIMITS, CLASSES = "stationmaster.limits", "stationmaster.classes"
"""Resources: what is counted and how far, and which callers have bounds of their own."""

WAITING = waiting.NAME
"""The resource that tells who is over a limit when to come again."""

_TOLD = "stationmaster.limits_told"
_ROUTE = waiting.ROUTE
"""The metadata of a route: the name it is counted as, and its bounds."""
_API, _USER, _CLASS, _FREE = "api", "caller", "class", "free"
_USUAL = "-"
"""The class of callers without bounds of their own."""
_FOUND_CLASS = ("envoy.filters.http.rbac", f"{_CLASS}_shadow_effective_policy_id")
"""Where the metadata of a request say which class its caller is of."""
_LEAST_FILL_MS = 50
_A_YEAR_MS = 365 * 24 * 3600 * 1000
_MOST_TOKENS = 2**32 - 1
_MOST_COUNTED = 100_000
"""Buckets of each kind that a node keeps; the one that was not asked for longest is dropped, and begins anew."""
_WORDS = ("limit", "remaining", "reset")

_ADDRESS = {"masked_remote_address": {"v4_prefix_mask_len": {"value": 32}, "v6_prefix_mask_len": {"value": 64}}}
_ADDRESS_KEY = "masked_remote_address"
_CALLER = {"request_headers": {"header_name": CALLER, "descriptor_key": _USER}}


def filters() -> list[Any]:
    """In the order of requests; answers pass them the other way round."""
    return [
        built_in(_TOLD, header_mutation_pb2.HeaderMutation()),
        sent(WAITING, extension_matcher_pb2.ExtensionWithMatcher, disabled=True),
        sent(CLASSES, rbac_pb2.RBAC, disabled=True),
        sent(LIMITS, local_rate_limit_pb2.LocalRateLimit, disabled=True),
    ]


def settings(policy: RoutePolicy) -> dict[str, Packed]:
    """Turns the filters on where something is counted."""
    if not (policy.bounds or policy.own_bounds):
        return {}
    on = pack(route_components_pb2.FilterConfig(config=Packed()))
    classes = {CLASSES: on} if policy.own_bounds else {}
    return {_TOLD: _told(policy), WAITING: on, **classes, LIMITS: on}


def marks(policy: RoutePolicy) -> dict[str, str]:
    """What the metadata of the route says for the filters to read."""
    if not policy.bounds:
        return {_API: policy.counted_as, _FREE: _FREE} if policy.own_bounds else {}
    found = {_API: policy.counted_as}
    for by in CountedBy:
        own = [each.bound for each in policy.bounds if each.by is by]
        found.update({_slot(by, number): _name(bound) for number, bound in enumerate(own)})
    return found


def metadata(policy: RoutePolicy) -> Any:
    said = Struct()
    said.update(marks(policy))
    if policy.bounds:
        said[waiting.TOKEN_MS] = waiting.token_ms((_size(each.bound), _token_ms(each.bound)) for each in policy.bounds)
    return {"filter_metadata": {_ROUTE: said}}


def limiter(counting: Counting) -> Any:
    """The filter. A request that matches none of the buckets, on a route that is counted, is refused."""
    most_own = max((len(each.bounds) for each in counting.callers), default=0)
    percent = {"default_value": {"numerator": 100}}
    return local_rate_limit_pb2.LocalRateLimit(
        stat_prefix="limits",
        filter_enabled=percent,
        filter_enforced=percent,
        local_cluster_rate_limit={},
        enable_x_ratelimit_headers="DRAFT_VERSION_03",
        always_consume_default_token_bucket={"value": False},
        token_bucket=_bucket(Bound(requests=1, per_ms=_A_YEAR_MS), 1),
        max_dynamic_descriptors={"value": _MOST_COUNTED},
        rate_limits=[{"actions": actions} for actions in _questions(dict(counting.most), most_own)],
        descriptors=list(_buckets(counting)),
    )


def teller(counting: Counting) -> Any:
    """The filter that says when to come again."""
    own = {bound for each in counting.callers for bound in each.bounds}
    own_ms = waiting.token_ms((_size(each, counting.nodes), _token_ms(each)) for each in own)
    found = f"metadata.filter_metadata['{_FOUND_CLASS[0]}']"
    has_own = f"'{_FOUND_CLASS[0]}' in metadata.filter_metadata && '{_FOUND_CLASS[1]}' in {found}"
    return waiting.teller(counting.nodes, own_ms, f"{has_own} && {found}['{_FOUND_CLASS[1]}'] != '{_USUAL}'")


def classes(callers: Iterable[CallerBounds]) -> Any:
    """The filter that looks up which bounds of its own a caller has. It refuses nobody."""
    own = {each.caller: {"action": _class(_class_name(each.bounds))} for each in callers}
    if not own:
        return rbac_pb2.RBAC()
    return rbac_pb2.RBAC(
        shadow_rules_stat_prefix=f"{_CLASS}_",
        shadow_matcher=matcher_pb2.Matcher(
            matcher_tree={
                "input": part_of_match("caller", http_inputs_pb2.HttpRequestHeaderMatchInput(header_name=CALLER)),
                "exact_match_map": {"map": own},
            },
            on_no_match={"action": _class(_USUAL)},
        ),
    )


def _questions(most: Mapping[CountedBy, int], most_own: int) -> Iterable[list[Any]]:
    """What a request is asked: its buckets are those whose entries are the answers, in this order."""
    for number in range(most.get(CountedBy.EVERYBODY, 0)):
        yield [_marked(_slot(CountedBy.EVERYBODY, number), CountedBy.EVERYBODY.value), _marked(_API)]
    for number in range(most.get(CountedBy.ADDRESS, 0)):
        yield [_marked(_slot(CountedBy.ADDRESS, number), CountedBy.ADDRESS.value), _marked(_API), _ADDRESS]
    for number in range(most.get(CountedBy.CALLER, 0)):
        bound = _marked(_slot(CountedBy.CALLER, number), CountedBy.CALLER.value)
        yield [bound, _class_of_caller(), _marked(_API), _CALLER]
    for number in range(most_own):
        own = {"generic_key": {"descriptor_key": "own", "descriptor_value": str(number)}}
        yield [own, _class_of_caller(), _marked(_API), _CALLER]
    if most_own:
        yield [_marked(_FREE), _class_of_caller()]


def _buckets(counting: Counting) -> Iterable[Any]:
    """An entry without a value stands for a bucket of its own for every value that comes."""
    whose = {
        CountedBy.EVERYBODY: [{"key": _API}],
        CountedBy.ADDRESS: [{"key": _API}, {"key": _ADDRESS_KEY}],
        CountedBy.CALLER: [{"key": _CLASS, "value": _USUAL}, {"key": _API}, {"key": _USER}],
    }
    for each in counting.bounds:
        bound = {"key": each.by.value, "value": _name(each.bound)}
        yield {"entries": [bound, *whose[each.by]], "token_bucket": _bucket(each.bound, counting.nodes)}
    for bounds in sorted({each.bounds for each in counting.callers}):
        for number, own in enumerate(bounds):
            entries = [{"key": "own", "value": str(number)}, {"key": _CLASS, "value": _class_name(bounds)}]
            entries += [{"key": _API}, {"key": _USER}]
            yield {"entries": entries, "token_bucket": _bucket(own, counting.nodes)}
    if counting.callers:
        entries = [{"key": _FREE, "value": _FREE}, {"key": _CLASS, "value": _USUAL}]
        yield {"entries": entries, "token_bucket": _tokens(_MOST_TOKENS, _LEAST_FILL_MS, filling=_MOST_TOKENS)}


def _bucket(bound: Bound, nodes: int) -> Any:
    """A node takes its share from a bucket of the whole size, which has to hold one token for each of them at least:
    fewer requests than nodes are given out at the same rate, but in larger pieces."""
    if bound.requests < 1:
        return _tokens(1, _A_YEAR_MS)
    size = _size(bound, nodes)
    times = -(-_LEAST_FILL_MS * bound.requests // (bound.per_ms * size))
    return _tokens(size, -(-bound.per_ms * size * times // bound.requests), filling=size * times)


def _size(bound: Bound, nodes: int = 1) -> int:
    return min(_MOST_TOKENS, max(bound.requests, nodes)) if bound.requests else 1


def _token_ms(bound: Bound) -> int:
    """Rounded up."""
    return -(-bound.per_ms // bound.requests) if bound.requests else _A_YEAR_MS


def _tokens(size: int, fill_ms: int, *, filling: int = 1) -> Any:
    """Fillings are 50 ms apart at least: Envoy fills no faster."""
    return {
        "max_tokens": min(_MOST_TOKENS, size),
        "tokens_per_fill": {"value": min(_MOST_TOKENS, filling)},
        "fill_interval": ms(fill_ms),
    }


def _marked(mark: str, key: str | None = None) -> Any:
    """The answer stands in the metadata of the route; a route that lacks it is not asked."""
    source = route_components_pb2.RateLimit.Action.MetaData.ROUTE_ENTRY
    return {"metadata": {"descriptor_key": key or mark, "source": source, "metadata_key": _path(_ROUTE, mark)}}


def _class_of_caller() -> Any:
    return {
        "metadata": {
            "descriptor_key": _CLASS,
            "source": route_components_pb2.RateLimit.Action.MetaData.DYNAMIC,
            "metadata_key": _path(*_FOUND_CLASS),
            "default_value": _USUAL,
        }
    }


def _path(name: str, key: str) -> Any:
    return {"key": name, "path": [{"key": key}]}


def _class(name: str) -> Any:
    return part_of_match("class", rules_pb2.Action(name=name, action=rules_pb2.RBAC.ALLOW))


def _class_name(bounds: tuple[Bound, ...]) -> str:
    return ",".join(map(_name, bounds))


def _name(bound: Bound) -> str:
    return f"{bound.requests}/{bound.per_ms}ms"


def _slot(by: CountedBy, number: int) -> str:
    return f"{by.value}-{number}"


def _told(policy: RoutePolicy) -> Packed:
    """The filter's own names become those of the draft; where only single callers are bound, nobody is told."""
    told = [_copied(f"ratelimit-{word}", f"x-ratelimit-{word}") for word in _WORDS] if policy.bounds else []
    removed = [{"remove": f"x-ratelimit-{word}"} for word in _WORDS]
    return pack(header_mutation_pb2.HeaderMutationPerRoute(mutations={"response_mutations": [*told, *removed]}))


def _copied(name: str, source: str) -> Any:
    header = {"key": name, "value": f"%RESP({source})%"}
    return {"append": {"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
