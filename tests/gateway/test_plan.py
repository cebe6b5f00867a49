"""What the gateway is to do, decided from declarations and live state."""

import json
from dataclasses import replace

import pytest

from stationmaster.core.names import ApiName, UserName, VirtualHostName
from stationmaster.core.policy import Policies, TokenRules
from stationmaster.core.problem import Origin, Severity
from stationmaster.core.proofs import NO_KEYS, ApiKeyProof, IssuerProof, Proofs
from stationmaster.core.spec import (
    Address,
    Algorithm,
    Api,
    ApiUser,
    CredentialKind,
    HeaderRule,
    HealthCheck,
    PlatformSpec,
    Target,
    TokenIssuer,
    VirtualHost,
)
from stationmaster.gateway.ir import Balance, Check, Ir, KeyHolder, KeyShard, Proof, Route
from stationmaster.gateway.plan.live import Live
from stationmaster.gateway.plan.whole import Planner, plan

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
    """All of them, in the order of sections: what begins with one segment, then what is left."""
    sections = sorted(ir.sections, key=lambda section: (section.segment is None, section.segment or ""))
    sites = [site for section in sections for site in section.sites if site.host == host]
    return [(route.path, route.name) for site in sites for route in site.routes]


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
    by_name: dict[str, Route] = {
        route.name: route for section in ir.sections for site in section.sites for route in site.routes
    }
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


def keys(*proofs: ApiKeyProof) -> Live:
    return Live(proofs=Proofs(shards={"00": proofs}))


def key(user: str, text: str, key_id: str = "id") -> ApiKeyProof:
    return ApiKeyProof(key=text, key_id=key_id, user=UserName(user))


def test_a_key_of_two_users_opens_nothing() -> None:
    live = keys(
        key("ada", "stm_00shared", "1"), key("bob", "stm_00shared", "2"), key("bob", "stm_00own", "4"),
        key("bob", "stm_00own", "3"),
    )  # fmt: skip
    ir, problems = plan(spec(), live)
    assert ir.shards[0] == KeyShard(prefix="stm_00", holders=(KeyHolder(caller="bob", key="stm_00own", name="3"),))
    assert [problem.code for problem in problems] == ["key-left-out", "key-left-out"]
    assert "shared" not in f"{problems}"


@pytest.mark.parametrize(
    "proof", [key("ada", "stm_01else"), key("ada", ""), key("a;|every|;b", "stm_00x"), key("ada", "stm_00x", ";*;")]
)
def test_a_key_that_nodes_would_misread_opens_nothing(proof: ApiKeyProof) -> None:
    ir, problems = plan(spec(), keys(proof))
    assert ir.shards[0].holders == ()
    assert [problem.code for problem in problems] == ["key-left-out"]


def test_there_are_always_all_shards() -> None:
    assert [shard.prefix for shard in planned(spec()).shards] == [f"stm_{number:02x}" for number in range(256)]


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"keys": 1}', "{", '{"keys": null}'])
def test_a_key_set_that_cannot_be_read_checks_nothing(text: str) -> None:
    ir, problems = plan(spec(), Live(proofs=Proofs(jwks=text)))
    assert ir.issuers[0].jwks == NO_KEYS
    assert [problem.code for problem in problems] == ["key-set"]


@pytest.mark.parametrize("secret", [{"kty": "oct", "k": "c2VjcmV0"}, {**PUBLIC_KEY, "d": "c2VjcmV0"}, {"kid": "a"}, 1])
def test_a_key_that_is_not_public_checks_nothing(secret: object) -> None:
    ir, problems = plan(spec(), Live(proofs=Proofs(jwks=json.dumps({"keys": [PUBLIC_KEY, secret]}))))
    assert json.loads(ir.issuers[0].jwks) == {"keys": [PUBLIC_KEY]}
    assert [problem.code for problem in problems] == ["key-set"]


def test_secrets_do_not_show_when_values_are_printed() -> None:
    ir = planned(spec(), keys(key("ada", "stm_00hush")))
    assert "hush" not in f"{ir!r}"


def test_an_issuer_that_is_not_declared_proves_nobody() -> None:
    partner = TokenIssuer(name="partner", issuer="https://partner.test", user_claim="email")
    shown = tuple(
        IssuerProof(name=name, issuer=f"https://{name}.test", audiences=("us",), jwks=NO_KEYS, user_claim="email")
        for name in ("partner", "stranger", "stationmaster")
    )
    ir = planned(replace(spec(), token_issuers=(partner,)), Live(proofs=Proofs(issuers=shown)))
    assert [(each.name, each.audiences, each.caller_claim) for each in ir.issuers] == [
        ("stationmaster", ("testing",), "sub"),
        ("partner", ("us",), "email"),
    ]


def test_exact_paths_go_before_longer_ones_and_those_before_patterns() -> None:
    ir = planned(
        spec(api("below", "/pets"), api("regex", "~/pets/[0-9]+"), api("exact", "=/pets"), api("deep", "/pets/x"))
    )
    assert [name for _, name in routes_of(ir, "*")] == ["exact", "deep", "below", "regex"]


