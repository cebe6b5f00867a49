"""The nodes among themselves: a node gives out its share of a bound, and for that has to know how many they are."""

from typing import Any

from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.endpoint.v3 import endpoint_pb2

from stationmaster.gateway.envoy.parts import from_control, ms, socket

NAME = "stationmaster.nodes"


def cluster() -> Any:
    """Part of the file that a node starts from: Envoy takes its own cluster from nowhere else."""
    return cluster_pb2.Cluster(
        name=NAME,
        type=cluster_pb2.Cluster.EDS,
        eds_cluster_config={"eds_config": from_control()},
        connect_timeout=ms(1_000),
    )


def assignment(nodes: int) -> Any:
    """One endpoint for every node. Nobody sends anything there: they are counted and nothing else."""
    endpoints = [{"endpoint": {"address": socket("127.0.0.1", number + 1)}} for number in range(nodes)]
    return endpoint_pb2.ClusterLoadAssignment(cluster_name=NAME, endpoints=[{"lb_endpoints": endpoints}])
