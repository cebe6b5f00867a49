"""How often API users called APIs: what a node has counted in its life, and what came since an earlier look."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from stationmaster.core.names import ApiName, UserName

_COUNTED = re.compile(rb'^envoy_use_(\w+)_requests\{api="([^"]*)",user="([^"]*)",code="(\d+)"\} (\d+)$', re.MULTILINE)
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_NAMELESS = ("", "-")

Pair = tuple[UserName, ApiName]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """Requests that the gate let pass. Errors of the client are answers from 400 to 499, those of the server 500 and
    above, whoever gave them."""

    requests: int = 0
    client_errors: int = 0
    server_errors: int = 0

    def plus(self, other: "Uses") -> "Uses":
        return Uses(
            requests=self.requests + other.requests,
            client_errors=self.client_errors + other.client_errors,
            server_errors=self.server_errors + other.server_errors,
        )

    def since(self, earlier: "Uses") -> "Uses":
        return Uses(
            requests=self.requests - earlier.requests,
            client_errors=self.client_errors - earlier.client_errors,
            server_errors=self.server_errors - earlier.server_errors,
        )


NONE = Uses()


def read(body: bytes) -> dict[str, dict[Pair, Uses]]:
    """From Envoy's exposition of `figures.USED`, by the entrance that counted: counters begin anew with each."""
    found: dict[str, dict[Pair, Uses]] = {}
    for entrance, api, user, code, count in _COUNTED.findall(body):
        pair = UserName(user.decode()), ApiName(api.decode())
        if pair[0] not in _NAMELESS and pair[1] not in _NAMELESS:
            own = found.setdefault(entrance.decode(), {})
            own[pair] = own.get(pair, NONE).plus(_uses(int(code), int(count)))
    return found


def _uses(code: int, count: int) -> Uses:
    return Uses(
        requests=count,
        client_errors=count if _CLIENT_ERROR <= code < _SERVER_ERROR else 0,
        server_errors=count if code >= _SERVER_ERROR else 0,
    )


def risen(before: Mapping[Pair, Uses], now: Mapping[Pair, Uses]) -> dict[Pair, Uses]:
    """What came in between, at one entrance in its life; pairs without anything new are left out. A count that fell is
    that of an entrance that was made anew, as it had been before."""
    changed = ((pair, uses, before.get(pair, NONE)) for pair, uses in now.items())
    return {
        pair: uses if uses.requests < earlier.requests else uses.since(earlier)
        for pair, uses, earlier in changed
        if uses != earlier
    }