def test_of_one_path_those_that_ask_for_more_go_first() -> None:
    more = (HeaderRule(name="X-Beta"), HeaderRule(name="X-Two", value="2"))
    ir = planned(
        spec(
            api("any", "/pets"),
            replace(api("gets", "/pets"), methods=("GET",)),
            replace(api("beta", "/pets"), headers=more[:1]),
            replace(api("two", "/pets"), headers=more),
        )
    )
    assert [name for _, name in routes_of(ir, "*")] == ["two", "beta", "gets", "any"]


@pytest.mark.parametrize(
    ("path", "segment"),
    [
        ("/", None),
        ("/pets", "pets"),
        ("/pets/dogs/", "pets"),
        ("=/pets/1", "pets"),
        ("=/", None),
        ("~/pets/[0-9]+", "pets"),
        ("~/pets", "pets"),
        ("~/pets/?x", None),
        ("~/pets/*x", None),
        ("~/pets/{0,1}x", None),
        ("~/pets|/dogs", None),
        ("~/pet.*", None),
        ("~/(pets)/1", None),
        ("~.*", None),
    ],
)
def test_a_route_stands_in_the_section_of_the_segment_that_all_its_paths_begin_with(
    path: str, segment: str | None
) -> None:
    ir = planned(spec(api("it", path)))
    assert [section.segment for section in ir.sections if any(site.routes for site in section.sites)] == [segment]


def test_a_host_tries_its_own_routes_then_those_of_wildcards_then_those_of_every_host() -> None:
    declared = spec(
        api("all", "/x"),
        api("wide", "/x", hosts=("*.example",)),
        api("near", "/x", hosts=("*.shop.example",)),
        api("own", "/x", hosts=("a.shop.example",)),
    )
    ir = planned(declared)
    assert [name for _, name in routes_of(ir, "a.shop.example")] == ["own", "near", "wide", "all"]
    assert [name for _, name in routes_of(ir, "*.shop.example")] == ["near", "wide", "all"]
    assert [name for _, name in routes_of(ir, "*")] == ["all"]


def test_an_api_at_the_root_of_its_host_is_warned_of_those_that_go_before_it() -> None:
    declared = spec(api("all", "/x"), api("root", "/", hosts=("shop.example",)), api("other", "/", "/x"))
    _, problems = plan(replace(declared, apis=declared.apis[:2]), Live())
    assert [(each.code, each.severity) for each in problems] == [("route-overtaken", Severity.WARNING)]
    assert "/x to all" in problems[0].message


def test_users_call_by_name_by_group_or_because_everybody_may() -> None:
    users = (
        ApiUser(name=UserName("ada"), apis=(ApiName("it"),)),
        ApiUser(name=UserName("bob"), groups=("staff",)),
        ApiUser(name=UserName("eve"), groups=("guests",)),
    )
    jwt = frozenset({CredentialKind.JWT})
    grouped = replace(api("it", "/x", accepts=jwt), groups=("staff",))
    (route,) = (route for _, route in routes_in(planned(spec(grouped, users=users))))
    assert (route.callers, route.every_caller) == (("ada", "bob"), False)
    (route,) = (route for _, route in routes_in(planned(spec(replace(grouped, any_user=True), users=users))))
    assert (route.callers, route.every_caller) == ((), True)
    foreign = replace(grouped, any_user=True, policies=Policies(tokens=TokenRules(issuers=("partner",))))
    (route,) = (route for _, route in routes_in(planned(spec(foreign, users=users))))
    assert (route.callers, route.every_caller) == (("ada", "bob", "eve"), False), "a stranger's subject is no user"


def routes_in(ir: Ir) -> list[tuple[str | None, Route]]:
    return [(each.segment, route) for each in ir.sections for site in each.sites for route in site.routes]


def test_what_did_not_change_is_the_same_in_the_next_plan() -> None:
    users = tuple(ApiUser(name=UserName(f"user-{number}"), groups=("staff",)) for number in range(3))
    apis = tuple(
        replace(
            api(f"api-{number}", f"/a{number}", accepts=frozenset({CredentialKind.JWT})),
            groups=("staff",) * (number < 2),
        )
        for number in range(4)
    )
    planner = Planner()
    before, _ = planner.plan(spec(*apis, users=users), keys(key("ada", "stm_00x")))
    changed = (*apis[:3], replace(apis[3], timeout_ms=1))
    after, _ = planner.plan(spec(*changed, users=users), keys(key("ada", "stm_00x")))
    assert [old is new for old, new in zip(before.sections, after.sections, strict=True)] == [True] * 4 + [False]
    assert all(old is new for old, new in zip(before.shards, after.shards, strict=True))
    assert before.pools[0] is after.pools[0]
    more = (*users, ApiUser(name=UserName("new"), apis=(ApiName("api-3"),)))
    last, _ = planner.plan(spec(*changed, users=more), Live(withdrawn=frozenset({("shop", "10.0.0.1:1")})))
    assert [old is new for old, new in zip(after.sections, last.sections, strict=True)] == [True] * 4 + [False]
    fresh, _ = plan(spec(*changed, users=more), Live(withdrawn=frozenset({("shop", "10.0.0.1:1")})))
    assert last == fresh
