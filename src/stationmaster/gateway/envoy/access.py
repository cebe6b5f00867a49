"""Who may pass a route: the gate, and before it those who are refused although they are well proven."""

from collections.abc import Iterable, Mapping
from typing import Any

from envoy.config.rbac.v3 import rbac_pb2 as rules_pb2
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2
from envoy.type.matcher.v3 import http_inputs_pb2
from google.protobuf.any_pb2 import Any as Packed
from xds.type.matcher.v3 import matcher_pb2

from stationmaster.gateway.envoy.holders import EVERY_ROUTE, route_mark
from stationmaster.gateway.envoy.identity import CALLER, CREDENTIAL, HOLDER, ISSUED, SCOPE
from stationmaster.gateway.envoy.parts import pack, part_of_match
from stationmaster.gateway.ir import Proof, Refused, Route

REVOKED = "revoked"
"""Why the barrier refuses, as it stands in the details of the answer."""
_FEW = 16
"""Up to so many callers are compared one after the other; more are looked up."""
_Matcher = matcher_pb2.Matcher
_Predicate = matcher_pb2.Matcher.MatcherList.Predicate


def only(route: Route) -> Packed:
    """Settings of the gate: passes the callers of the route, by proofs that open it, and nobody else."""
    if len(route.callers) > _FEW:
        return pack(rbac_pb2.RBACPerRoute(rbac={"matcher": _looked_up(route)}))
    who: list[Any] = [{"header": {"name": CALLER, "string_match": {"exact": caller}}} for caller in route.callers]
    if route.every_caller:
        who = [{"header": {"name": CALLER, "string_match": {"safe_regex": {"regex": ".+"}}}}]
    rules = rules_pb2.RBAC(action=rules_pb2.RBAC.ALLOW)
    if who:
        every = {"and_ids": {"ids": [{"or_ids": {"ids": who}}, *_by_fitting_proof(route)]}}
        rules.policies["callers"].CopyFrom(rules_pb2.Policy(permissions=[{"any": True}], principals=[every]))
    return pack(rbac_pb2.RBACPerRoute(rbac={"rules": rules}))


def _by_fitting_proof(route: Route) -> list[Any]:
    return [
        {
            "or_ids": {
                "ids": [
                    {"not_id": {"header": {"name": header, "present_match": True}}},
                    *({"header": {"name": header, "string_match": each}} for each in opening),
                ]
            }
        }
        for header, opening in _limits(route)
    ]


def _limits(route: Route) -> Iterable[tuple[str, tuple[dict[str, str], ...]]]:
    """Headers that tell what a proof is limited to, with the texts of which one has to be found there, if it is there.

    Where a route itself says which scopes a token has to hold, those open it.
    """
    if Proof.KEY in route.proofs:
        yield HOLDER, tuple({"contains": mark} for mark in (EVERY_ROUTE, route_mark(route.name)))
    if Proof.SIGNATURE in route.proofs and not route.policy.scopes:
        name = route.name
        yield SCOPE, ({"exact": name}, {"prefix": f"{name} "}, {"suffix": f" {name}"}, {"contains": f" {name} "})


def _looked_up(route: Route) -> Any:
    allowed = {"action": _do(rules_pb2.RBAC.ALLOW)}
    found = _Matcher(matcher_tree=_tree(CALLER, dict.fromkeys(route.callers, allowed)))
    unfit = [_unfit(header, opening) for header, opening in _limits(route)]
    denied = [{"predicate": each, "on_match": {"action": _do(rules_pb2.RBAC.DENY)}} for each in unfit]
    return _Matcher(matcher_list={"matchers": denied}, on_no_match={"matcher": found}) if denied else found


def _unfit(header: str, opening: Iterable[dict[str, str]]) -> Any:
    there = _finds(header, {"safe_regex": {"google_re2": {}, "regex": ".+"}})
    others = [_Predicate(not_matcher=_finds(header, each)) for each in opening]
    return _Predicate(and_matcher={"predicate": [there, *others]})


def barrier(refused: Refused) -> Any:
    """The filter that refuses revoked tokens, barred callers and what callers got before they were declared again;
    everybody else is left to the gate."""
    callers = {name: {"matcher": _issued_from(second)} for name, second in refused.before} | _denied(refused.callers)
    rest: dict[str, Any] = {"action": _do(rules_pb2.RBAC.ALLOW)}
    for header, found in ((CALLER, callers), (CREDENTIAL, _denied(refused.tokens))):
        if found:
            rest = {"matcher": _Matcher(matcher_tree=_tree(header, found), on_no_match=rest)}
    return rbac_pb2.RBAC(**({"matcher": rest["matcher"]} if "matcher" in rest else {}))


def _denied(values: Iterable[str]) -> dict[str, Any]:
    deny = _do(rules_pb2.RBAC.DENY, REVOKED)
    return {value: {"action": deny} for value in sorted(values)}


def _issued_from(second: int) -> Any:
    """Keys pass: those of before hold no longer. A token that does not tell when it was issued does not."""
    passes = [
        _finds(HOLDER, {"safe_regex": {"google_re2": {}, "regex": ".+"}}),
        _finds(ISSUED, {"safe_regex": {"google_re2": {}, "regex": not_below(second)}}),
    ]
    allowed = {
        "predicate": _Predicate(or_matcher={"predicate": passes}),
        "on_match": {"action": _do(rules_pb2.RBAC.ALLOW)},
    }
    return _Matcher(matcher_list={"matchers": [allowed]}, on_no_match={"action": _do(rules_pb2.RBAC.DENY, REVOKED)})


def not_below(number: int) -> str:
    """An expression for the whole numbers of decimal digits from `number`, 1 or more, on: headers are texts."""
    digits = str(number)
    larger = [
        f"{digits[:at]}[{int(digit) + 1}-9][0-9]{{{len(digits) - at - 1}}}"
        for at, digit in enumerate(digits)
        if digit != "9"
    ]
    return "|".join((digits, *larger, f"[1-9][0-9]{{{len(digits)},}}"))


def _tree(header: str, found: dict[str, Any]) -> Any:
    return {"input": _header(header), "exact_match_map": {"map": found}}


def _finds(header: str, text: Mapping[str, Any]) -> Any:
    return _Predicate(single_predicate={"input": _header(header), "value_match": text})


def _header(name: str) -> Any:
    return part_of_match("header", http_inputs_pb2.HttpRequestHeaderMatchInput(header_name=name))


def _do(action: int, why: str = "stationmaster") -> Any:
    return part_of_match("action", rules_pb2.Action(name=why, action=action))
