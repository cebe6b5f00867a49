"""Platforms with objectives, and the bounds of a histogram of durations."""

from stationmaster.core.names import ApiName, InstanceName, ServiceName, VirtualHostName
from stationmaster.core.problem import Origin
from stationmaster.core.spec import Address, Api, Instance, Objective, PlatformSpec, Service, Target, VirtualHost

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ORIGIN = Origin(file="platform.yaml", line=12, column=7)


def objective(percent: float = 99.9, days: int = 30, latency_ms: int | None = None) -> Objective:
    return Objective(percent=percent, window_days=days, latency_ms=latency_ms, origin=ORIGIN)


def platform(*objectives: Objective) -> PlatformSpec:
    """One API, `pets`, on two instances of one service."""
    addresses = [Address(host="127.0.0.1", port=port) for port in (7001, 7002)]
    instances = [
        Instance(name=InstanceName(f"pets-{at}"), service=ServiceName("petstore"), region="eu", address=address)
        for at, address in enumerate(addresses)
    ]
    targets = (Target(address=addresses[0], instance=instances[0].name), Target(address=addresses[1]))
    return PlatformSpec(
        environment="production",
        services=(Service(name=ServiceName("petstore"), port=7001, instances=tuple(instances)),),
        virtual_hosts=(VirtualHost(name=VirtualHostName("pets-hosts"), targets=targets),),
        apis=(
            Api(
                name=ApiName("pets"),
                paths=("/pets",),
                virtual_host=VirtualHostName("pets-hosts"),
                objectives=objectives,
            ),
        ),
    )
