"""Both sides of the IR as files: what a declaration becomes, and what Envoy is sent for it. GOLDEN=rewrite rewrites."""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.json_format import MessageToDict

from stationmaster.core.names import ApiName, NodeName, UserName, VirtualHostName
from stationmaster.core.problem import Origin
from stationmaster.core.proofs import ApiKeyProof, IssuerProof, Proofs
from stationmaster.core.spec import (
    Address,
    Algorithm,
    Api,
    ApiUser,
    CredentialKind,
    GatewayNode,
    HealthCheck,
    PlatformSpec,
    Target,
    VirtualHost,
)
from stationmaster.gateway.envoy.bootstrap import bootstrap
from stationmaster.gateway.envoy.translate import translate
from stationmaster.gateway.plan.live import Live
from stationmaster.gateway.plan.whole import plan
from stationmaster.gateway.snapshot import Kind, Resource, touched

GOLDEN = Path(__file__).parent / "golden"
JWKS = '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}'
JWT, KEY = CredentialKind.JWT, CredentialKind.API_KEY


def at(line: int) -> Origin:
    return Origin(file="platform.yaml", line=line)


def address(port: int) -> Address:
    return Address(host="127.0.0.1", port=port)


def targets(*ports: int) -> tuple[Target, ...]:
    return tuple(Target(address=address(port), weight=port % 100 + 1, origin=at(port)) for port in ports)


NODE = GatewayNode(name=NodeName("gateway-1"), listen=address(8000), admin=address(9901), origin=at(3))
KEYS_HOST, SHOP = VirtualHostName("key-service"), VirtualHostName("shop")

SPECS = {
    "public": PlatformSpec(
        environment="sample",
        virtual_hosts=(VirtualHost(name=SHOP, targets=targets(8101), origin=at(10)),),
        apis=(Api(name=ApiName("shop"), paths=("/",), virtual_host=SHOP, origin=at(20)),),
        nodes=(NODE,),
    ),
    "protected": PlatformSpec(
        environment="sample",
        virtual_hosts=(
            VirtualHost(
                name=KEYS_HOST,
                health=HealthCheck(path="/api/auth/healthz", contains="operational"),
                targets=targets(8888, 8889, 8890),
                origin=at(11),
            ),
            VirtualHost(name=SHOP, algorithm=Algorithm.CONSISTENT_HASHING, targets=targets(8101), origin=at(12)),
        ),
        apis=(
            Api(name=ApiName("keys"), paths=("/api/auth",), virtual_host=KEYS_HOST, strip_path=False, origin=at(21)),
            Api(name=ApiName("shop"), paths=("/shop",), virtual_host=SHOP, accepts=frozenset({JWT, KEY})),
            Api(name=ApiName("till"), paths=("/shop/till",), virtual_host=SHOP, accepts=frozenset({JWT})),
            Api(
                name=ApiName("feed"),
                paths=("/feed",),
                hosts=("feed.test",),
                virtual_host=SHOP,
                accepts=frozenset({KEY}),
            ),
        ),
        api_users=(
            ApiUser(name=UserName("ada"), apis=(ApiName("shop"), ApiName("till"))),
            ApiUser(name=UserName("bob"), apis=(ApiName("shop"), ApiName("feed"))),
        ),
        nodes=(NODE,),
    ),
}
LIVE = {
    "public": Live(),
    "protected": Live(
        withdrawn=frozenset({("key-service", "127.0.0.1:8889")}),
        proofs=Proofs(
            jwks=JWKS,
            shards={
                "0a": (ApiKeyProof(key="stm_0a", key_id="k1", user=UserName("bob"), apis=(ApiName("feed"),)),),
                "ff": (ApiKeyProof(key="stm_ff", key_id="k2", user=UserName("ada")),),
            },
            issuers=(IssuerProof(name="partner", issuer="https://partner.test", audiences=(), jwks=JWKS),),
            revoked_tokens=frozenset({"token-1"}),
            barred_users=frozenset({UserName("eve")}),
            renewed_users={UserName("bob"): 1_700_000_000},
        ),
    ),
}


def compare(name: str, content: Any) -> None:
    file = GOLDEN / f"{name}.json"
    text = json.dumps(content, indent=2, sort_keys=True) + "\n"
    if os.environ.get("GOLDEN") == "rewrite":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert file.read_text() == text, "`make golden` rewrites the files; read the difference before you keep it"


@pytest.mark.parametrize("name", SPECS)
def test_golden_plan_of_a_declaration(name: str) -> None:
    ir, problems = plan(SPECS[name], LIVE[name])
    assert problems == ()
    content = json.loads(msgspec.json.encode(ir))
    content["shards"] = [each for each in content["shards"] if each["holders"]]
    for route in (route for section in content["sections"] for site in section["sites"] for route in site["routes"]):
        route["proofs"].sort()
    compare(f"{name}.ir", content)


@pytest.mark.parametrize("name", SPECS)
def test_golden_resources_of_a_node(name: str) -> None:
    ir, _ = plan(SPECS[name], LIVE[name])
    shown = translate(ir)["gateway-1"]
    compare(
        f"{name}.envoy",
        {
            kind.name.lower(): {each.name: readable(kind, each) for each in named.values() if not of_no_keys(each)}
            for kind, named in shown.resources.items()
        },
    )


def readable(kind: Kind, resource: Resource) -> Any:
    """Of the shards of keys in the checker of keys, which are all alike, only the first is shown."""
    found = MessageToDict(Packed(type_url=kind.value, value=resource.body), preserving_proto_field_name=True)
    return without_all_but_one_shard(found)


def without_all_but_one_shard(part: Any) -> Any:
    if isinstance(part, list):
        return [without_all_but_one_shard(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        key: without_all_but_one_shard(each)
        for key, each in part.items()
        if not key.startswith("stm_") or key == "stm_00"
    }


def of_no_keys(resource: Resource) -> bool:
    """Most shards are empty and alike; the one of 00 stands for them."""
    if not resource.name.startswith("stationmaster.keys.") or resource.name.endswith(".stm_00"):
        return False
    return b"stm_" not in resource.body.replace(resource.name.encode(), b"")


def test_golden_bootstrap_of_a_node() -> None:
    compare("bootstrap", json.loads(bootstrap(NODE, control=address(4581), environment="sample")))


def test_resources_are_the_same_bytes_for_the_same_declaration() -> None:
    first, second = (translate(plan(SPECS["protected"], LIVE["protected"])[0])["gateway-1"] for _ in range(2))
    assert [touched(first.of(kind), second.of(kind)) for kind in Kind] == [()] * len(Kind)
