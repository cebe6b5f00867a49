"""Addresses that cannot be had are told before anything is started, all of them at once."""

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import yaml

from stationmaster.cli.port_holders import PortHolders
from stationmaster.cli.preflight import refuse_taken_addresses
from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address, PlatformSpec, Supervision
from stationmaster.fleet.executors.process import ProcessExecutor
from stationmaster.fleet.inventory import Launch
from stationmaster.manifest.read import load
from stationmaster.runtime.lock import acquire
from stationmaster.runtime.serve import bind
from tests.e2e.station import SAMPLE, sample_with_free_ports


@pytest.fixture
def spec(tmp_path: Path, free_port: Callable[[], int]) -> PlatformSpec:
    document = sample_with_free_ports(free_port, [SAMPLE.parent / "runbooks"])
    (tmp_path / "platform.yaml").write_text(yaml.safe_dump(document), "utf-8")
    return load(tmp_path / "platform.yaml")


def refusal(spec: PlatformSpec, state: Path) -> PlatformError:
    with pytest.raises(PlatformError) as refused:
        refuse_taken_addresses(spec, StateDir(state))
    return refused.value


def test_free_addresses_pass(spec: PlatformSpec, tmp_path: Path) -> None:
    refuse_taken_addresses(spec, StateDir(tmp_path / "state"))


def test_every_taken_address_is_told_with_whose_it_is(spec: PlatformSpec, tmp_path: Path) -> None:
    instance = spec.services[0].instances[0]
    taken = {
        "control.api": spec.control.api,
        "control.xds": spec.control.xds,
        "gateway node gateway-2, listen": spec.nodes[1].listen,
        "gateway node gateway-1, admin": spec.nodes[0].admin,
        f"instance {instance.name} of api_key_service": instance.address,
    }
    holding = [bind(address) for address in taken.values()]
    try:
        refused = refusal(spec, tmp_path / "state")
    finally:
        for each in holding:
            each.close()
    assert refused.code == "addresses-unavailable"
    told = refused.message.splitlines()[1:]
    assert len(told) == len(taken)
    for who, address in taken.items():
        [line] = [line for line in told if line.startswith(f"  {who}: {address} is taken by ")]
        assert f"pid {os.getpid()} (" in line
    assert refused.hint == "stop the processes that are named or listen elsewhere"


def test_who_listens_on_an_address_of_ipv4_by_a_socket_of_ipv6_is_told_as_well(free_port: Callable[[], int]) -> None:
    """As gRPC does."""
    port = free_port()
    with socket.socket(socket.AF_INET6) as holding:
        holding.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        holding.bind(("::ffff:127.0.0.1", port))
        holding.listen()
        told = PortHolders().of(Address(host="127.0.0.1", port=port))
    assert told is not None
    assert f"pid {os.getpid()} (" in told


def test_where_the_process_cannot_be_seen_the_hint_says_once_how_to_see_it(
    spec: PlatformSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "net_connections", _denied)
    with bind(spec.control.api), bind(spec.control.xds):
        refused = refusal(spec, tmp_path / "state")
    assert f"  control.xds: {spec.control.xds} is taken by another process" in refused.message.splitlines()
    assert refused.hint == "`ss -ltnp` as root shows who has a port; stop that process or listen elsewhere"


def _denied(**_: object) -> None:
    raise psutil.AccessDenied


def test_a_process_that_listens_on_every_address_is_found(free_port: Callable[[], int]) -> None:
    address = Address(host="127.0.0.1", port=free_port())
    assert PortHolders().of(address) is None
    with bind(replace(address, host="0.0.0.0")):
        assert str(PortHolders().of(address)).startswith(f"pid {os.getpid()} (")


def test_a_gateway_node_cannot_listen_where_this_machine_has_no_address(spec: PlatformSpec, tmp_path: Path) -> None:
    node = replace(spec.nodes[0], listen=Address(host="203.0.113.7", port=8000))
    refused = refusal(replace(spec, nodes=(node,)), tmp_path / "state")
    assert "203.0.113.7:8000 cannot be listened on" in refused.message


def test_an_instance_may_stand_on_another_machine(spec: PlatformSpec, tmp_path: Path) -> None:
    service = spec.services[0]
    elsewhere = replace(service.instances[0], address=Address(host="203.0.113.7", port=8888))
    moved = replace(spec, services=(replace(service, instances=(elsewhere,)),))
    refuse_taken_addresses(moved, StateDir(tmp_path / "state"))


async def test_what_still_lives_holds_its_own_addresses(spec: PlatformSpec, tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    executor = ProcessExecutor(state)
    program = (sys.executable, "-c", "import time; time.sleep(60)")
    await executor.start(Launch(name="x", argv=program, supervision=Supervision.RESTART))
    try:
        with bind(spec.control.api):
            await asyncio.to_thread(refuse_taken_addresses, spec, state)
    finally:
        await executor.kill("x")
        await executor.seen()


def test_a_control_plane_that_still_runs_holds_its_own_addresses(spec: PlatformSpec, tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    held = acquire(state.control_lock)
    assert held is not None
    try:
        with bind(spec.control.api):
            refuse_taken_addresses(spec, state)
    finally:
        held.release()
