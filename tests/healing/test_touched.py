"""What the commands of a change touch."""

import pytest

from stationmaster.core.names import ApiName, InstanceName, NodeName, ServiceName, VirtualHostName
from stationmaster.core.policy import Maintenance, Policies
from stationmaster.core.spec import (
    Address,
    Api,
    GatewayNode,
    Instance,
    PlatformSpec,
    Service,
    Target,
    VirtualHost,
)
from stationmaster.healing.touched import Touched, apis_of, touched, withdrawal


def local(port: int) -> Address:
    return Address(host="127.0.0.1", port=port)


def service(name: str, *ports: int) -> Service:
    return Service(
        name=ServiceName(name),
        port=80,
        instances=tuple(
            Instance(name=InstanceName(f"{name}-{port}"), service=ServiceName(name), region="eu", address=local(port))
            for port in ports
        ),
    )


def host(of: Service) -> VirtualHost:
    targets = tuple(Target(address=each.address, instance=each.name) for each in of.instances)
    return VirtualHost(name=VirtualHostName(f"{of.name}-host"), targets=targets)


KEYS, SHOP = service("keys", 1, 2), service("shop", 3)
SPEC = PlatformSpec(
    environment="test",
    services=(KEYS, SHOP),
    virtual_hosts=(host(KEYS), host(SHOP)),
    apis=(
        Api(name=ApiName("tokens"), paths=("/t",), virtual_host=VirtualHostName("keys-host")),
        Api(name=ApiName("orders"), paths=("/o",), virtual_host=VirtualHostName("shop-host")),
    ),
    nodes=(
        GatewayNode(name=NodeName("gw-1"), listen=local(10), admin=local(11)),
        GatewayNode(name=NodeName("gw-2"), listen=local(12), admin=local(13)),
    ),
)

ROWS: list[tuple[str, Touched]] = [
    ("stm instance restart keys-1", Touched(services=frozenset({"keys"}), restarts=("keys-1",), only_restarts=True)),
    (
        "/usr/bin/stm instance restart --reason no keys-1",
        Touched(services=frozenset({"keys"}), restarts=("keys-1",), only_restarts=True),
    ),
    ("stm instance restart gw-2", Touched(services=frozenset({"about"}), restarts=("gw-2",), nodes=("gw-2",))),
    ("stm node stop gw-1", Touched(services=frozenset({"about"}), nodes=("gw-1",))),
    ("stm node start gw-1", Touched(services=frozenset({"about"}))),
    ("stm service rollback shop", Touched(services=frozenset({"shop"}))),
    ("stm api maintenance orders on", Touched(services=frozenset({"shop"}))),
    (
        "stm target out keys-host 127.0.0.1:2",
        Touched(services=frozenset({"keys"}), withdraws=(("keys-host", "127.0.0.1:2"),), only_moves=True),
    ),
    (
        "stm target drain keys-host keys-2",
        Touched(services=frozenset({"keys"}), withdraws=(("keys-host", "127.0.0.1:2"),), only_moves=True),
    ),
    (
        "stm target auto keys-host 127.0.0.1:2",
        Touched(services=frozenset({"keys"}), only_moves=True, only_returns=True),
    ),
    (
        "stm target auto keys-host 127.0.0.1:2; stm instance restart keys-1",
        Touched(services=frozenset({"keys"}), restarts=("keys-1",)),
    ),
    ("docker restart shop-3", Touched(services=frozenset({"shop"}), restarts=("shop-3",), only_restarts=True)),
    ("rm -rf /var/cache/app", Touched(services=frozenset({"about"}))),
    ("stm incident note 3 -m keys-1", Touched(acts=False)),
    ("stm silence add service=keys --for 1h", Touched(acts=False)),
]


@pytest.mark.parametrize(("text", "expected"), ROWS, ids=[text for text, _ in ROWS])
def test_what_a_command_touches(text: str, expected: Touched) -> None:
    calls = [tuple(each.split()) for each in text.split("; ")]
    assert touched(calls, SPEC, "about") == expected


def test_nothing_is_guessed_where_nobody_says_what_it_is_about() -> None:
    assert touched([("rm", "x")], SPEC, "").services == frozenset()


def test_callers_of_the_apis_of_a_service_feel_its_changes_and_those_of_a_node_all() -> None:
    assert apis_of(touched([("stm", "instance", "restart", "keys-1")], SPEC, ""), SPEC) == ("tokens",)
    assert apis_of(touched([("stm", "instance", "restart", "gw-1")], SPEC, ""), SPEC) == ("tokens", "orders")
    assert apis_of(withdrawal("shop-host", "127.0.0.1:3", SPEC), SPEC) == ("orders",)


def test_what_maintenance_answers_anyway_is_not_compared() -> None:
    closed = Api(
        name=ApiName("closed"),
        paths=("/c",),
        virtual_host=VirtualHostName("keys-host"),
        policies=Policies(maintenance=Maintenance()),
    )
    spec = PlatformSpec(environment="test", services=SPEC.services, virtual_hosts=SPEC.virtual_hosts, apis=(closed,))
    assert apis_of(touched([("stm", "instance", "restart", "keys-1")], spec, ""), spec) == ()
