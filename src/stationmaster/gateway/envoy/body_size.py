"""Request bodies that are too large: refused by their declared length, or cut while they come in without one."""

from typing import Any

from envoy.extensions.filters.http.buffer.v3 import buffer_pb2
from envoy.extensions.filters.http.fault.v3 import fault_pb2
from google.protobuf.any_pb2 import Any as Packed

from stationmaster.gateway.envoy.only_when import skipped_with_any
from stationmaster.gateway.envoy.parts import pack
from stationmaster.gateway.envoy.sent import built_in

_DECLARED, _COUNTED = "stationmaster.declared_size", "stationmaster.counted_size"
_STATUS = 413


def filters() -> list[Any]:
    """A body of declared length passes as it comes: the codec holds it to that length. Only one without is gathered
    before it goes on, because what has gone on cannot be called back. An upgraded connection has no body: nothing of
    it goes on before the endpoint has agreed to the upgrade."""
    gatherer = buffer_pb2.Buffer(max_request_bytes={"value": 1})
    return [
        built_in(_DECLARED, fault_pb2.HTTPFault()),
        built_in(_COUNTED, skipped_with_any(("content-length", "upgrade"), _COUNTED, gatherer)),
    ]


def settings(most_bytes: int | None) -> dict[str, Packed]:
    if most_bytes is None:
        return {}
    # Whatever is not surely small enough: a length of more than 63 bits falls into no range at all.
    small = {"range_match": {"start": 0, "end": most_bytes + 1}}
    declared = fault_pb2.HTTPFault(
        abort={"http_status": _STATUS, "percentage": {"numerator": 100}},
        headers=[
            {"name": "content-length", "present_match": True},
            {"name": "content-length", **small, "invert_match": True},
        ],
    )
    # The gatherer takes no limit of nothing: one byte is the least that can be told from none.
    counted = buffer_pb2.BufferPerRoute(buffer={"max_request_bytes": {"value": min(2**32 - 1, max(1, most_bytes))}})
    return {_DECLARED: pack(declared), _COUNTED: pack(counted)}
