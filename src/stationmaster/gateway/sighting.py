"""What a node itself says of its targets: whether it sends to them, and how they answered."""

import asyncio
import re
from urllib.parse import quote

import msgspec

from stationmaster.core.spec import Address
from stationmaster.gateway.admin import OWN, ask
from stationmaster.gateway.targets import Seen, Sighting


class _Number(msgspec.Struct):
    name: str
    value: int = 0


class _Socket(msgspec.Struct):
    address: str
    port_value: int = 0


class _Place(msgspec.Struct):
    socket_address: _Socket | None = None


class _Health(msgspec.Struct):
    eds_health_status: str = "HEALTHY"
    failed_active_health_check: bool = False
    active_hc_timeout: bool = False
    pending_active_hc: bool = False
    failed_outlier_check: bool = False
    pending_dynamic_removal: bool = False
    excluded_via_immediate_hc_fail: bool = False


class _Host(msgspec.Struct):
    address: _Place
    stats: list[_Number] = []
    health_status: _Health = msgspec.field(default_factory=_Health)
    weight: int = 1
    hostname: str = ""


class _Cluster(msgspec.Struct):
    name: str
    host_statuses: list[_Host] = []


class _Clusters(msgspec.Struct):
    cluster_statuses: list[_Cluster] = []


async def sightings(admin: Address, virtual_host: str | None = None) -> Seen | None:
    """What the node behind `admin` says of all its targets, or of those of one virtual host; None without an answer."""
    wanted = f"^{re.escape(virtual_host)}$" if virtual_host else ""
    answer = await ask(admin, f"/clusters?format=json&filter={quote(wanted)}")
    if answer is None:
        return None
    try:
        return await asyncio.to_thread(read, answer)
    except msgspec.MsgspecError:
        return None


def read(answer: bytes) -> Seen:
    """Envoy's `/clusters?format=json` (admin.v3.Clusters); numbers of 64 bits come as text."""
    found = msgspec.json.decode(answer, type=_Clusters, strict=False)
    return {
        (cluster.name, _address(host, host.address.socket_address)): _sighting(host)
        for cluster in found.cluster_statuses
        if cluster.name not in OWN
        for host in cluster.host_statuses
        if host.address.socket_address and not host.health_status.pending_dynamic_removal
    }


def _address(host: _Host, socket: _Socket) -> str:
    return str(Address(host=host.hostname or socket.address, port=socket.port_value))


def _sighting(host: _Host) -> Sighting:
    numbers = {each.name: each.value for each in host.stats}
    return Sighting(
        failing=tuple(_reasons(host.health_status)),
        draining=host.health_status.eds_health_status == "DRAINING",
        weight=host.weight,
        succeeded=numbers.get("rq_success", 0),
        failed=numbers.get("rq_error", 0),
        timed_out=numbers.get("rq_timeout", 0),
        under_way=numbers.get("rq_active", 0),
        connections=numbers.get("cx_active", 0),
        connect_failures=numbers.get("cx_connect_fail", 0),
    )


def _reasons(health: _Health) -> list[str]:
    words = {
        "its health check times out": health.failed_active_health_check and health.active_hc_timeout,
        "it fails its health check": health.failed_active_health_check and not health.active_hc_timeout,
        "it is put aside because of its answers": health.failed_outlier_check,
        "its first health check is not over": health.pending_active_hc,
        "it asked for no more requests": health.excluded_via_immediate_hc_fail,
    }
    return [word for word, holds in words.items() if holds]
