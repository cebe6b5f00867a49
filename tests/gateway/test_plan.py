"""What the gateway is to do, decided from declarations and live state."""

import json

import pytest

from stationmaster.core.names import ApiName, UserName, VirtualHostName
from stationmaster.core.problem import Origin
from stationmaster.core.spec import (
    Address,
    Algorithm,
    Api,
    ApiUser,
    CredentialKind,
    HealthCheck,
    PlatformSpec,
    Target,
    VirtualHost,
)
from stationmaster.gateway.ir import Balance, Check, Ir, KeyHolder, Proof, Route
from stationmaster.gateway.plan.live import NO_KEYS, ApiKey, Live
from stationmaster.gateway.plan.whole import plan

HOST = VirtualHostName("shop")
PUBLIC_KEY = {"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


def api(name: str, *paths: str, hosts: tuple[str, ...] = (), accepts: frozenset[CredentialKind] = frozenset()) -> Api:
    return Api(name=ApiName(name), paths=paths, virtual_host=HOST, hosts=hosts, accepts=accepts)


def spec(*apis: Api, users: tuple[ApiUser, ...] = (), host: VirtualHost | None = None) -> PlatformSpec:
    return PlatformSpec(
        environment="testing", virtual_hosts=(host or VirtualHost(name=HOST),), apis=apis, api_users=users
    )


def planned(declared: PlatformSpec, live: Live | None = None) -> Ir:
    ir, problems = plan(declared, live or Live())
    assert problems == ()
    return ir


def routes_of(ir: Ir, host: str) -> list[tuple[str, str]]:
    return [(route.prefix, route.name) for site in ir.sites if site.host == host for route in site.routes]


def test_the_longest_path_is_tried_first() -> None:
    ir = planned(spec(api("all", "/"), api("pets", "/pets"), api("dogs", "/pets/dogs"), api("cats", "/pets/cats/")))
    assert routes_of(ir, "*") == [("/pets/cats", "cats"), ("/pets/dogs", "dogs"), ("/pets", "pets"), ("/", "all")]


def test_an_api_without_hosts_answers_on_every_host_after_that_hosts_own_apis() -> None:
    ir = planned(spec(api("everywhere", "/pets/dogs"), api("here", "/pets", hosts=("Shop.Example",))))
    assert routes_of(ir, "shop.example") == [("/pets", "here"), ("/pets/dogs", "everywhere")]
    assert routes_of(ir, "*") == [("/pets/dogs", "everywhere")]


def test_a_path_that_an_earlier_api_has_is_left_out_and_told() -> None:
    origin = Origin(file="platform.yaml", line=7)
    later = Api(name=ApiName("later"), paths=("/pets/",), virtual_host=HOST, origin=origin)
    ir, problems = plan(spec(api("earlier", "/pets"), later), Live())
    assert routes_of(ir, "*") == [("/pets", "earlier")]
    assert [(problem.code, problem.origin) for problem in problems] == [("route-taken", origin)]


def test_only_users_who_name_an_api_may_call_it() -> None:
    users = (
        ApiUser(name=UserName("ada"), apis=(ApiName("closed"), ApiName("open"))),
        ApiUser(name=UserName("bob")),
    )
    closed = api("closed", "/closed", accepts=frozenset({CredentialKind.JWT}))
    ir = planned(spec(closed, api("open", "/open"), users=users))
    by_name: dict[str, Route] = {route.name: route for route in ir.sites[0].routes}
    assert (by_name["closed"].proofs, by_name["closed"].callers) == (frozenset({Proof.SIGNATURE}), ("ada",))
    assert (by_name["open"].proofs, by_name["open"].callers) == (frozenset(), ())


def test_withdrawn_targets_and_targets_without_weight_take_no_traffic() -> None:
    targets = tuple(
        Target(address=Address(host="10.0.0.1", port=port), weight=weight) for port, weight in ((1, 5), (2, 0), (3, 1))
    )
    withdrawn = frozenset({("shop", "10.0.0.1:3"), ("other", "10.0.0.1:1")})
    ir = planned(spec(host=VirtualHost(name=HOST, targets=targets)), Live(withdrawn=withdrawn))
    assert [(each.port, each.weight) for each in ir.pools[0].endpoints] == [(1, 5)]


@pytest.mark.parametrize(
    ("algorithm", "balance"),
    [
        (Algorithm.ROUND_ROBIN, Balance.TURNS),
        (Algorithm.LEAST_CONNECTIONS, Balance.FEWEST_IN_FLIGHT),
        (Algorithm.CONSISTENT_HASHING, Balance.BY_CALLER),
    ],
)
def test_a_pool_balances_as_declared(algorithm: Algorithm, balance: Balance) -> None:
    assert planned(spec(host=VirtualHost(name=HOST, algorithm=algorithm))).pools[0].balance is balance


def test_a_health_check_is_carried_over() -> None:
    health = HealthCheck(path="/healthz", contains="operational", interval_ms=100, timeout_ms=200, down_after=3)
    check = planned(spec(host=VirtualHost(name=HOST, health=health))).pools[0].check
    assert check == Check(
        path="/healthz", status=200, body="operational", interval_ms=100, timeout_ms=200, down_after=3, up_after=2
    )


def test_a_key_of_two_users_opens_nothing() -> None:
    keys = (
        ApiKey(consumer="ada", key="shared"),
        ApiKey(consumer="bob", key="shared"),
        ApiKey(consumer="bob", key="own"),
        ApiKey(consumer="bob", key="own"),
        ApiKey(consumer="eve", key=""),
    )
    ir, problems = plan(spec(), Live(api_keys=keys))
    assert ir.keys == (KeyHolder(caller="bob", key="own"),)
    assert [problem.code for problem in problems] == ["key-of-two"]
    assert "shared" not in str(problems[0])


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"keys": 1}', "{", '{"keys": null}'])
def test_a_key_set_that_cannot_be_read_checks_nothing(text: str) -> None:
    ir, problems = plan(spec(), Live(jwks=text))
    assert ir.issuer.jwks == NO_KEYS
    assert [problem.code for problem in problems] == ["key-set"]


@pytest.mark.parametrize("secret", [{"kty": "oct", "k": "c2VjcmV0"}, {**PUBLIC_KEY, "d": "c2VjcmV0"}, {"kid": "a"}, 1])
def test_a_key_that_is_not_public_checks_nothing(secret: object) -> None:
    ir, problems = plan(spec(), Live(jwks=json.dumps({"keys": [PUBLIC_KEY, secret]})))
    assert json.loads(ir.issuer.jwks) == {"keys": [PUBLIC_KEY]}
    assert [problem.code for problem in problems] == ["key-set"]


def test_secrets_do_not_show_when_values_are_printed() -> None:
    ir = planned(spec(), Live(api_keys=(ApiKey(consumer="ada", key="hush"),)))
    assert "hush" not in f"{ir!r} {ApiKey(consumer='ada', key='hush')!r}"
