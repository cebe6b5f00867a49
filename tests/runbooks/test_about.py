"""What an alert is about, in the words of runbooks' places."""

import pytest

from stationmaster.core.address import Address
from stationmaster.core.facts import Alert
from stationmaster.core.monitoring import Monitoring, ScrapeJob
from stationmaster.core.names import ApiName, NodeName, VirtualHostName
from stationmaster.core.spec import Api, Control, GatewayNode, PlatformSpec
from stationmaster.runbooks.about import values_about
from tests.runbooks.world import MOMENT, inventory


def local(port: int) -> Address:
    return Address(host="127.0.0.1", port=port)


SPEC = PlatformSpec(
    environment="sample",
    services=inventory().services,
    virtual_hosts=inventory().virtual_hosts,
    apis=(Api(name=ApiName("keys"), paths=("/api/auth",), virtual_host=VirtualHostName("api_key_service")),),
    control=Control(api=local(4580), xds=local(4581)),
    monitoring=Monitoring(scrape=(ScrapeJob(name="disks", targets=(local(9100),), path="/m"),)),
    nodes=tuple(
        GatewayNode(
            name=NodeName(f"gateway-{n}"), listen=local(8000 + n), admin=local(9000 + n), listen_tls=local(7000 + n)
        )
        for n in (1, 2)
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
        ({}, "control", "127.0.0.1:4580"),
        ({"node": "gateway-2"}, "entrance", "127.0.0.1:7002"),
        ({"job": "gateway", "instance": "127.0.0.1:9002"}, "node", "gateway-2"),
        ({"job": "gateway", "instance": "127.0.0.1:9002"}, "metrics", "http://127.0.0.1:9002/stats/prometheus"),
        ({"job": "disks", "instance": "127.0.0.1:9100"}, "metrics", "http://127.0.0.1:9100/m"),
        ({"instance": "127.0.0.1:8889"}, "region", "us-east"),
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
        ({"job": "others", "instance": "127.0.0.1:9100"}, "metrics"),
    ],
)
def test_what_nobody_knows_stays_open(labels: dict[str, str], place: str) -> None:
    assert place not in about(**labels)
