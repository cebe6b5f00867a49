"""Signed tokens (JWT, RFC 7519) checked by the node itself against the key set that it was sent."""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

from envoy.extensions.filters.http.jwt_authn.v3 import config_pb2
from google.protobuf.any_pb2 import Any as Packed

from stationmaster.gateway.envoy.identity import CALLER
from stationmaster.gateway.envoy.parts import ms, pack
from stationmaster.gateway.ir import TokenIssuer

_PROVIDER = "issuer"
_NEEDED, _ACCEPTED = "needed", "accepted"
_SKEW_S = 30
_LONGEST_LIFE_MS = 7 * 24 * 3600 * 1000
_CACHED_TOKENS = 4_096


def checker(issuer: TokenIssuer) -> Any:
    """The filter. The token stays at the gateway: an upstream that is told the caller needs nothing to replay."""
    return config_pb2.JwtAuthentication(
        providers={_PROVIDER: _provider(issuer)},
        requirement_map={
            _NEEDED: config_pb2.JwtRequirement(provider_name=_PROVIDER),
            _ACCEPTED: config_pb2.JwtRequirement(
                requires_any={"requirements": [{"provider_name": _PROVIDER}, {"allow_missing": {}}]}
            ),
        },
    )


def needed() -> Packed:
    """Settings of a route that only a token opens."""
    return pack(config_pb2.PerRouteConfig(requirement_name=_NEEDED))


def accepted() -> Packed:
    """Settings of a route where another proof may stand in for a missing token, but not for a bad one."""
    return pack(config_pb2.PerRouteConfig(requirement_name=_ACCEPTED))


def _provider(issuer: TokenIssuer) -> Any:
    return config_pb2.JwtProvider(
        issuer=issuer.issuer,
        audiences=[issuer.audience],
        local_jwks={"inline_string": _never_empty(issuer.jwks)},
        from_headers=[{"name": "Authorization", "value_prefix": "Bearer "}],
        forward=False,
        require_expiration=True,
        max_lifetime=ms(_LONGEST_LIFE_MS),
        clock_skew_seconds=_SKEW_S,
        jwt_cache_config={"jwt_cache_size": _CACHED_TOKENS},
        claim_to_headers=[{"header_name": CALLER, "claim_name": "sub"}],
    )


def _never_empty(jwks: str) -> str:
    """Envoy refuses an empty key set, and would go on with the old one. A digest serves as a key that nobody can have:
    who knows the private half of an Ed25519 key (RFC 8037) whose public half is a hash of a sentence?"""
    if json.loads(jwks)["keys"]:
        return jwks
    public = urlsafe_b64encode(sha256(b"nobody can sign with this key").digest()).decode().rstrip("=")
    return json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "nobody", "x": public}]})
