"""What the policies of a declaration become in the words of the gateway, and what is left out of them."""

import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.names import ApiName, NodeName, UserName, VirtualHostName
from stationmaster.core.policy import (
    Canary,
    Cors,
    HeaderChanges,
    LimitBy,
    Maintenance,
    Mirror,
    Policies,
    RateLimit,
    Redirect,
    TokenRules,
)
from stationmaster.core.spec import (
    Address,
    Api,
    ApiUser,
    CredentialKind,
    GatewayLimits,
    GatewayNode,
    PlatformSpec,
    VirtualHost,
)
from stationmaster.gateway.ir_policy import Bound, CallerBounds, Closed, CountedBy, Elsewhere, RouteBound, Share
from stationmaster.gateway.plan.header_names import may_be_claim, may_be_set, may_carry
from stationmaster.gateway.plan.policies import Surroundings, counting, policy_of, problems_of

SHOP, ANNEX = VirtualHostName("shop"), VirtualHostName("annex")
JWT = frozenset({CredentialKind.JWT})


def api(name: str = "pets", policies: Policies | None = None, **more: object) -> Api:
    plain = Api(name=ApiName(name), paths=(f"/{name}",), virtual_host=SHOP, policies=policies or Policies())
    return replace(plain, **more)  # type: ignore[arg-type]


def spec(*apis: Api, **more: object) -> PlatformSpec:
    hosts = (VirtualHost(name=SHOP), VirtualHost(name=ANNEX))
    return replace(PlatformSpec(environment="test", virtual_hosts=hosts, apis=apis), **more)  # type: ignore[arg-type]


def test_users_of_a_public_api_are_counted_by_address() -> None:
    limit = RateLimit(requests=5, per_ms=1000, by=LimitBy.USER)
    open_api, closed_api = (api(policies=Policies(rate_limits=(limit,)), accepts=each) for each in (frozenset(), JWT))
    bound = Bound(requests=5, per_ms=1000)
    assert policy_of(open_api).bounds == (RouteBound(bound=bound, by=CountedBy.ADDRESS),)
    assert policy_of(closed_api).bounds == (RouteBound(bound=bound, by=CountedBy.CALLER),)


def test_everything_that_is_counted_is_known_by_its_numbers_and_not_by_its_api() -> None:
    second, minute = RateLimit(requests=5, per_ms=1000), RateLimit(requests=100, per_ms=60_000)
    apis = (
        api("a", Policies(rate_limits=(second,)), accepts=JWT),
        api("b", Policies(rate_limits=(second, minute)), accepts=JWT),
        api("c", Policies(rate_limits=(replace(second, by=LimitBy.API),))),
        api("d"),
    )
    users = (ApiUser(name=UserName("ada")), ApiUser(name=UserName("bob"), rate_limits=(minute,)))
    counted = counting(spec(*apis, api_users=users))
    five, hundred = Bound(requests=5, per_ms=1000), Bound(requests=100, per_ms=60_000)
    assert counted.bounds == (
        RouteBound(bound=five, by=CountedBy.CALLER),
        RouteBound(bound=hundred, by=CountedBy.CALLER),
        RouteBound(bound=five, by=CountedBy.EVERYBODY),
    )
    assert counted.most == ((CountedBy.EVERYBODY, 1), (CountedBy.CALLER, 2))
    assert counted.callers == (CallerBounds(caller="bob", bounds=(hundred,)),)


def test_bounds_of_users_matter_only_where_callers_are_known() -> None:
    users = (ApiUser(name=UserName("bob"), rate_limits=(RateLimit(requests=1, per_ms=1000),)),)
    public, protected = api("public"), api("protected", accepts=JWT)
    around = Surroundings(spec(public, protected, api_users=users))
    assert not policy_of(public, around.of(public)).own_bounds
    assert policy_of(protected, around.of(protected)).own_bounds


@pytest.mark.parametrize(
    ("own", "everybody", "smaller"), [(None, None, None), (5, None, 5), (None, 7, 7), (5, 7, 5), (9, 7, 7), (0, 7, 0)]
)
def test_the_smaller_body_limit_holds(own: int | None, everybody: int | None, smaller: int | None) -> None:
    limited = api(policies=Policies(max_body_bytes=own))
    around = Surroundings(spec(limited, limits=GatewayLimits(max_body_bytes=everybody)))
    assert policy_of(limited, around.of(limited)).max_body_bytes == smaller


