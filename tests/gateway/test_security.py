"""Who gets through a real Envoy node, and what the upstream then learns of them."""

import hmac
import json
import socket
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from stationmaster.runtime.db import metadata, open_database
from tests.gateway.rig import ENVIRONMENT, ISSUER, KEY, Rig, Signer, declared, proofs, running

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

Credential = Callable[[Rig], dict[str, str]]

STRANGER = Signer(kid="k1")
SPOOFED = {
    "x-consumer-username": "ada",
    "X-Consumer-Id": "1",
    "x-credential-identifier": "ada",
    "x_consumer_username": "ada",
}


def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """One node and one target for all these tests."""
    folder = tmp_path_factory.mktemp("security")
    database = open_database(folder / "test.db")
    try:
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
        async with running(declared(port, nodes=1, targets=1), database, folder) as rig:
            yield rig
    finally:
        await database.close()


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def key(text: str) -> dict[str, str]:
    return {"apikey": text}


def good(rig: Rig) -> dict[str, str]:
    return bearer(rig.signer.token(jti="token-1"))


def of_a_user_without_apis(rig: Rig) -> dict[str, str]:
    return bearer(rig.signer.token(sub="mallory"))


def expired(rig: Rig) -> dict[str, str]:
    return bearer(rig.signer.token(exp=int(time.time()) - 120))


def never_expiring(rig: Rig) -> dict[str, str]:
    return bearer(rig.signer.token(exp=None))


def not_yet_valid(rig: Rig) -> dict[str, str]:
    return bearer(rig.signer.token(nbf=int(time.time()) + 3600))


def for_another_audience(rig: Rig) -> dict[str, str]:
    return bearer(rig.signer.token(aud="production"))


def by_another_issuer(rig: Rig) -> dict[str, str]:
    return bearer(rig.signer.token(iss="someone-else"))


def without_subject(rig: Rig) -> dict[str, str]:
    return bearer(rig.signer.token(sub=None))


def with_an_empty_subject(rig: Rig) -> dict[str, str]:
    return bearer(rig.signer.token(sub=""))


def with_a_line_break_in_the_subject(rig: Rig) -> dict[str, str]:
    return bearer(rig.signer.token(sub="ada\r\nx-role: admin"))


def without_subject_and_good_key(rig: Rig) -> dict[str, str]:
    return without_subject(rig) | good_key(rig)


def good_but_in_small_letters(rig: Rig) -> dict[str, str]:
    return {"authorization": f"bearer {rig.signer.token()}"}


def with_a_list_as_subject(rig: Rig) -> dict[str, str]:
    return bearer(rig.signer.token(sub=["ada"]))


def signed_by_a_stranger(rig: Rig) -> dict[str, str]:
    return bearer(STRANGER.token())


def unsigned(rig: Rig) -> dict[str, str]:
    return bearer(f"{_part({'alg': 'none'})}.{_part(_claims())}.")


def signed_with_the_public_key_as_secret(rig: Rig) -> dict[str, str]:
    """The attack on verifiers that let the token choose between a signature and a MAC."""
    head, body = _part({"alg": "HS256", "kid": "k1"}), _part(_claims())
    mac = hmac.digest(rig.signer.key.as_pem(private=False), f"{head}.{body}".encode(), "sha256")
    return bearer(f"{head}.{body}.{urlsafe_b64encode(mac).decode().rstrip('=')}")


def _claims() -> dict[str, object]:
    return {"iss": ISSUER, "aud": ENVIRONMENT, "sub": "ada", "exp": int(time.time()) + 60}


def _part(content: dict[str, object]) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def nothing(_: Rig) -> dict[str, str]:
    return {}


def spoofed_headers(_: Rig) -> dict[str, str]:
    return SPOOFED


def good_key(_: Rig) -> dict[str, str]:
    return key(KEY["ada"])


def key_of_a_user_without_apis(_: Rig) -> dict[str, str]:
    return key(KEY["mallory"])


def bad_key(_: Rig) -> dict[str, str]:
    return key("guessed")


def empty_key(_: Rig) -> dict[str, str]:
    return key("")


def basic_login(_: Rig) -> dict[str, str]:
    return {"authorization": "Basic YWRhOmFkYQ=="}


def basic_login_and_good_key(_: Rig) -> dict[str, str]:
    return {"authorization": "Basic YWRhOmFkYQ==", "apikey": KEY["ada"]}


def bad_token_and_good_key(_: Rig) -> dict[str, str]:
    return bearer("a.b.c") | key(KEY["ada"])


def good_token_and_bad_key(rig: Rig) -> dict[str, str]:
    return good(rig) | key("guessed")


def spoofed_headers_and_a_foreign_key(_: Rig) -> dict[str, str]:
    return SPOOFED | key(KEY["mallory"])


