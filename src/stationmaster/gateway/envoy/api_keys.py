"""API keys checked by the node itself, only where nothing else has shown the caller yet, in shards by their beginning:
a change sends the one shard that it touches."""

from collections.abc import Iterable
from typing import Any

from envoy.config.core.v3 import config_source_pb2
from envoy.extensions.common.matching.v3 import extension_matcher_pb2
from envoy.extensions.filters.common.matcher.action.v3 import skip_action_pb2
from envoy.extensions.filters.http.api_key_auth.v3 import api_key_auth_pb2
from envoy.extensions.filters.http.composite.v3 import composite_pb2
from envoy.type.matcher.v3 import http_inputs_pb2
from xds.type.matcher.v3 import matcher_pb2

from stationmaster.core.proofs import API_KEY_PREFIX
from stationmaster.gateway.envoy import holders
from stationmaster.gateway.envoy.identity import CALLER, HOLDER, KEY, nobody
from stationmaster.gateway.envoy.parts import extension, from_control, pack, part_of_match
from stationmaster.gateway.ir import KeyHolder

ALONE = "stationmaster.api_key_alone"
"""In the metadata of routes that nothing but an API key opens."""
PREFIXES = tuple(f"{API_KEY_PREFIX}{number:02x}" for number in range(256))


def resource_of(prefix: str) -> str:
    """The name of the resource that holds the keys that begin with `prefix`."""
    return f"stationmaster.keys.{prefix}"


def shard(holding: Iterable[KeyHolder]) -> Any:
    return api_key_auth_pb2.ApiKeyAuth(
        credentials=[{"key": each.key, "client": holders.text(each)} for each in holding],
        key_sources=[{"header": KEY}],
        forwarding={"header": HOLDER, "hide_credentials": True},
    )


def checker() -> Any:
    """The filter: a request that has a caller passes by; every other one needs a key."""
    return extension_matcher_pb2.ExtensionWithMatcher(
        xds_matcher=matcher_pb2.Matcher(
            matcher_list={"matchers": [{"predicate": _has_caller(), "on_match": {"action": _pass_by()}}]},
            on_no_match={"matcher": _by_beginning()},
        ),
        extension_config=extension("stationmaster.key_shards", composite_pb2.Composite()),
    )


def _by_beginning() -> Any:
    return matcher_pb2.Matcher(
        matcher_tree={
            "input": part_of_match("key", http_inputs_pb2.HttpRequestHeaderMatchInput(header_name=KEY)),
            "prefix_match_map": {"map": {prefix: {"action": _check(prefix)} for prefix in PREFIXES}},
        },
        on_no_match={"action": _refuse()},
    )


def _check(prefix: str) -> Any:
    return part_of_match("check_key", composite_pb2.ExecuteFilterAction(dynamic_config=_sent(prefix)))


def _refuse() -> Any:
    """A check without a single key, which answers as the others do."""
    return part_of_match("refuse_key", composite_pb2.ExecuteFilterAction(typed_config=extension("no_keys", shard(()))))


def _sent(prefix: str) -> Any:
    """The shard as the control plane sends it; until then, and without it, everybody is refused."""
    return composite_pb2.DynamicConfig(
        name=resource_of(prefix),
        config_discovery=config_source_pb2.ExtensionConfigSource(
            config_source=from_control(),
            default_config=pack(nobody()),
            apply_default_config_without_warming=True,
            type_urls=[type_url(api_key_auth_pb2.ApiKeyAuth), type_url(nobody())],
        ),
    )


def _pass_by() -> Any:
    return part_of_match("pass_by", skip_action_pb2.SkipFilter())


def _has_caller() -> Any:
    caller = http_inputs_pb2.HttpRequestHeaderMatchInput(header_name=CALLER)
    return matcher_pb2.Matcher.MatcherList.Predicate(
        single_predicate={
            "input": part_of_match("caller", caller),
            "value_match": {"safe_regex": {"google_re2": {}, "regex": ".+"}},
        }
    )


def type_url(message: Any) -> str:
    return f"type.googleapis.com/{message.DESCRIPTOR.full_name}"
