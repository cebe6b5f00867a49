"""Which proofs open which APIs at a real node: limited keys, foreign issuers, groups, and what is revoked."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
import pytest_asyncio

from stationmaster.core.names import ApiName, UserName
from stationmaster.core.policy import Policies, TokenRules
from stationmaster.core.proofs import ApiKeyProof, IssuerProof, Proofs
from stationmaster.core.spec import Api, ApiUser, TokenIssuer
from stationmaster.gateway.envoy.api_keys import resource_of
from stationmaster.gateway.snapshot import Kind
from stationmaster.runtime.db import metadata, open_database
from tests.gateway.rig import BOTH, HOST, ISSUER, KEY, KEYS, Rig, Signer, declared, proofs, running

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

PARTNER = Signer(kid="p1")
LIMITED, LIMITED_TO_NONE, TWIN = "stm_00limited", "stm_01nothing", "stm_00twin"
CROWD = tuple(f"user-{number}" for number in range(40))


def api(name: str, *, groups: tuple[str, ...] = (), any_user: bool = False, issuers: tuple[str, ...] = ()) -> Api:
    return Api(
        name=ApiName(name),
        paths=(f"/{name}",),
        virtual_host=HOST,
        accepts=BOTH,
        groups=groups,
        any_user=any_user,
        policies=Policies(tokens=TokenRules(issuers=issuers)),
    )


APIS = (
    api("one"),
    api("two"),
    api("staff", groups=("staff",)),
    api("crowd", groups=("crowd",)),
    api("every", any_user=True),
    api("nobody"),
    api("partner", any_user=True, issuers=("partner",)),
    api("either", issuers=(ISSUER, "partner")),
    api("absent", issuers=("never-seen",)),
)


def credentials(rig: Rig) -> Proofs:
    """Of ada and mallory, and keys that open some APIs only."""
    shown = proofs(
        rig.signer.jwks(),
        issuers=(
            IssuerProof(
                name="partner",
                issuer="https://partner.test",
                audiences=("shop",),
                jwks=PARTNER.jwks(),
                user_claim="email",
            ),
        ),
    )
    limited = (
        ApiKeyProof(key=LIMITED, key_id="limited", user=UserName("ada"), apis=(ApiName("two"), ApiName("crowd"))),
        ApiKeyProof(key=TWIN, key_id="twin", user=UserName("grace")),
    )
    none = (ApiKeyProof(key=LIMITED_TO_NONE, key_id="none", user=UserName("ada"), apis=()),)
    return replace(shown, shards={**shown.shards, "00": limited, "01": none})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> AsyncIterator[Rig]:
    """One node and one target for all these tests."""
    folder = tmp_path_factory.mktemp("credentials")
    database = open_database(folder / "test.db")
    spec = declared(free_port, nodes=1, targets=1)
    own = tuple(ApiName(name) for name in ("one", "two", "either", "absent"))
    users = (
        ApiUser(name=UserName("ada"), apis=own, groups=("crowd",)),
        ApiUser(name=UserName("grace"), groups=("staff", "crowd")),
        ApiUser(name=UserName("mallory")),
        *(ApiUser(name=UserName(name), groups=("crowd",)) for name in CROWD),
    )
    partner = TokenIssuer(name="partner", issuer="https://partner.test", audiences=("shop",))
    spec = replace(spec, apis=APIS, api_users=users, token_issuers=(partner,))
    try:
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
        async with running(spec, database, folder) as rig:
            await rig.show(credentials(rig))
            yield rig
    finally:
        await database.close()


def key(text: str) -> dict[str, str]:
    return {"apikey": text}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def partners(**claims: object) -> dict[str, str]:
    usual = {"iss": "https://partner.test", "aud": "shop", "sub": "17", "email": "ada"}
    return bearer(PARTNER.token(**(usual | claims)))


async def opened(node: Rig, headers: dict[str, str]) -> dict[str, int]:
    async with node.client() as client:
        return {each.name: (await client.get(f"/{each.name}", headers=headers)).status_code for each in APIS}


def only(*names: str, refused: int = 403) -> dict[str, int]:
    return {each.name: 200 if each.name in names else refused for each in APIS}


@pytest.mark.parametrize(
    ("text", "opens"),
    [
        (KEY["ada"], ("one", "two", "crowd", "every", "partner", "either", "absent")),
        (LIMITED, ("two", "crowd")),
        (LIMITED_TO_NONE, ()),
        (TWIN, ("staff", "crowd", "every", "partner")),
        (KEY["mallory"], ("every", "partner")),
    ],
)
async def test_a_key_opens_what_its_user_may_call_and_no_more_than_it_names(
    node: Rig, text: str, opens: tuple[str, ...]
) -> None:
    assert await opened(node, key(text)) == only(*opens)


@pytest.mark.parametrize(
    "text",
    ["stm_00", "stm_0", "stm_", "stm_00limite", "stm_00limited ,x", "STM_00limited", "stm_zzlimited", "stm_01limited"],
)
async def test_what_is_nearly_a_key_opens_nothing(node: Rig, text: str) -> None:
    assert await opened(node, key(text)) == only(refused=401)


async def test_nobody_opens_anything_by_saying_who_they_are(node: Rig) -> None:
    spoofed = {
        "x-consumer-username": "ada",
        "x-credential-identifier": "id-of-ada",
        "x-stationmaster-holder": "id;*;ada",
        "X-Stationmaster-Holder": "id;*;ada",
    }
    assert await opened(node, spoofed) == only(refused=401)
    assert await opened(node, spoofed | key(LIMITED)) == only("two", "crowd")
    assert await opened(node, spoofed | key(KEY["mallory"])) == only("every", "partner")


async def test_the_upstream_learns_whose_key_it_was_and_which_one(node: Rig) -> None:
    seen = await learnt(node, key(LIMITED) | {"x-consumer-username": "eve"})
    assert (seen["x-consumer-username"], seen["x-credential-identifier"]) == ("ada", "limited")
    assert not {"apikey", "x-stationmaster-holder", "x-stationmaster-section"} & seen.keys()
    token = node.signer.token(jti="t-1")
    seen = (await node.request("GET", "/two", headers=bearer(token) | {"x-credential-identifier": "x"})).json()[
        "headers"
    ]
    assert (seen["x-consumer-username"], seen["x-credential-identifier"]) == ("ada", "t-1")
    seen = (
        await node.request("GET", "/two", headers=bearer(node.signer.token()) | {"x-credential-identifier": "x"})
    ).json()
    assert "x-credential-identifier" not in seen["headers"]


async def learnt(node: Rig, headers: dict[str, str]) -> dict[str, str]:
    seen: dict[str, str] = (await node.request("GET", "/two", headers=headers)).json()["headers"]
    return seen


async def test_tokens_open_only_where_their_issuer_counts(node: Rig) -> None:
    own = bearer(node.signer.token())
    assert await opened(node, own) == only("one", "two", "crowd", "every", "either") | {"partner": 401, "absent": 401}
    assert await opened(node, partners()) == only("partner", "either", refused=401)
    assert (await node.request("GET", "/either", headers=partners(email="grace"))).status_code == 403
    assert (await node.request("GET", "/partner", headers=partners(email="stranger"))).status_code == 403
    assert (await node.request("GET", "/partner", headers=partners(email=None))).status_code in (401, 403)
    assert (await node.request("GET", "/partner", headers=partners(aud="else"))).status_code == 401
    forged = bearer(node.signer.token(iss="https://partner.test", aud="shop", email="ada"))
    assert (await node.request("GET", "/partner", headers=forged)).status_code == 401


async def test_one_of_many_callers_is_found(node: Rig) -> None:
    for name in (CROWD[0], CROWD[-1]):
        token = bearer(node.signer.token(sub=name))
        assert await opened(node, token) == only("crowd", "every") | {"partner": 401, "absent": 401}
    for name in ("user-", "user-1x", "User-1", ""):
        assert (await node.request("GET", "/crowd", headers=bearer(node.signer.token(sub=name)))).status_code in (
            401,
            403,
        )


async def test_a_revoked_token_is_refused_at_once_and_others_go_on(node: Rig) -> None:
    revoked, other = bearer(node.signer.token(jti="t-17")), bearer(node.signer.token(jti="t-18"))
    async with node.client() as client:
        assert (await client.get("/one", headers=revoked)).status_code == 200
        began = time.monotonic()
        await node.show(replace(credentials(node), revoked_tokens=frozenset({"t-17", "t-99"})))
        assert time.monotonic() - began < 1
        refused = await client.get("/one", headers=revoked)
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid-token")
        assert refused.headers["www-authenticate"] == 'Bearer realm="stationmaster", error="invalid_token"'
        assert (await client.get("/every", headers=revoked)).status_code == 401
        assert (await client.get("/one", headers=other)).status_code == 200
        assert (await client.get("/one", headers=key(KEY["ada"]))).status_code == 200
    await node.show(credentials(node))
    assert (await node.request("GET", "/one", headers=revoked)).status_code == 200


async def test_a_barred_user_opens_nothing_and_others_do(node: Rig) -> None:
    token, ada = bearer(node.signer.token(sub="mallory")), bearer(node.signer.token())
    assert (await node.request("GET", "/every", headers=token)).status_code == 200
    await node.show(
        replace(credentials(node), barred_users=frozenset({UserName("mallory")}), revoked_tokens=frozenset("x"))
    )
    assert await opened(node, token) == only(refused=401)
    assert await opened(node, key(KEY["mallory"])) == only(refused=401)
    assert (await node.request("GET", "/every", headers=ada)).status_code == 200
    await node.show(credentials(node))


async def test_of_a_user_that_was_declared_again_only_what_is_newer_opens_anything(node: Rig) -> None:
    now = int(time.time())
    await node.show(replace(credentials(node), renewed_users={UserName("ada"): now, UserName("grace"): now + 99}))

    async def seen(headers: dict[str, str]) -> int:
        return (await node.request("GET", "/either", headers=headers)).status_code

    assert await seen(bearer(node.signer.token(iat=now))) == 200
    assert await seen(bearer(node.signer.token(iat=now + 1))) == 200
    assert await seen(partners(iat=now)) == 200
    assert await seen(key(KEY["ada"])) == 200
    for iat in (now - 1, now - 1000, None, str(now), now + 0.5, -now, 0):
        refused = await node.request("GET", "/either", headers=bearer(node.signer.token(iat=iat)))
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid-token")
        assert await seen(bearer(node.signer.token(iat=iat)) | {"x-stationmaster-issued": str(now)}) == 401
        assert await seen(bearer(node.signer.token(iat=iat)) | key(KEY["ada"])) == 401
        assert await seen(partners(iat=iat)) == 401
    assert await seen(bearer(node.signer.token(sub="mallory", iat=now - 5))) == 403, "nobody else is concerned"
    told = (await node.request("GET", "/either", headers=bearer(node.signer.token()))).json()["headers"]
    assert not [name for name in told if name.startswith("x-stationmaster")]
    await node.show(credentials(node))
    assert await seen(bearer(node.signer.token(iat=now - 1))) == 200


async def test_a_revoked_token_stays_so_whoever_else_was_declared_again(node: Rig) -> None:
    revoked = bearer(node.signer.token(jti="t-17"))
    shown = replace(
        credentials(node), revoked_tokens=frozenset({"t-17"}), barred_users=frozenset({UserName("mallory")})
    )
    await node.show(replace(shown, renewed_users={UserName("ada"): 1}))
    assert (await node.request("GET", "/one", headers=revoked)).status_code == 401
    assert (await node.request("GET", "/one", headers=bearer(node.signer.token(jti="t-18")))).status_code == 200
    every = await node.request("GET", "/every", headers=bearer(node.signer.token(sub="mallory")))
    assert every.status_code == 401
    await node.show(credentials(node))


async def test_a_change_of_one_key_sends_one_shard(node: Rig) -> None:
    before = dict(node.gateway.publication.snapshots["node-1"].of(Kind.FILTER))
    shown = credentials(node)
    fewer = {digits: keys for digits, keys in node.credentials.value.shards.items() if digits != "01"}
    await node.show(replace(shown, shards=fewer))
    after = node.gateway.publication.snapshots["node-1"].of(Kind.FILTER)
    assert [name for name in after if after[name] is not before[name]] == [resource_of("stm_01")]
    await node.show(shown)


async def test_without_anything_to_check_against_nobody_gets_in(node: Rig) -> None:
    await node.show(Proofs())
    for headers in ({}, key(KEY["ada"]), key(LIMITED), bearer(node.signer.token()), partners()):
        assert 200 not in (await opened(node, headers)).values()
    await node.show(credentials(node))
    assert (await node.request("GET", "/one", headers=key(dict(KEYS)["ada"]))).status_code == 200


@pytest.mark.parametrize(
    ("scope", "opened"),
    [
        (None, {"one", "two", "crowd", "every"}),
        ("one", {"one"}),
        ("crowd", {"crowd"}),
        ("one crowd", {"one", "crowd"}),
        ("two crowd one", {"two", "crowd", "one"}),
        ("on", set()),
        ("one-more crowded", set()),
        ("every.one", set()),
        (["one"], set()),
    ],
)
async def test_a_token_with_a_scope_opens_what_it_names_and_nothing_else(
    node: Rig, scope: object, opened: set[str]
) -> None:
    shown = bearer(node.signer.token(scope=scope))
    apis = ("one", "two", "crowd", "every")
    assert {each for each in apis if (await node.request("GET", f"/{each}", headers=shown)).is_success} == opened


async def test_the_scope_of_a_foreign_token_names_no_apis(node: Rig) -> None:
    for path in ("/partner", "/either"):
        answer = await node.request("GET", path, headers=partners(scope="openid email"))
        assert answer.status_code == 200
    closed = await node.request("GET", "/either", headers=bearer(node.signer.token(scope="one")))
    assert closed.status_code == 403


async def test_a_caller_cannot_write_a_scope_into_a_header(node: Rig) -> None:
    shown = {**bearer(node.signer.token(scope="one")), "x-stationmaster-scope": "two"}
    assert (await node.request("GET", "/two", headers=shown)).status_code == 403
    whole = {**bearer(node.signer.token()), "x-stationmaster-scope": "two"}
    assert (await node.request("GET", "/one", headers=whole)).status_code == 200
