"""Filters on routes that are found when the filters of a request have been chosen already."""

import pytest
from envoy.config.route.v3 import route_components_pb2
from envoy.extensions.filters.http.buffer.v3 import buffer_pb2
from envoy.extensions.filters.http.lua.v3 import lua_pb2

from stationmaster.gateway.envoy import chain
from stationmaster.gateway.envoy.late import Late
from stationmaster.gateway.envoy.parts import pack, switched_off
from stationmaster.gateway.envoy.sent import built_in

SWITCH = route_components_pb2.FilterConfig.DESCRIPTOR


def test_no_filter_of_an_entrance_waits_for_a_route_to_switch_it_on() -> None:
    assert [each.name for each in chain.filters() if each.disabled] == []


def test_every_filter_that_a_route_may_switch_off_can_be_told_to_do_nothing() -> None:
    found = chain.late().on_late_route({name: switched_off() for name in chain.ACCESS})
    assert found.keys() >= {*chain.ACCESS, "stationmaster.limits", "stationmaster.scopes"}
    assert [name for name, each in found.items() if each.Is(SWITCH)] == []


def test_what_a_route_asks_of_a_filter_stays() -> None:
    wanted = pack(buffer_pb2.BufferPerRoute(buffer={"max_request_bytes": {"value": 7}}))
    late = Late([built_in("size", buffer_pb2.Buffer()), built_in("other", buffer_pb2.Buffer())])
    found = late.on_late_route({"size": wanted})
    assert found == {"size": wanted, "other": pack(buffer_pb2.BufferPerRoute(disabled=True))}
    assert late.by_default() == {"size": switched_off(), "other": switched_off()}


def test_a_filter_that_nobody_knows_how_to_stop_is_a_mistake_that_shows() -> None:
    with pytest.raises(KeyError):
        Late([built_in("unknown", lua_pb2.Lua())]).on_late_route({})
