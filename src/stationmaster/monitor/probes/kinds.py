"""Which probe does which kind of check."""

from typing import assert_never

from stationmaster.core.spec import Address, CheckKind, HealthCheck
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.probes import grpc, http, tcp


async def probe(address: Address, check: HealthCheck) -> ProbeAnswer:
    match check.kind:
        case CheckKind.HTTP:
            return await http.probe(address, check)
        case CheckKind.TCP:
            return await tcp.probe(address, check)
        case CheckKind.GRPC:
            return await grpc.probe(address, check)
        case _:
            assert_never(check.kind)
