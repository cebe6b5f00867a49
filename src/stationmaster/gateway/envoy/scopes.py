"""What a token has to hold beside a good signature, and what it tells of its bearer."""

from collections.abc import Iterable
from typing import Any

from envoy.config.rbac.v3 import rbac_pb2 as rules_pb2
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2
from google.protobuf.any_pb2 import Any as Packed

from stationmaster.gateway.envoy.identity import CALLER, nobody
from stationmaster.gateway.envoy.parts import pack
from stationmaster.gateway.envoy.sent import built_in

CHECK = "envoy.filters.http.jwt_authn"
"""What the check of tokens calls itself in the metadata of a request that showed a good one."""
PAYLOAD = "payload"
"""Under this key the check of tokens leaves the claims of a good one in the metadata of the request."""
SCOPE_CLAIM = "scope"
"""A list of words between spaces (RFC 8693 4.2), which the check of tokens takes apart."""

_NAME = "stationmaster.scopes"


def filters() -> list[Any]:
    """Stands right behind the check of tokens, where a caller that is known is known by a token."""
    return [built_in(_NAME, nobody())]


def settings(scopes: Iterable[str]) -> dict[str, Packed]:
    """A token without one of the scopes opens nothing. Whoever shows no token is left to the checks that follow."""
    wanted = tuple(scopes)
    if not wanted:
        return {}
    without_token = {"not_id": {"header": {"name": CALLER, "present_match": True}}}
    held = {"and_ids": {"ids": [{"metadata": _holds(each)} for each in wanted]}}
    rules = rules_pb2.RBAC(action=rules_pb2.RBAC.ALLOW)
    rules.policies["scopes"].CopyFrom(rules_pb2.Policy(permissions=[{"any": True}], principals=[without_token, held]))
    return {_NAME: pack(rbac_pb2.RBACPerRoute(rbac={"rules": rules}))}


def claim_value(claim: str) -> str:
    """The claim in a header that Envoy writes."""
    return f"%DYNAMIC_METADATA({CHECK}:{PAYLOAD}:{claim})%"


def _holds(scope: str) -> Any:
    return {
        "filter": CHECK,
        "path": [{"key": PAYLOAD}, {"key": SCOPE_CLAIM}],
        "value": {"list_match": {"one_of": {"string_match": {"exact": scope}}}},
    }
