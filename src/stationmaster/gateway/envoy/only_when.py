"""Filters that sit out requests and answers which they are not meant for."""

from typing import Any

from envoy.extensions.common.matching.v3 import extension_matcher_pb2
from envoy.extensions.filters.common.matcher.action.v3 import skip_action_pb2
from envoy.type.matcher.v3 import http_inputs_pb2, status_code_input_pb2
from xds.type.matcher.v3 import matcher_pb2

from stationmaster.gateway.envoy.parts import extension, part_of_match

_Predicate = matcher_pb2.Matcher.MatcherList.Predicate


def skipped_unless_status(status: int, name: str, message: Any) -> Any:
    """The filter `message` for answers with this status alone."""
    found = part_of_match("status", status_code_input_pb2.HttpResponseStatusCodeMatchInput())
    same = _Predicate(single_predicate={"input": found, "value_match": {"exact": str(status)}})
    return _skipped(_Predicate(not_matcher=same), name, message)


def skipped_with_any(headers: tuple[str, ...], name: str, message: Any) -> Any:
    """The filter `message` for requests that have none of these headers, at least two names."""
    present = [
        _Predicate(
            single_predicate={
                "input": part_of_match("header", http_inputs_pb2.HttpRequestHeaderMatchInput(header_name=header)),
                "value_match": {"safe_regex": {"google_re2": {}, "regex": ".+"}},
            }
        )
        for header in headers
    ]
    return _skipped(_Predicate(or_matcher={"predicate": present}), name, message)


def _skipped(when: Any, name: str, message: Any) -> Any:
    skip = part_of_match("skip", skip_action_pb2.SkipFilter())
    return extension_matcher_pb2.ExtensionWithMatcher(
        xds_matcher=matcher_pb2.Matcher(matcher_list={"matchers": [{"predicate": when, "on_match": {"action": skip}}]}),
        extension_config=extension(name, message),
    )