def spoofed_headers_and_a_foreign_token(rig: Rig) -> dict[str, str]:
    return SPOOFED | of_a_user_without_apis(rig)


TABLE = [
    # credential,                      /both, /tokens, /keyed, /public
    (nothing, 401, 401, 401, 200),
    (spoofed_headers, 401, 401, 401, 200),
    (good, 200, 200, 401, 200),
    (good_key, 200, 401, 200, 200),
    (of_a_user_without_apis, 403, 403, 401, 200),
    (key_of_a_user_without_apis, 403, 401, 403, 200),
    (bad_key, 401, 401, 401, 200),
    (empty_key, 401, 401, 401, 200),
    (expired, 401, 401, 401, 200),
    (never_expiring, 401, 401, 401, 200),
    (not_yet_valid, 401, 401, 401, 200),
    (for_another_audience, 401, 401, 401, 200),
    (by_another_issuer, 401, 401, 401, 200),
    (without_subject, 401, 401, 401, 200),
    (with_an_empty_subject, 401, 401, 401, 200),
    (with_a_line_break_in_the_subject, 401, 401, 401, 200),
    (without_subject_and_good_key, 200, 401, 200, 200),
    (good_but_in_small_letters, 200, 200, 401, 200),
    (with_a_list_as_subject, 401, 401, 401, 200),
    (signed_by_a_stranger, 401, 401, 401, 200),
    (unsigned, 401, 401, 401, 200),
    (signed_with_the_public_key_as_secret, 401, 401, 401, 200),
    (basic_login, 401, 401, 401, 200),
    (basic_login_and_good_key, 200, 401, 200, 200),
    (bad_token_and_good_key, 401, 401, 200, 200),
    (good_token_and_bad_key, 200, 200, 401, 200),
    (spoofed_headers_and_a_foreign_key, 403, 401, 403, 200),
    (spoofed_headers_and_a_foreign_token, 403, 403, 401, 200),
]


@pytest.mark.parametrize(("credential", "both", "tokens", "keyed", "public"), TABLE)
async def test_only_a_good_credential_of_an_allowed_user_opens_an_api(
    node: Rig, credential: Credential, both: int, tokens: int, keyed: int, public: int
) -> None:
    headers = credential(node)
    paths = ("/both", "/tokens", "/keyed", "/public")
    seen = [(await node.request("GET", path, headers=headers)).status_code for path in paths]
    assert dict(zip(paths, seen, strict=True)) == dict(zip(paths, (both, tokens, keyed, public), strict=True))


BEARER, API_KEY = 'Bearer realm="stationmaster"', 'ApiKey realm="stationmaster", header="apikey"'
BAD_TOKEN = f'{BEARER}, error="invalid_token"'


@pytest.mark.parametrize(
    ("credential", "path", "challenges", "code"),
    [
        (nothing, "/both", [BEARER, API_KEY], "unauthenticated"),
        (nothing, "/tokens", [BEARER], "unauthenticated"),
        (nothing, "/keyed", [API_KEY], "unauthenticated"),
        (bad_key, "/keyed", [API_KEY], "unauthenticated"),
        (good, "/keyed", [API_KEY], "unauthenticated"),
        (expired, "/keyed", [API_KEY], "unauthenticated"),
        (basic_login, "/tokens", [BEARER], "unauthenticated"),
        (bad_key, "/both", [BEARER, API_KEY], "unauthenticated"),
        (expired, "/tokens", [BAD_TOKEN], "invalid-token"),
        (expired, "/both", [BAD_TOKEN], "invalid-token"),
        (unsigned, "/tokens", [BAD_TOKEN], "invalid-token"),
        (for_another_audience, "/tokens", [BAD_TOKEN], "invalid-token"),
        (for_another_audience, "/both", [BAD_TOKEN], "invalid-token"),
        (by_another_issuer, "/both", [BAD_TOKEN], "invalid-token"),
        (signed_by_a_stranger, "/tokens", [BAD_TOKEN], "invalid-token"),
        (bad_token_and_good_key, "/both", [BAD_TOKEN], "invalid-token"),
        (without_subject, "/tokens", [BAD_TOKEN], "invalid-token"),
        (without_subject, "/both", [BAD_TOKEN], "invalid-token"),
        (with_an_empty_subject, "/tokens", [BAD_TOKEN], "invalid-token"),
        (with_a_line_break_in_the_subject, "/both", [BAD_TOKEN], "invalid-token"),
    ],
)
async def test_who_is_not_proven_is_told_how_to_be(
    node: Rig, credential: Credential, path: str, challenges: list[str], code: str
) -> None:
    answer = await node.request("GET", path, headers=credential(node))
    assert answer.status_code == 401
    assert answer.headers.get_list("www-authenticate") == challenges
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], told["title"], told["code"]) == (401, "Unauthorized", code)
    assert told["request_id"] == answer.headers["x-request-id"]


