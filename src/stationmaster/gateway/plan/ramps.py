"""How slowly targets of virtual hosts come back that say nothing of it themselves: as the bounds of healing declare."""

from collections.abc import Mapping

from stationmaster.core.names import InstanceName
from stationmaster.core.spec import PlatformSpec, VirtualHost


def ramps(spec: PlatformSpec) -> Mapping[str, int]:
    """Milliseconds by the name of the virtual host; empty where nothing is declared. What the service of its first
    instance declares comes before what the platform declares."""
    of_services = {
        instance.name: service.healing.slow_start_ms
        for service in spec.services
        if service.healing.slow_start_ms is not None
        for instance in service.instances
    }
    if not of_services and not spec.healing.slow_start_ms:
        return {}
    return {host.name: _ramp(host, of_services, spec.healing.slow_start_ms) for host in spec.virtual_hosts}


def _ramp(host: VirtualHost, of_services: Mapping[InstanceName, int], otherwise_ms: int) -> int:
    named = (of_services[each.instance] for each in host.targets if each.instance and each.instance in of_services)
    return host.slow_start_ms or next(named, otherwise_ms)
