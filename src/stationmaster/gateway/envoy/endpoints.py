"""The endpoints of a pool as an Envoy load assignment."""

from ipaddress import ip_address
from typing import Any

from envoy.config.core.v3 import health_check_pb2
from envoy.config.endpoint.v3 import endpoint_components_pb2, endpoint_pb2

from stationmaster.gateway.envoy.parts import socket
from stationmaster.gateway.ir import Endpoint, Pool


def by_name(pool: Pool) -> bool:
    """Whether some endpoint is a host name, which the node has to look up itself: no assignment is sent for it."""
    return not all(map(_is_ip, pool.hosts))


def assignment(pool: Pool) -> Any:
    endpoints = [_endpoint(each) for each in pool.endpoints]
    return endpoint_pb2.ClusterLoadAssignment(
        cluster_name=pool.name, endpoints=[{"lb_endpoints": endpoints}] if endpoints else []
    )


def _endpoint(endpoint: Endpoint) -> Any:
    return endpoint_components_pb2.LbEndpoint(
        endpoint={
            "address": socket(endpoint.host, endpoint.port),
            "hostname": "" if _is_ip(endpoint.host) else endpoint.host,
            **({"health_check_config": {"disable_active_health_check": True}} if endpoint.forced else {}),
        },
        load_balancing_weight={"value": endpoint.weight},
        health_status=health_check_pb2.DRAINING if endpoint.leaving else health_check_pb2.UNKNOWN,
    )


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