async def test_who_is_proven_and_may_not_is_not_asked_for_another_proof(node: Rig) -> None:
    answer = await node.request("GET", "/both", headers=of_a_user_without_apis(node))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("credential", [good, good_key])
async def test_the_upstream_learns_the_caller_and_nothing_that_could_be_replayed(
    node: Rig, credential: Credential
) -> None:
    headers = {**SPOOFED, "x-consumer-custom-id": "9", **credential(node)}
    seen = (await node.request("GET", "/both/things?q=1", headers=headers)).json()
    assert seen["path"] == "/things?q=1"
    assert {name: value for name, value in seen["headers"].items() if name.startswith(("x-c", "x-s"))} == {
        "x-consumer-username": "ada",
        "x-credential-identifier": "id-of-ada" if credential is good_key else "token-1",
    }
    assert not {"apikey", "authorization", "x_consumer_username"} & seen["headers"].keys()


async def test_a_token_and_a_key_together_do_not_leak_the_key(node: Rig) -> None:
    seen = (await node.request("GET", "/both", headers=good(node) | good_key(node))).json()
    assert seen["headers"]["x-consumer-username"] == "ada"
    assert "apikey" not in seen["headers"]


async def test_a_public_api_learns_nothing_that_a_client_claims_to_be(node: Rig) -> None:
    sent = {**SPOOFED, **good_key(node), "x-envoy-max-retries": "9", "authorization": "Basic YWRhOmFkYQ=="}
    seen = (await node.request("POST", "/public", headers=sent)).json()
    names = seen["headers"].keys()
    assert not {name for name in names if name.startswith(("x-consumer", "x-credential", "x_consumer", "x-envoy-max"))}
    assert "apikey" not in names
    assert seen["headers"]["authorization"] == "Basic YWRhOmFkYQ==", "the key service's clients log in this way"


@pytest.mark.parametrize("path", ["/", "/nothing", "/bothersome", "/Both", "/public-not"])
async def test_what_no_api_publishes_is_not_found(node: Rig, path: str) -> None:
    answer = await node.request("GET", path, headers=good(node))
    assert answer.status_code == 404
    assert answer.json()["detail"] == "no API is published here"


@pytest.mark.parametrize("path", ["/public/../both", "/public/%2e%2e/both", "//both", "/public/./../both"])
async def test_a_crooked_path_opens_nothing(node: Rig, path: str) -> None:
    assert (await node.raw(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).startswith("HTTP/1.1 401")


@pytest.mark.parametrize("path", ["/public%2f..%2fboth", "/public%5c..%5cboth"])
async def test_escaped_slashes_are_refused(node: Rig, path: str) -> None:
    assert (await node.raw(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).startswith("HTTP/1.1 400")


async def test_a_revoked_key_is_refused_on_open_connections_too(node: Rig) -> None:
    async with node.client() as client:
        assert (await client.get("/keyed", headers=good_key(node))).status_code == 200
        await node.show(proofs(node.signer.jwks(), ()))
        assert (await client.get("/keyed", headers=good_key(node))).status_code == 401
        await node.show(proofs(node.signer.jwks()))
        assert (await client.get("/keyed", headers=good_key(node))).status_code == 200


async def test_without_signing_keys_no_token_opens_and_keys_still_do(node: Rig) -> None:
    await node.show(proofs('{"keys": []}'))
    assert (await node.request("GET", "/both", headers=good(node))).status_code == 401
    assert (await node.request("GET", "/tokens", headers=good(node))).status_code == 401
    assert (await node.request("GET", "/both", headers=good_key(node))).status_code == 200
    await node.show(proofs(node.signer.jwks()))
    assert (await node.request("GET", "/tokens", headers=good(node))).status_code == 200


async def test_a_new_signing_key_takes_over_without_a_refused_request(node: Rig) -> None:
    newer = Signer(kid="k2")
    both = json.dumps({"keys": [*json.loads(node.signer.jwks())["keys"], *json.loads(newer.jwks())["keys"]]})
    await node.show(proofs(both))
    for token in (node.signer.token(), newer.token()):
        assert (await node.request("GET", "/tokens", headers=bearer(token))).status_code == 200
    await node.show(proofs(newer.jwks()))
    assert (await node.request("GET", "/tokens", headers=bearer(node.signer.token()))).status_code == 401
    assert (await node.request("GET", "/tokens", headers=bearer(newer.token()))).status_code == 200
    await node.show(proofs(node.signer.jwks()))
