"""Where nodes listen: in clear text, and inside TLS as soon as there is a certificate."""

from collections.abc import Iterator

from stationmaster.core.spec import PlatformSpec
from stationmaster.gateway.ir import Entrance
from stationmaster.gateway.ir_policy import EntranceBounds
from stationmaster.gateway.plan.live import Live


def entrances(spec: PlatformSpec, live: Live) -> Iterator[Entrance]:
    bounds = EntranceBounds(
        max_connections=spec.limits.max_connections,
        max_header_kb=spec.limits.max_header_kb,
    )
    for node in spec.nodes:
        plain = node.listen
        yield Entrance(node=node.name, host=plain.host, port=plain.port, bounds=bounds, origin=node.origin)
        if node.listen_tls and live.certificate:
            tls = node.listen_tls
            yield Entrance(node=node.name, host=tls.host, port=tls.port, secure=True, bounds=bounds, origin=node.origin)
