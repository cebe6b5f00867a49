"""How slowly targets come back: as the virtual host says, else its service, else the platform."""

from dataclasses import replace

from stationmaster.core.healing import HealingOverrides, HealingPolicy
from stationmaster.core.names import InstanceName, ServiceName, VirtualHostName
from stationmaster.core.spec import Address, Instance, PlatformSpec, Service, Target, VirtualHost
from stationmaster.gateway.plan.live import Live
from stationmaster.gateway.plan.ramps import ramps
from stationmaster.gateway.plan.whole import Planner


def spec(**hosts: int) -> PlatformSpec:
    instance = Instance(
        name=InstanceName("shop-1"), service=ServiceName("shop"), region="eu", address=Address(host="127.0.0.1", port=1)
    )
    shop = Service(name=ServiceName("shop"), port=80, instances=(instance,))
    target = Target(address=instance.address, instance=instance.name)
    return PlatformSpec(
        environment="test",
        services=(shop,),
        virtual_hosts=tuple(
            VirtualHost(name=VirtualHostName(name), slow_start_ms=ramp_ms, targets=(target,) if name != "bare" else ())
            for name, ramp_ms in hosts.items()
        ),
    )


def test_where_nothing_is_declared_nothing_is_looked_through() -> None:
    assert ramps(spec(shop=0)) == {}


def test_the_nearest_word_counts() -> None:
    found = spec(own=3000, shop=0, bare=0)
    found = replace(found, healing=HealingPolicy(slow_start_ms=1000))
    assert ramps(found) == {"own": 3000, "shop": 1000, "bare": 1000}
    (service,) = found.services
    found = replace(found, services=(replace(service, healing=HealingOverrides(slow_start_ms=2000)),))
    assert ramps(found) == {"own": 3000, "shop": 2000, "bare": 1000}


def test_the_plan_follows_when_only_the_bounds_change() -> None:
    planner, before = Planner(), spec(shop=0)
    live = Live()
    assert [each.ramp_ms for each in planner.plan(before, live)[0].pools] == [0]
    after = replace(before, healing=HealingPolicy(slow_start_ms=4000))
    assert [each.ramp_ms for each in planner.plan(after, live)[0].pools] == [4000]
    assert [each.ramp_ms for each in planner.plan(before, live)[0].pools] == [0]
