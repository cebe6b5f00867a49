"""What an alert is about, in the words of runbooks' places."""

import pytest

from stationmaster.core.address import Address
from stationmaster.core.facts import Alert
from stationmaster.core.names import ApiName, NodeName, VirtualHostName
from stationmaster.core.spec import Api, GatewayNode, PlatformSpec
from stationmaster.runbooks.about import values_about
from tests.runbooks.world import MOMENT, inventory


def local(port: int) -> Address:
    return Address(host="127.0.0.1", port=port)


SPEC = PlatformSpec(
    environment="sample",
    services=inventory().services,
    virtual_hosts=inventory().virtual_hosts,
    apis=(Api(name=ApiName("keys"), paths=("/api/auth",), virtual_host=VirtualHostName("api_key_service")),),
    nodes=tuple(
        GatewayNode(name=NodeName(f"gateway-{n}"), listen=local(8000 + n), admin=local(9000 + n)) for n in (1, 2)
    ),
)


def about(**labels: str) -> dict[str, str]:
    alert = Alert(fingerprint="f", labels={"alertname": "Slow", **labels}, summary="", url="", starts_at=MOMENT)
    return dict(values_about(alert, SPEC))


@pytest.mark.parametrize(
    ("labels", "place", "value"),
    [
        ({"api": "keys"}, "virtual-host", "api_key_service"),
        ({"api": "keys"}, "service", "api_key_service"),
        ({"api": "keys"}, "url", "http://127.0.0.1:8001/api/auth"),
        ({"api": "keys", "node": "gateway-2"}, "url", "http://127.0.0.1:8002/api/auth"),
        ({"node": "gateway-2"}, "admin", "127.0.0.1:9002"),
        ({"instance": "gateway-2"}, "node", "gateway-2"),
        ({"instance": "key-us-east"}, "region", "us-east"),
        ({"instance": "key-us-east", "service": "api_key_service"}, "target", "127.0.0.1:8889"),
        ({}, "environment", "sample"),
    ],
)
def test_a_place_has_the_value_that_the_declaration_leaves_no_doubt_of(
    labels: dict[str, str], place: str, value: str
) -> None:
    assert about(**labels)[place] == value


@pytest.mark.parametrize(
    ("labels", "place"),
    [
        ({"api": "nobody"}, "virtual-host"),
        ({"api": "keys"}, "target"),
        ({"api": "keys"}, "instance"),
        ({"node": "gateway-9"}, "admin"),
        ({}, "node"),
        ({}, "url"),
    ],
)
def test_what_nobody_knows_stays_open(labels: dict[str, str], place: str) -> None:
    assert place not in about(**labels)
