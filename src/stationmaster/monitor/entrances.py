"""Asks every TLS entrance of the gateway until when the certificate that it shows is good."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import datetime

from stationmaster.core.spec import Address, CheckKind, GatewayNode, HealthCheck, PlatformSpec
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.catalogue import Labels
from stationmaster.monitor.probes import kinds
from stationmaster.runtime.board import Cell

METRIC = "probe_ssl_earliest_cert_expiry"
"""As blackbox_exporter calls it."""
SERVICE = "gateway"
_EVERY_S = 5.0
_ASK = HealthCheck(kind=CheckKind.HTTPS, path="/", verify_certificate=False, timeout_ms=2_000)
"""What the entrance answers does not matter: it shows its certificate before."""

Ask = Callable[[Address, HealthCheck], Awaitable[ProbeAnswer]]


class Entrances:
    """Supervise `run`. An entrance that does not answer has no sample: that it is down is for other checks to say."""

    def __init__(self, declared: Cell[PlatformSpec], *, ask: Ask = kinds.probe) -> None:
        self._declared = declared
        self._ask = ask
        self.ends: Mapping[str, datetime] = {}
        """Until when the certificate of each node is good, by its name."""

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(_EVERY_S)

    async def look(self) -> None:
        shown = await asyncio.gather(*(self._shown(*each) for each in self._entrances()))
        self.ends = {name: ends for name, ends in shown if ends is not None}

    def samples(self) -> Iterable[tuple[Labels, float]]:
        """Of the last answers."""
        spec, ends = self._declared.value, self.ends
        for node in spec.nodes:
            if node.name in ends:
                yield _labels(node, spec.environment), ends[node.name].timestamp()

    def _entrances(self) -> Iterator[tuple[str, Address]]:
        for node in self._declared.value.nodes:
            if node.listen_tls is not None:
                yield str(node.name), node.listen_tls

    async def _shown(self, name: str, address: Address) -> tuple[str, datetime | None]:
        return name, (await self._ask(address, _ASK)).certificate_ends


def _labels(node: GatewayNode, environment: str) -> Labels:
    """Sorted by name, as written here."""
    return (
        ("__name__", METRIC),
        ("check", "https"),
        ("environment", environment),
        ("instance", str(node.listen_tls)),
        ("node", str(node.name)),
        ("service", SERVICE),
    )