def test_maintenance_of_a_virtual_host_closes_its_apis_and_takes_it_out_of_shares() -> None:
    shut = VirtualHost(name=ANNEX, maintenance=Maintenance(message="moving", retry_after_s=5))
    there = api("there", virtual_host=ANNEX)
    share = Policies(canary=Canary(virtual_host=ANNEX, percent=50), mirror=Mirror(virtual_host=ANNEX))
    here = api("here", share)
    around = Surroundings(spec(there, here, virtual_hosts=(VirtualHost(name=SHOP), shut)))
    assert policy_of(there, around.of(there)).closed == Closed(message="moving", retry_after_s=5)
    policy = policy_of(here, around.of(here))
    assert (policy.closed, policy.canary, policy.mirror) == (None, None, None)
    assert policy_of(here).canary == Share(pool=ANNEX, percent=50)


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("/new", Elsewhere(status=308, path="/new")),
        ("/new?a=b", Elsewhere(status=308, path="/new?a=b")),
        ("https://x.test", Elsewhere(status=308, scheme="https", host="x.test")),
        ("https://x.test:8443/a", Elsewhere(status=308, scheme="https", host="x.test", port=8443, path="/a")),
        ("https://x.test?a=b", Elsewhere(status=308, scheme="https", host="x.test", path="/?a=b")),
    ],
)
def test_a_redirect_keeps_what_its_address_does_not_say(to: str, expected: Elsewhere) -> None:
    assert policy_of(api(policies=Policies(redirect=Redirect(to=to)))).elsewhere == expected


def test_every_api_of_a_virtual_host_guards_the_headers_in_which_its_targets_expect_claims() -> None:
    telling = api("telling", Policies(tokens=TokenRules(claims_to_headers=(("org", "X-Org"),))), accepts=JWT)
    beside = api("beside")
    sharing = api("sharing", Policies(mirror=Mirror(virtual_host=SHOP)), virtual_host=ANNEX)
    apart = api("apart", virtual_host=ANNEX)
    around = Surroundings(spec(telling, beside, sharing, apart))
    seen = {each.name: policy_of(each, around.of(each)) for each in (telling, beside, sharing, apart)}
    assert seen[telling.name].claims == (("org", "x-org"),)
    assert {name: policy.claim_headers for name, policy in seen.items()} == {
        "telling": ("x-org",),
        "beside": ("x-org",),
        "sharing": ("x-org",),
        "apart": (),
    }


def test_what_is_not_safe_is_left_out_and_told() -> None:
    changes = HeaderChanges(
        set=(("x-consumer-username", "root"), ("x-good", "1"), ("x-bad", "a\r\nb: c")),
        add=((":path", "/admin"), ("Host", "x")),
        remove=("x-envoy-peer", "x-gone", "bad name"),
    )
    rules = TokenRules(claims_to_headers=(("org", "x-org"), ("a:b", "x-b"), ("sub", "X-Consumer-Id")))
    cors = Cors(origins=("*", "https://a.test"), credentials=True)
    risky = api(policies=Policies(request_headers=changes, tokens=rules, cors=cors))
    policy = policy_of(risky)
    assert policy.request_headers.set == (("x-good", "1"),)
    assert policy.request_headers.add == ()
    assert policy.request_headers.remove == ("x-gone",)
    assert policy.claims == (("org", "x-org"),)
    assert policy.cross_origin
    assert (policy.cross_origin.origins, policy.cross_origin.credentials) == (("*",), False)
    problems = tuple(each for api in spec(risky).apis for each in problems_of(api))
    assert len(problems) == 9
    assert {each.code for each in problems} == {"policy-left-out"}


@pytest.mark.parametrize(("declared", "planned"), [(-1, 0), (0, 0), (3, 3), (10, 10), (99, 10)])
def test_retries_stay_within_their_range(declared: int, planned: int) -> None:
    assert policy_of(api(policies=Policies(retries=declared))).retries == planned


def test_a_message_is_cut_and_cleaned() -> None:
    long = api(policies=Policies(maintenance=Maintenance(message="é\n" * 5_000)))
    closed = policy_of(long).closed
    assert closed
    assert len(closed.message.encode()) <= 2_000
    assert closed.message.isprintable()


def test_bounds_are_divided_among_declared_nodes() -> None:
    nodes = tuple(
        GatewayNode(name=NodeName(f"n{number}"), listen=Address(host="x", port=number), admin=Address(host="x", port=9))
        for number in (1, 2, 3)
    )
    assert counting(spec(nodes=nodes)).nodes == 3
    assert counting(spec()).nodes == 1


@given(st.text(max_size=20))
def test_a_header_name_is_a_token_or_refused(name: str) -> None:
    if may_be_set(name, requests=True) or may_be_set(name, requests=False):
        assert name
        assert set(name) <= {*string.ascii_letters, *string.digits, *"!#$%&'*+.^_`|~-"}
        assert not name.lower().startswith(("x-consumer-", "x-stationmaster-", "x-credential-", "x-envoy-"))


@given(st.sampled_from(["X-Consumer-", "x-credential-", "X-ENVOY-"]), st.text(string.ascii_letters, max_size=8))
def test_no_spelling_of_an_identity_header_may_be_set(prefix: str, rest: str) -> None:
    assert not may_be_set(prefix + rest, requests=True)


@given(st.text(max_size=50))
def test_a_value_that_may_be_carried_ends_no_line(value: str) -> None:
    assert not may_carry(value) or not {"\r", "\n", "\0"} & set(value)


@given(st.text(max_size=20))
def test_a_claim_cannot_end_the_command_that_names_it(name: str) -> None:
    assert not may_be_claim(name) or not {"%", ":", "(", ")", ","} & set(name)
