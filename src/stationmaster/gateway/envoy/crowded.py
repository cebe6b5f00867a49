"""Many routes whose paths begin with the same segment: looked up by path instead of tried one after the other."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from envoy.config.route.v3 import route_components_pb2
from envoy.type.matcher.v3 import http_inputs_pb2
from xds.type.matcher.v3 import matcher_pb2

from stationmaster.gateway.envoy.identity import SECTION
from stationmaster.gateway.envoy.parts import part_of_match
from stationmaster.gateway.ir import PathMatch, Route

MANY = 32
"""From so many routes of one host on."""


def by_path(found: Sequence[tuple[Route, list[Any]]]) -> Any:
    """A tree of the paths. The longest that fits a request is taken and no other: so each leads to the routes of all
    paths above it as well, in the order in which they are given."""
    at: dict[str, list[int]] = defaultdict(list)
    patterns = [number for number, (route, _) in enumerate(found) if route.match is PathMatch.PATTERN]
    for number, (route, _) in enumerate(found):
        if route.match is not PathMatch.PATTERN:
            at[_key(route.path)].append(number)
    tried = {key: sorted({*patterns, *(each for above in _above(key) for each in at.get(above, ()))}) for key in at}
    return matcher_pb2.Matcher(
        matcher_tree={
            "input": part_of_match("path", http_inputs_pb2.HttpRequestHeaderMatchInput(header_name=SECTION)),
            "prefix_match_map": {"map": {key: {"action": _list(found, numbers)} for key, numbers in tried.items()}},
        },
        **({"on_no_match": {"action": _list(found, patterns)}} if patterns else {}),
    )


def _key(path: str) -> str:
    return f"{path}/"


def _above(key: str) -> Iterator[str]:
    """The key itself and those of all paths that it lies below."""
    segments = key.split("/")
    for end in range(2, len(segments)):
        yield f"{'/'.join(segments[:end])}/"


def _list(found: Sequence[tuple[Route, list[Any]]], numbers: Sequence[int]) -> Any:
    routes = [each for number in numbers for each in found[number][1]]
    return part_of_match("routes", route_components_pb2.RouteList(routes=routes))
