"""Both sides of the IR for policies: what is declared, and what Envoy is sent for it. GOLDEN=rewrite rewrites."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import msgspec
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.json_format import MessageToDict

from stationmaster.core.spec import Address, PlatformSpec
from stationmaster.gateway.envoy import policies
from stationmaster.gateway.envoy.listener import listener
from stationmaster.gateway.envoy.parts import pack
from stationmaster.gateway.ir import Entrance, Route
from stationmaster.gateway.ir_policy import RoutePolicy
from stationmaster.gateway.plan.policies import Surroundings, counting, policy_of
from tests.gateway.policed import policed
from tests.gateway.test_golden import compare, without_all_but_one_shard


@pytest.fixture
def spec() -> PlatformSpec:
    numbers = count(20_000)
    numbered: Callable[[], int] = lambda: next(numbers)  # noqa: E731 the ports of the rig are not the same twice
    return policed(numbered)


def _policies(spec: PlatformSpec) -> dict[str, RoutePolicy]:
    around = Surroundings(spec)
    return {api.name: policy_of(api, around.of(api)) for api in spec.apis}


def test_golden_plan_of_policies(spec: PlatformSpec) -> None:
    found = {"counting": counting(spec), "policies": _policies(spec)}
    compare("policies.ir", json.loads(msgspec.json.encode(found)))


def test_golden_settings_of_routes_and_filters(spec: PlatformSpec) -> None:
    routes = {name: _settings(name, policy) for name, policy in _policies(spec).items()}
    filters = {name: _shown(pack(message)) for name, message in policies.shared(counting(spec)).items()}
    compare("policies.envoy", {"routes": routes, "filters": filters})


def _settings(name: str, policy: RoutePolicy) -> Any:
    extras = policies.on_route(Route(name=name, path=f"/{name}", strip=True, pool="shop", timeout_ms=1, policy=policy))
    found = {**extras.answer, **extras.action, **extras.route, **extras.filters}
    return {key: _shown(value) for key, value in found.items()}


def _shown(value: Any) -> Any:
    """Messages inside of plain structures as JSON."""
    if isinstance(value, Packed):
        return {"any": value.type_url} if not value.type_url else MessageToDict(value, preserving_proto_field_name=True)
    if isinstance(value, dict):
        return {key: _shown(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_shown(each) for each in value]
    if hasattr(value, "DESCRIPTOR"):
        return MessageToDict(value, preserving_proto_field_name=True)
    return value


@pytest.mark.parametrize("secure", [False, True])
def test_golden_listener(secure: bool) -> None:
    at = Address(host="127.0.0.1", port=8000)
    entrance = Entrance(node="gateway-1", host=at.host, port=at.port)
    shown = _shown(listener(replace(entrance, secure=secure)))
    compare("listener-tls" if secure else "listener", without_all_but_one_shard(shown))
