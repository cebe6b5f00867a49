"""Who may pass a route: the gate, and before it those who are refused although they are well proven."""

from collections.abc import Iterable
from typing import Any

from envoy.config.rbac.v3 import rbac_pb2 as rules_pb2
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2
from envoy.type.matcher.v3 import http_inputs_pb2
from google.protobuf.any_pb2 import Any as Packed
from xds.type.matcher.v3 import matcher_pb2

from stationmaster.gateway.envoy.holders import EVERY_ROUTE, route_mark
from stationmaster.gateway.envoy.identity import CALLER, CREDENTIAL, HOLDER
from stationmaster.gateway.envoy.parts import pack, part_of_match
from stationmaster.gateway.ir import Proof, Refused, Route

_FEW = 16
"""Up to so many callers are compared one after the other; more are looked up."""
_Matcher = matcher_pb2.Matcher
_Predicate = matcher_pb2.Matcher.MatcherList.Predicate


def only(route: Route) -> Packed:
    """Settings of the gate: passes the callers of the route, by keys that open it, and nobody else."""
    if len(route.callers) > _FEW:
        return pack(rbac_pb2.RBACPerRoute(rbac={"matcher": _looked_up(route)}))
    who: list[Any] = [{"header": {"name": CALLER, "string_match": {"exact": caller}}} for caller in route.callers]
    if route.every_caller:
        who = [{"header": {"name": CALLER, "string_match": {"safe_regex": {"regex": ".+"}}}}]
    rules = rules_pb2.RBAC(action=rules_pb2.RBAC.ALLOW)
    if who:
        every = {"and_ids": {"ids": [{"or_ids": {"ids": who}}, *_by_fitting_key(route)]}}
        rules.policies["callers"].CopyFrom(rules_pb2.Policy(permissions=[{"any": True}], principals=[every]))
    return pack(rbac_pb2.RBACPerRoute(rbac={"rules": rules}))


def _by_fitting_key(route: Route) -> list[Any]:
    if Proof.KEY not in route.proofs:
        return []
    opens: list[Any] = [{"not_id": {"header": {"name": HOLDER, "present_match": True}}}]
    opens += [{"header": {"name": HOLDER, "string_match": {"contains": mark}}} for mark in _marks(route)]
    return [{"or_ids": {"ids": opens}}]


def _marks(route: Route) -> tuple[str, str]:
    return EVERY_ROUTE, route_mark(route.name)


def _looked_up(route: Route) -> Any:
    allowed = _Matcher(matcher_tree=_tree(CALLER, dict.fromkeys(route.callers, _do(rules_pb2.RBAC.ALLOW))))
    if Proof.KEY not in route.proofs:
        return allowed
    fits = [_finds(HOLDER, {"contains": mark}) for mark in _marks(route)]
    unfit = [_finds(HOLDER, {"safe_regex": {"google_re2": {}, "regex": ".+"}})]
    unfit += [_Predicate(not_matcher=each) for each in fits]
    return _Matcher(
        matcher_list={
            "matchers": [
                {
                    "predicate": _Predicate(and_matcher={"predicate": unfit}),
                    "on_match": {"action": _do(rules_pb2.RBAC.DENY)},
                }
            ]
        },
        on_no_match={"matcher": allowed},
    )


def barrier(refused: Refused) -> Any:
    """The filter that refuses revoked tokens and barred callers; everybody else is left to the gate."""
    if not (refused.tokens or refused.callers):
        return rbac_pb2.RBAC()
    rest: dict[str, Any] = {"action": _do(rules_pb2.RBAC.ALLOW)}
    for header, values in ((CALLER, refused.callers), (CREDENTIAL, refused.tokens)):
        if values:
            rest = {"matcher": _Matcher(matcher_tree=_tree(header, _denied(values)), on_no_match=rest)}
    return rbac_pb2.RBAC(matcher=rest["matcher"])


def _denied(values: Iterable[str]) -> dict[str, Any]:
    return dict.fromkeys(sorted(values), _do(rules_pb2.RBAC.DENY))


def _tree(header: str, actions: dict[str, Any]) -> Any:
    return {
        "input": _header(header),
        "exact_match_map": {"map": {value: {"action": action} for value, action in actions.items()}},
    }


def _finds(header: str, text: dict[str, Any]) -> Any:
    return _Predicate(single_predicate={"input": _header(header), "value_match": text})


def _header(name: str) -> Any:
    return part_of_match("header", http_inputs_pb2.HttpRequestHeaderMatchInput(header_name=name))


def _do(action: int) -> Any:
    return part_of_match("action", rules_pb2.Action(name="stationmaster", action=action))
