"""The endpoints of a pool as an Envoy load assignment."""

from typing import Any

from envoy.config.endpoint.v3 import endpoint_pb2

from stationmaster.gateway.envoy.parts import socket
from stationmaster.gateway.ir import Pool


def assignment(pool: Pool) -> Any:
    return endpoint_pb2.ClusterLoadAssignment(
        cluster_name=pool.name,
        endpoints=[
            {
                "lb_endpoints": [
                    {
                        "endpoint": {"address": socket(each.host, each.port)},
                        "load_balancing_weight": {"value": each.weight},
                    }
                    for each in pool.endpoints
                ]
            }
        ]
        if pool.endpoints
        else [],
    )
