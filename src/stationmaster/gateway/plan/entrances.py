"""Where nodes listen: in clear text, and inside TLS as soon as there is a certificate."""

from collections.abc import Iterator

from stationmaster.core.spec import PlatformSpec
from stationmaster.gateway.ir import Entrance
from stationmaster.gateway.ir_policy import EntranceBounds
from stationmaster.gateway.plan.live import Live
from stationmaster.gateway.plan.traces import trace_sink


def entrances(spec: PlatformSpec, live: Live) -> Iterator[Entrance]:
    bounds = EntranceBounds(
        max_connections=spec.limits.max_connections,
        max_header_kb=spec.limits.max_header_kb,
    )
    sink = trace_sink(spec.monitoring.traces)
    for node in spec.nodes:
        at = {False: node.listen} | ({True: node.listen_tls} if node.listen_tls and live.certificate else {})
        for secure, listen in at.items():
            yield Entrance(
                node=node.name,
                host=listen.host,
                port=listen.port,
                secure=secure,
                bounds=bounds,
                traces=sink,
                origin=node.origin,
            )
