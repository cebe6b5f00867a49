"""What a node's administration says, read into words."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from stationmaster.gateway import admin, sighting
from stationmaster.gateway.envoy import siblings
from stationmaster.gateway.sighting import read
from stationmaster.gateway.targets import Sighting
from tests.gateway.rig import local


def host(port: int, health: dict[str, Any], **more: Any) -> dict[str, Any]:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return {"address": address, "health_status": {"eds_health_status": "HEALTHY", **health}, "weight": 3, **more}


def clusters(*hosts: dict[str, Any], name: str = "shop") -> bytes:
    return json.dumps({"cluster_statuses": [{"name": name, "host_statuses": hosts}]}).encode()


@pytest.mark.parametrize(
    ("health", "failing"),
    [
        ({}, ()),
        ({"failed_active_health_check": True}, ("it fails its health check",)),
        ({"failed_active_health_check": True, "active_hc_timeout": True}, ("its health check times out",)),
        ({"failed_outlier_check": True}, ("it is put aside because of its answers",)),
        (
            {"failed_active_health_check": True, "failed_outlier_check": True},
            ("it fails its health check", "it is put aside because of its answers"),
        ),
        ({"pending_active_hc": True}, ("its first health check is not over",)),
    ],
)
def test_flags_are_said_in_words(health: dict[str, Any], failing: tuple[str, ...]) -> None:
    seen = read(clusters(host(81, health)))
    assert seen == {("shop", "127.0.0.1:81"): Sighting(failing=failing, weight=3)}


def test_counters_come_as_text_and_are_numbers() -> None:
    stats = [
        {"name": "rq_success", "value": "12"},
        {"name": "rq_error"},
        {"type": "GAUGE", "name": "rq_active", "value": "2"},
    ]
    (seen,) = read(clusters(host(81, {}, stats=stats))).values()
    assert (seen.succeeded, seen.failed, seen.under_way) == (12, 0, 2)


def test_a_draining_target_takes_no_requests_but_does_not_fail() -> None:
    (seen,) = read(clusters(host(81, {"eds_health_status": "DRAINING"}))).values()
    assert (seen.draining, seen.failing, seen.takes_requests) == (True, (), False)


def test_a_target_by_name_keeps_its_name_and_one_that_is_leaving_is_gone() -> None:
    assert list(read(clusters(host(81, {}, hostname="shop.test")))) == [("shop", "shop.test:81")]
    assert read(clusters(host(81, {"pending_dynamic_removal": True}))) == {}


def test_clusters_of_the_node_itself_are_no_virtual_hosts() -> None:
    assert siblings.NAME in admin.OWN
    for own in admin.OWN:
        assert read(clusters(host(81, {}), name=own)) == {}


async def test_a_node_that_does_not_answer_or_answers_nonsense_has_said_nothing(free_port: Callable[[], int]) -> None:
    address = local(free_port())
    assert await sighting.sightings(address) is None
    assert await admin.endpoints(address) is None
    assert await admin.drained(address) is None
    assert not await admin.ready(address)
    assert await admin.drain(address), "a node that is gone has nothing left to lose"

    async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"what?\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(nonsense, address.host, address.port):
        assert await sighting.sightings(address) is None


async def test_a_frozen_node_holds_nobody_up_for_long(free_port: Callable[[], int]) -> None:
    address, over = local(free_port()), asyncio.Event()

    async def silence(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async with await asyncio.start_server(silence, address.host, address.port):
        assert await admin.ask(address, "/ready", limit_s=0.1) is None
        over.set()
