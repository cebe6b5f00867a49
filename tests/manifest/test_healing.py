"""The bounds of healing in YAML: of the platform, and of one service in their place."""

from pathlib import Path

import pytest

from stationmaster.core.healing import HealingPolicy
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.manifest.read import parse

TEXT = """
environment: lab
regions: [eu]
healing: {max_actions_per_hour: 9, stop_when_worse: false, slow_start: 2s}
services:
  - name: shop
    port: 80
    healing: {max_restarts_per_hour: 0, one_change_at_a_time: false, slow_start: 7s}
    instances: [{name: shop-1, region: eu, address: "127.0.0.1:8001"}]
  - {name: plain, port: 81}
"""


def parsed(text: str) -> PlatformSpec:
    return parse(text, file="x", folder=Path.cwd())


def test_a_service_overrides_what_it_names_and_keeps_the_rest() -> None:
    spec = parsed(TEXT)
    platform = HealingPolicy(max_actions_per_hour=9, stop_when_worse=False, slow_start_ms=2000)
    assert spec.healing == platform
    assert spec.healing_of("plain") == spec.healing_of(None) == spec.healing_of("unknown") == platform
    assert spec.healing_of("shop") == HealingPolicy(
        max_restarts_per_hour=0,
        max_actions_per_hour=9,
        one_change_at_a_time=False,
        stop_when_worse=False,
        slow_start_ms=7000,
    )


@pytest.mark.parametrize("wrong", ["max_actions_per_hour: -1", "slow_start: never", "stop_when_worse: maybe", "x: 1"])
def test_what_is_no_bound_is_refused_where_it_stands(wrong: str) -> None:
    with pytest.raises(PlatformError):
        parsed(TEXT.replace("max_restarts_per_hour: 0", wrong))
