"""Signed tokens (JWT, RFC 7519) checked by the node itself against the key sets that it was sent."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from envoy.extensions.filters.http.jwt_authn.v3 import config_pb2
from google.protobuf.any_pb2 import Any as Packed

from stationmaster.core.proofs import NO_KEYS
from stationmaster.gateway.envoy import scopes
from stationmaster.gateway.envoy.identity import CALLER, CREDENTIAL, ISSUED, SCOPE
from stationmaster.gateway.envoy.parts import ms, pack
from stationmaster.gateway.ir import TokenIssuer

_NOBODY = "nobody"
_SCHEMES = ("Bearer ", "bearer ")
"""The name of a scheme may be written either way (RFC 9110 11.1)."""
_SKEW_S = 30
_LONGEST_LIFE_MS = 7 * 24 * 3600 * 1000
_CACHED_TOKENS = 4_096


def checker(issuers: Iterable[TokenIssuer], trusts: Iterable[tuple[str, ...]]) -> Any:
    """The filter. The token stays at the gateway: an upstream that is told the caller needs nothing to replay.

    Where no issuer of a route is known, nobody stands in: a requirement without any would take the tokens of all.
    """
    known = {each.name: _provider(each) for each in issuers}
    providers = {_of_issuer(name): provider for name, provider in known.items()}
    requirements = {}
    for trust in trusts:
        any_of = [{"provider_name": _of_issuer(name)} for name in trust if name in known] or [
            {"provider_name": _NOBODY}
        ]
        requirements[_named(trust)] = _any_of(any_of)
        requirements[_named(trust, or_none=True)] = _any_of([*any_of, {"allow_missing": {}}])
    nobody = TokenIssuer(name=_NOBODY, issuer=_NOBODY, audiences=(_NOBODY,), jwks=NO_KEYS)
    return config_pb2.JwtAuthentication(
        providers={**providers, _NOBODY: _provider(nobody)}, requirement_map=requirements
    )


def _of_issuer(name: str) -> str:
    return f"issuer {name}"


def needed(trust: tuple[str, ...]) -> Packed:
    """Settings of a route that only a token of one of these issuers opens."""
    return pack(config_pb2.PerRouteConfig(requirement_name=_named(trust)))


def accepted(trust: tuple[str, ...]) -> Packed:
    """Settings of a route where another proof may stand in for a missing token, but not for a bad one."""
    return pack(config_pb2.PerRouteConfig(requirement_name=_named(trust, or_none=True)))


def _named(trust: tuple[str, ...], *, or_none: bool = False) -> str:
    return json.dumps([*trust, None] if or_none else trust)


def _any_of(requirements: list[dict[str, Any]]) -> Any:
    if len(requirements) == 1:
        return config_pb2.JwtRequirement(**requirements[0])
    return config_pb2.JwtRequirement(requires_any={"requirements": requirements})


def _provider(issuer: TokenIssuer) -> Any:
    limited = [{"header_name": SCOPE, "claim_name": scopes.SCOPE_CLAIM}] if issuer.names_routes else []
    return config_pb2.JwtProvider(
        issuer=issuer.issuer,
        audiences=issuer.audiences,
        local_jwks={"inline_string": _never_empty(issuer.jwks)},
        from_headers=[{"name": "Authorization", "value_prefix": each} for each in _SCHEMES],
        forward=False,
        require_expiration=True,
        max_lifetime=ms(_LONGEST_LIFE_MS),
        clock_skew_seconds=_SKEW_S,
        jwt_cache_config={"jwt_cache_size": _CACHED_TOKENS},
        payload_in_metadata=scopes.PAYLOAD,
        normalize_payload_in_metadata={"space_delimited_claims": [scopes.SCOPE_CLAIM]},
        claim_to_headers=[
            {"header_name": CALLER, "claim_name": issuer.caller_claim},
            {"header_name": CREDENTIAL, "claim_name": "jti"},
            {"header_name": ISSUED, "claim_name": "iat"},
            *limited,
        ],
    )


def _never_empty(jwks: str) -> str:
    """Envoy refuses an empty key set, and would go on with the old one. A digest serves as a key that nobody can have:
    who knows the private half of an Ed25519 key (RFC 8037) whose public half is a hash of a sentence?"""
    if json.loads(jwks)["keys"]:
        return jwks
    public = urlsafe_b64encode(sha256(b"nobody can sign with this key").digest()).decode().rstrip("=")
    return json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "nobody", "x": public}]})
