"""What a shard of keys tells of a key in one text, taken apart into the headers of its caller and its id."""

from typing import Any

from envoy.extensions.filters.http.header_mutation.v3 import header_mutation_pb2
from envoy.extensions.filters.http.header_to_metadata.v3 import header_to_metadata_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2 as manager_pb2

from stationmaster.gateway.envoy.access_log import READ
from stationmaster.gateway.envoy.identity import CALLER, CREDENTIAL, HOLDER, USED_LATELY
from stationmaster.gateway.envoy.parts import pack
from stationmaster.gateway.ir import KeyHolder

EVERY_ROUTE = ";*;"
_TOLD = "stationmaster.holder_told"
_PARTS = {CREDENTIAL: "^([^;]*);.*$", CALLER: "^[^;]*;[^;]*;(.*)$"}


def text(holder: KeyHolder) -> str:
    """Names hold neither `;` nor `|`."""
    opens = EVERY_ROUTE if holder.routes is None else f";{''.join(map(route_mark, holder.routes))};"
    return f"{holder.name}{opens}{holder.caller}"


def route_mark(route: str) -> str:
    """What the text of a key contains that opens this route, among others."""
    return f"|{route}|"


def filters() -> list[Any]:
    """A request that no key was found for passes as it is."""
    rules = [
        {
            "header": HOLDER,
            "on_header_present": {
                "metadata_namespace": READ,
                "key": header,
                "regex_value_rewrite": {"pattern": {"regex": pattern}, "substitution": "\\1"},
            },
        }
        for header, pattern in _PARTS.items()
    ]
    lately = {
        "header": USED_LATELY,
        "on_header_present": {"metadata_namespace": READ, "key": USED_LATELY},
        "remove": True,
    }
    told = [
        {
            "append": {
                "header": {"key": header, "value": f"%DYNAMIC_METADATA({READ}:{header})%"},
                "append_action": "ADD_IF_ABSENT",
            }
        }
        for header in _PARTS
    ]
    return [
        _filter(READ, header_to_metadata_pb2.Config(request_rules=[*rules, lately])),
        _filter(_TOLD, header_mutation_pb2.HeaderMutation(mutations={"request_mutations": told})),
    ]


def _filter(name: str, message: Any) -> Any:
    return manager_pb2.HttpFilter(name=name, typed_config=pack(message))
