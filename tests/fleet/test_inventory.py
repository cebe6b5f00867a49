"""What a process is launched with, and how many gateway nodes there are."""

from dataclasses import replace

import pytest

from stationmaster.core.names import InstanceName, NodeName, ServiceName
from stationmaster.core.spec import Address, Control, GatewayNode, Instance, PlatformSpec, Service, Supervision
from stationmaster.fleet.inventory import Launch, launches
from stationmaster.fleet.node_count import with_nodes


def local(port: int) -> Address:
    return Address(host="127.0.0.1", port=port)


LAUNCH = Launch(name="a", argv=("serve", "--listen", "x"), supervision=Supervision.RESTART)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (LAUNCH, True),
        (replace(LAUNCH, supervision=Supervision.RUNBOOK), True),
        (replace(LAUNCH, argv=("serve", "--listen", "y")), False),
        (replace(LAUNCH, argv=("serve", "--listenx")), False),
        (replace(LAUNCH, config="text"), False),
    ],
)
def test_the_digest_tells_what_a_process_has_to_be_restarted_for(other: Launch, same: bool) -> None:
    assert (other.digest == LAUNCH.digest) is same


def test_a_launch_stands_in_the_group_of_its_service() -> None:
    name = ServiceName("echo")
    instance = Instance(name=InstanceName("echo-1"), service=name, region="eu", address=local(9000))
    service = Service(name=name, port=9000, command=("serve", "{address}", "{region}"), instances=(instance,))
    (launch,) = launches(PlatformSpec(environment="test", services=(service, replace(service, command=()))))
    assert (launch.argv, launch.group) == (("serve", "127.0.0.1:9000", "eu"), "service echo")


def node(number: int, *, tls: bool = True) -> GatewayNode:
    return GatewayNode(
        name=NodeName(f"gateway-{number}"),
        listen=local(7999 + number),
        admin=local(9900 + number),
        listen_tls=local(8442 + number) if tls else None,
    )


SPEC = PlatformSpec(
    environment="test",
    nodes=(node(1), node(2)),
    control=Control(api=local(8002), xds=local(8445)),
)


def test_further_nodes_stand_on_the_next_ports_that_nothing_is_declared_on() -> None:
    nodes = with_nodes(SPEC, 4).nodes
    assert [each.name for each in nodes] == ["gateway-1", "gateway-2", "gateway-3", "gateway-4"]
    assert [each.listen.port for each in nodes] == [8000, 8001, 8003, 8004]
    assert [each.admin.port for each in nodes] == [9901, 9902, 9903, 9904]
    assert [each.listen_tls.port for each in nodes if each.listen_tls] == [8443, 8444, 8446, 8447]
    assert with_nodes(SPEC, 4) == with_nodes(SPEC, 4)


def test_fewer_nodes_are_the_first_ones_and_as_many_change_nothing() -> None:
    assert with_nodes(SPEC, 1).nodes == (node(1),)
    assert with_nodes(SPEC, 2) == SPEC
    assert with_nodes(PlatformSpec(environment="test"), 3).nodes == ()


def test_a_name_that_is_taken_is_passed_over_and_the_last_port_is_followed_by_a_free_one() -> None:
    last = replace(node(1, tls=False), name=NodeName("gateway-2"), listen=local(65_535))
    (_, further) = with_nodes(PlatformSpec(environment="test", nodes=(last,)), 2).nodes
    assert (further.name, further.listen.port, further.listen_tls) == ("gateway-3", 1024, None)
