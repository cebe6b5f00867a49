"""Cross-origin requests of web pages (CORS, Fetch standard): the node itself answers what a browser asks beforehand."""

from typing import Any

from envoy.extensions.filters.http.cors.v3 import cors_pb2
from google.protobuf.any_pb2 import Any as Packed

from stationmaster.gateway.envoy.parts import pack
from stationmaster.gateway.envoy.sent import built_in
from stationmaster.gateway.ir_policy import CrossOrigin

_NAME = "stationmaster.cross_origin"


def filters() -> list[Any]:
    return [built_in(_NAME, cors_pb2.Cors())]


def settings(rules: CrossOrigin | None) -> dict[str, Packed]:
    """A question of a foreign origin is answered as well, without leave, and never reaches an endpoint."""
    if rules is None:
        return {}
    policy = cors_pb2.CorsPolicy(
        allow_origin_string_match=[{"exact": each} for each in rules.origins],
        allow_methods=", ".join(rules.methods),
        allow_headers=", ".join(rules.request_headers),
        expose_headers=", ".join(rules.response_headers),
        max_age=str(rules.max_age_s),
        allow_credentials={"value": rules.credentials},
        forward_not_matching_preflights={"value": False},
    )
    return {_NAME: pack(policy)}
