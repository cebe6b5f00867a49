"""Which probe does which kind of check."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from stationmaster.core.spec import Address, CheckKind, HealthCheck
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.probes import command, dns, grpc, http, kafka, postgresql, redis, tcp

_PROBES: Mapping[CheckKind, Callable[[Address, HealthCheck], Awaitable[ProbeAnswer]]] = MappingProxyType(
    {
        CheckKind.HTTP: http.probe,
        CheckKind.HTTPS: http.probe,
        CheckKind.TCP: tcp.probe,
        CheckKind.GRPC: grpc.probe,
        CheckKind.DNS: dns.probe,
        CheckKind.POSTGRESQL: postgresql.probe,
        CheckKind.REDIS: redis.probe,
        CheckKind.KAFKA: kafka.probe,
        CheckKind.COMMAND: command.probe,
    }
)


async def probe(address: Address, check: HealthCheck) -> ProbeAnswer:
    return await _PROBES[check.kind](address, check)
