"""How long somebody who is over a limit has to wait, told in whole seconds by the header Retry-After (RFC 9110 10.2.3).

A node that is one of several takes as many tokens for a request as there are nodes, so that it gives out its share
alone; what Envoy tells by itself is when the next single token comes."""

from collections.abc import Iterable, Mapping
from typing import Any

from envoy.extensions.filters.http.header_mutation.v3 import header_mutation_pb2

from stationmaster.gateway.envoy.only_when import skipped_unless_status

NAME = "stationmaster.retry_after"
ROUTE = "stationmaster"
"""The metadata of a route that say what is counted on it."""
TOKEN_MS = "token_ms"  # noqa: S105 a token of a bucket
"""In these metadata: by the number of tokens in a bucket of the route, how long one of them takes to come."""
_LEAST = "least"
"""Instead of a number: for a bucket that is larger than declared, since it holds a token for every node at least."""
_TOO_MANY = 429
_SIZE, _LEFT, _NEXT_S = (f"response.headers['x-ratelimit-{word}']" for word in ("limit", "remaining", "reset"))


def token_ms(bounds: Iterable[tuple[int, int]]) -> Mapping[str, int]:
    """For the metadata of a route: `bounds` are pairs of how many tokens, and how long one takes to come. Of buckets of
    one size the slowest counts."""
    slowest: dict[str, int] = {}
    for size, one_ms in bounds:
        for key in (str(size), _LEAST):
            slowest[key] = max(one_ms, slowest.get(key, 0))
    return slowest


def teller(nodes: int, own_ms: Mapping[str, int], has_own: str) -> Any:
    """The filter. `nodes` share every bucket; `own_ms` is what the route does not know, the buckets of single callers,
    and `has_own` an expression that says whether the caller of a request has some.

    What an upstream says of itself is left alone."""
    wait = f"response.code_details == 'via_upstream' ? '' : {_wait_s(nodes, own_ms, has_own)}"
    header = {"key": "retry-after", "value": f"%CEL({wait})%"}
    mutation = {"append": {"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
    told = header_mutation_pb2.HeaderMutation(mutations={"response_mutations": [mutation]})
    return skipped_unless_status(_TOO_MANY, NAME, told)


def _wait_s(nodes: int, own_ms: Mapping[str, int], has_own: str) -> str:
    """The part of a token that is there beside whole ones is not known: this may be that much too long."""
    own = f"{{{', '.join(f'{size!r}: {ms}' for size, ms in sorted(own_ms.items()))}}}"
    of_route = f"xds.route_metadata.filter_metadata['{ROUTE}']['{TOKEN_MS}']"
    usual = f"int({_SIZE} in {of_route} ? {of_route}[{_SIZE}] : {of_route}['{_LEAST}'])"
    each_ms = f"({has_own} && {_SIZE} in {own} ? {own}[{_SIZE}] : {usual})"
    left = f"int({_LEFT})"
    more = f"(({nodes} - ({left} > 0 ? {left} : 1)) * {each_ms} + 999) / 1000"
    return f"{left} >= {nodes} ? 1 : ({left} > 0 ? 0 : int({_NEXT_S})) + {more}"
