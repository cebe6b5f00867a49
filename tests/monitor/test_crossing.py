"""What is asked for an API with a probe: paths, hosts, headers, targets."""

from dataclasses import replace

import pytest

from stationmaster.core.names import ApiName, InstanceName, NodeName, ServiceName, UserName, VirtualHostName
from stationmaster.core.policy import Maintenance, Policies
from stationmaster.core.spec import (
    Address,
    Api,
    ApiProbe,
    CheckKind,
    GatewayNode,
    HeaderRule,
    HealthCheck,
    Instance,
    PlatformSpec,
    Protocol,
    Service,
    Target,
    VirtualHost,
)
from stationmaster.monitor.crossing import crossings_of

HOST = VirtualHostName("shop_host")


def local(port: int) -> Address:
    return Address(host="127.0.0.1", port=port)


API = Api(
    name=ApiName("shop"),
    paths=("/shop",),
    virtual_host=HOST,
    probe=ApiProbe(check=HealthCheck(path="/ping", max_latency_ms=100), user=UserName("prober")),
)


def spec(api: Api = API, **host: object) -> PlatformSpec:
    shop = ServiceName("shop_service")
    instances = tuple(
        Instance(name=InstanceName(f"shop-{number}"), service=shop, region="eu-de", address=local(100 + number))
        for number in (1, 2)
    )
    targets = (
        *(Target(address=each.address, instance=each.name) for each in instances),
        Target(address=local(103), weight=0),
        Target(address=local(104)),
    )
    declared: dict[str, object] = {"name": HOST, "targets": targets} | host
    return PlatformSpec(
        environment="lab",
        services=(Service(name=shop, port=80, instances=instances),),
        virtual_hosts=(VirtualHost(**declared),),  # type: ignore[arg-type]
        apis=(api,),
        nodes=tuple(
            GatewayNode(name=NodeName(f"gw-{number}"), listen=local(8000 + number), admin=local(9000 + number))
            for number in (1, 2)
        ),
    )


def test_an_api_is_asked_through_every_node_and_at_every_target_that_takes_traffic() -> None:
    (crossing,) = crossings_of(spec())
    assert [(way.name, str(way.address)) for way in crossing.ways] == [
        ("shop@gw-1", "127.0.0.1:8001"),
        ("shop@gw-2", "127.0.0.1:8002"),
    ]
    assert [(spot.target, spot.address.port) for spot in crossing.spots] == [
        ("shop-1", 101),
        ("shop-2", 102),
        ("127.0.0.1:104", 104),
    ]
    assert (crossing.service, crossing.region, crossing.user) == ("shop_host", "eu-de", "prober")
    assert crossing.check.max_latency_ms == 100
    assert crossing.direct_check.max_latency_ms is None
    assert crossing.url(crossing.ways[0]) == "http://127.0.0.1:8001/shop/ping"


@pytest.mark.parametrize(
    ("written", "strip", "asked", "upstream"),
    [
        ("/shop", True, "/shop/ping", "/ping"),
        ("/shop/", True, "/shop/ping", "/ping"),
        ("/", True, "/ping", "/ping"),
        ("/shop", False, "/shop/ping", "/shop/ping"),
        ("=/shop/one", True, "/shop/one", "/"),
        ("=/shop/one", False, "/shop/one", "/shop/one"),
        ("~/shop/[0-9]+", True, "/ping", "/ping"),
    ],
)
def test_the_path_is_below_that_of_the_api_and_as_the_gateway_hands_it_on(
    written: str, strip: bool, asked: str, upstream: str
) -> None:
    (crossing,) = crossings_of(spec(replace(API, paths=(written,), strip_path=strip)))
    assert (crossing.check.path, crossing.direct_check.path) == (asked, upstream)


@pytest.mark.parametrize(
    ("protocol", "kind"),
    [(Protocol.HTTP, CheckKind.HTTP), (Protocol.HTTPS, CheckKind.HTTPS), (Protocol.H2C, CheckKind.TCP)],
)
def test_targets_are_asked_in_the_protocol_of_their_virtual_host(protocol: Protocol, kind: CheckKind) -> None:
    (crossing,) = crossings_of(spec(protocol=protocol))
    assert crossing.direct_check.kind is kind
    assert crossing.check.kind is CheckKind.HTTP


def test_what_the_api_demands_of_a_request_is_sent() -> None:
    api = replace(API, hosts=("*.example.com",), headers=(HeaderRule(name="x-a", value="b"), HeaderRule(name="x-c")))
    (crossing,) = crossings_of(spec(api))
    (other,) = crossings_of(spec(replace(api, preserve_host=False)))
    assert (crossing.direct_host, other.direct_host) == ("probe.example.com", "shop_host")
    assert (crossing.host, crossing.headers) == ("probe.example.com", (("x-a", "b"), ("x-c", "1")))


def test_what_answers_503_on_purpose_is_not_asked() -> None:
    assert crossings_of(spec(replace(API, policies=Policies(maintenance=Maintenance())))) == ()
    assert crossings_of(spec(maintenance=Maintenance())) == ()
    assert crossings_of(spec(replace(API, probe=None))) == ()


def test_an_api_without_a_virtual_host_has_no_targets() -> None:
    (crossing,) = crossings_of(spec(replace(API, virtual_host=None)))
    assert (crossing.spots, crossing.service) == ((), "")
