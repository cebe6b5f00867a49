"""Trouble that is made on purpose: requests that are held up, or answered with an error in the API's place."""

from typing import Any

from envoy.extensions.filters.http.fault.v3 import fault_pb2
from google.protobuf.any_pb2 import Any as Packed

from stationmaster.gateway.envoy.parts import ms, pack
from stationmaster.gateway.envoy.sent import built_in
from stationmaster.gateway.ir_policy import Trouble

_NAME = "stationmaster.trouble"


def filters() -> list[Any]:
    return [built_in(_NAME, fault_pb2.HTTPFault())]


def settings(trouble: Trouble | None) -> dict[str, Packed]:
    if trouble is None:
        return {}
    made = fault_pb2.HTTPFault()
    if trouble.delay_ms:
        made.delay.fixed_delay.CopyFrom(ms(trouble.delay_ms))
        made.delay.percentage.numerator = trouble.delay_percent
    if trouble.abort_status:
        made.abort.http_status = trouble.abort_status
        made.abort.percentage.numerator = trouble.abort_percent
    return {_NAME: pack(made)}
