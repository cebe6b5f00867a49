import base64
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import OctKey

from stationmaster.keys.issue import Grant, IssuerTerms, issue
from stationmaster.keys.signing import REGISTRY, KeySet, SigningAlgorithm, SigningKey, make_signing_key
from stationmaster.keys.verify import LEEWAY_S, LONGEST_TOKEN, Expected, RefusalCode, Refused, Valid, verify
from tests.keys.conftest import ADA, NOW

LIFETIME_S = 3600
TERMS = IssuerTerms(issuer="stationmaster", audience="sample", lifetime_s=LIFETIME_S)
TO_ADA = Grant(user=ADA)
KeysByAlgorithm = dict[SigningAlgorithm, SigningKey]
ALGORITHMS = pytest.mark.parametrize("algorithm", list(SigningAlgorithm))


@pytest.fixture(scope="session")
def expected(key_set: KeySet) -> Expected:
    return Expected(keys=key_set.verifiers, issuer=TERMS.issuer, audience=TERMS.audience)


@pytest.fixture(scope="session")
def key(signing_keys: KeysByAlgorithm) -> SigningKey:
    return signing_keys[SigningAlgorithm.ES256]


def segment(content: object) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(key: SigningKey, claims: object, **header: Any) -> str:
    """A token with our own signature over anything."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    fields = {"alg": key.algorithm.value, "kid": key.kid, **header}
    return jws.serialize_compact(fields, payload, key.private, registry=REGISTRY)


def good_claims(**changes: Any) -> dict[str, Any]:
    moment = int(NOW.timestamp())
    claims = {"iss": "stationmaster", "aud": "sample", "sub": "ada", "iat": moment, "nbf": moment, "exp": moment + 60}
    return {name: value for name, value in {**claims, **changes}.items() if value is not ...}


def code(token: str, expected: Expected, now: datetime = NOW) -> RefusalCode | None:
    verdict = verify(token, expected, now)
    return verdict.code if isinstance(verdict, Refused) else None


@ALGORITHMS
def test_an_issued_token_holds_and_says_who(
    signing_keys: KeysByAlgorithm, expected: Expected, algorithm: SigningAlgorithm
) -> None:
    made = issue(signing_keys[algorithm], TERMS, TO_ADA, NOW)
    verdict = verify(made.token, expected, NOW)
    assert isinstance(verdict, Valid)
    moment = int(NOW.timestamp())
    assert verdict.claims == {
        "iss": "stationmaster",
        "sub": "ada",
        "aud": "sample",
        "iat": moment,
        "nbf": moment,
        "exp": moment + LIFETIME_S,
        "jti": made.token_id,
    }
    assert made.token not in repr(made)


def test_no_two_tokens_have_the_same_id(key: SigningKey) -> None:
    assert len({issue(key, TERMS, TO_ADA, NOW).token_id for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("offset_s", "refused"),
    [
        (-LEEWAY_S - 1, RefusalCode.NOT_YET_VALID),
        (-LEEWAY_S, None),
        (0, None),
        (LIFETIME_S + LEEWAY_S - 1, None),
        (LIFETIME_S + LEEWAY_S, RefusalCode.EXPIRED),
        (10**8, RefusalCode.EXPIRED),
    ],
)
def test_a_token_holds_for_its_lifetime_and_the_leeway_around_it(
    key: SigningKey, expected: Expected, offset_s: int, refused: RefusalCode | None
) -> None:
    token = issue(key, TERMS, TO_ADA, NOW).token
    assert code(token, expected, NOW + timedelta(seconds=offset_s)) == refused


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({}, None),
        ({"aud": ["other", "sample"]}, None),
        ({"nbf": ..., "iat": ...}, None),
        ({"iss": "somebody"}, RefusalCode.WRONG_ISSUER),
        ({"iss": ...}, RefusalCode.WRONG_ISSUER),
        ({"iss": ["stationmaster"]}, RefusalCode.WRONG_ISSUER),
        ({"aud": "production"}, RefusalCode.WRONG_AUDIENCE),
        ({"aud": "sample-2"}, RefusalCode.WRONG_AUDIENCE),
        ({"aud": []}, RefusalCode.WRONG_AUDIENCE),
        ({"aud": {"sample": 1}}, RefusalCode.WRONG_AUDIENCE),
        ({"aud": ...}, RefusalCode.WRONG_AUDIENCE),
        ({"sub": ...}, RefusalCode.INVALID_CLAIM),
        ({"sub": ""}, RefusalCode.INVALID_CLAIM),
        ({"sub": 7}, RefusalCode.INVALID_CLAIM),
        ({"exp": ...}, RefusalCode.INVALID_CLAIM),
        ({"exp": None}, RefusalCode.INVALID_CLAIM),
        ({"exp": "4102444800"}, RefusalCode.INVALID_CLAIM),
        ({"exp": True}, RefusalCode.INVALID_CLAIM),
        ({"exp": float("nan")}, RefusalCode.INVALID_CLAIM),
        ({"exp": float("inf")}, RefusalCode.INVALID_CLAIM),
        ({"exp": 10**400}, RefusalCode.INVALID_CLAIM),
        ({"nbf": float("nan")}, RefusalCode.INVALID_CLAIM),
        ({"iat": int(NOW.timestamp()) + 3600}, RefusalCode.NOT_YET_VALID),
    ],
)
def test_claims_are_checked_one_by_one(
    key: SigningKey, expected: Expected, changes: dict[str, Any], refused: RefusalCode | None
) -> None:
    assert code(signed(key, good_claims(**changes)), expected) == refused


def test_a_token_without_algorithm_or_signature_is_refused(key: SigningKey, expected: Expected) -> None:
    for name in ("none", "None", "NONE", "", None, ["RS256"], "HS256", "RS512", "PS256", "ES256K", "Ed25519"):
        token = f"{segment({'alg': name, 'kid': key.kid})}.{segment(good_claims())}."
        assert code(token, expected) in {RefusalCode.UNSUPPORTED_ALGORITHM, RefusalCode.MALFORMED}
    header = segment({"alg": "ES256", "kid": key.kid})
    assert code(f"{header}.{segment(good_claims())}.", expected) == RefusalCode.BAD_SIGNATURE
    assert code(f"{segment({'kid': key.kid})}.{segment(good_claims())}.", expected) == RefusalCode.MALFORMED


def test_the_public_key_used_as_a_shared_secret_is_refused(signing_keys: KeysByAlgorithm, expected: Expected) -> None:
    rsa = signing_keys[SigningAlgorithm.RS256]
    as_secret = OctKey.import_key(KeySet((rsa,)).jwks)
    token = jwt.encode({"alg": "HS256", "kid": rsa.kid}, good_claims(), as_secret, algorithms=["HS256"])
    assert code(token, expected) == RefusalCode.UNSUPPORTED_ALGORITHM


def test_a_key_is_good_for_its_own_algorithm_alone(signing_keys: KeysByAlgorithm, expected: Expected) -> None:
    for owner in signing_keys.values():
        for claimed in signing_keys.values():
            if owner is not claimed:
                token = signed(claimed, good_claims(), kid=owner.kid)
                assert code(token, expected) == RefusalCode.WRONG_KEY_TYPE


@ALGORITHMS
def test_a_key_of_somebody_else_is_refused(expected: Expected, key: SigningKey, algorithm: SigningAlgorithm) -> None:
    foreign = make_signing_key(algorithm, NOW)
    assert code(signed(foreign, good_claims()), expected) == RefusalCode.UNKNOWN_KEY
    brought_along = foreign.public().key.as_dict(private=False)
    assert code(signed(foreign, good_claims(), kid=key.kid, jwk=brought_along), expected) == RefusalCode.MALFORMED
    if algorithm is key.algorithm:
        assert code(signed(foreign, good_claims(), kid=key.kid), expected) == RefusalCode.BAD_SIGNATURE


@pytest.mark.parametrize("kid", [..., None, "", 7, ["a"], {"a": 1}])
def test_a_token_has_to_name_its_key(key: SigningKey, expected: Expected, kid: object) -> None:
    header = {"alg": "ES256", "kid": kid} if kid is not ... else {"alg": "ES256"}
    assert code(f"{segment(header)}.{segment(good_claims())}.AAAA", expected) == RefusalCode.UNKNOWN_KEY


def test_every_changed_character_is_noticed(key: SigningKey, expected: Expected) -> None:
    token = issue(key, TERMS, TO_ADA, NOW).token
    for place, old in enumerate(token):
        if old != ".":
            changed = token[:place] + ("A" if old != "A" else "B") + token[place + 1 :]
            assert code(changed, expected) is not None


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b'"ada"', b"{", b"\xff", b"[" * 3000, b"9" * 5000])
def test_a_signed_payload_that_is_no_object_is_refused(key: SigningKey, expected: Expected, payload: bytes) -> None:
    assert code(signed(key, payload), expected) in {RefusalCode.MALFORMED, RefusalCode.BAD_SIGNATURE}


@pytest.mark.parametrize(
    "extra",
    [{"crit": ["exp"], "exp": 1}, {"crit": None}, {"b64": False}, {"jku": "http://127.0.0.1/"}, {"x5u": "http://a"}],
)
def test_a_header_that_asks_for_more_is_refused(key: SigningKey, expected: Expected, extra: dict[str, Any]) -> None:
    header = segment({"alg": "ES256", "kid": key.kid, **extra})
    assert code(f"{header}.{segment(good_claims())}.AAAA", expected) == RefusalCode.MALFORMED


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b", "a.b.c", "....", "é.é.é", "\ud800", "a.b.c.d.e", " ", "null", "{}", "." * LONGEST_TOKEN],
)
def test_what_is_no_token_is_refused_as_malformed(expected: Expected, token: str) -> None:
    assert code(token, expected) == RefusalCode.MALFORMED


def test_an_endless_token_and_a_bottomless_header_are_refused_as_malformed(expected: Expected) -> None:
    assert code("a" * 10_000_000, expected) == RefusalCode.MALFORMED
    for nested in (b"[" * 380, b'{"a":' * 90, b'{"alg":' + b"[" * 370, b"[" * 5000):
        assert code(f"{segment(nested)}.e30.AAAA", expected) == RefusalCode.MALFORMED


@settings(deadline=None, max_examples=300)
@given(token=st.text(max_size=200) | st.text(alphabet="eyJhbGciOiJ.-_=0A", max_size=200))
def test_no_text_is_too_strange_for_an_answer(expected: Expected, token: str) -> None:
    assert isinstance(verify(token, expected, NOW), Refused)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
claim_names = st.sampled_from(["iss", "aud", "sub", "exp", "nbf", "iat", "jti"])


@settings(deadline=None, max_examples=150)
@given(changes=st.dictionaries(claim_names, json_values, min_size=1))
def test_no_signed_claim_is_too_strange_for_an_answer(
    key: SigningKey, expected: Expected, changes: dict[str, Any]
) -> None:
    assert isinstance(verify(signed(key, good_claims(**changes)), expected, NOW), Valid | Refused)


header_names = st.sampled_from(["alg", "kid", "crit", "b64", "typ", "jwk", "x5c", "cty", "zip", "enc"])


@settings(deadline=None, max_examples=200)
@given(changes=st.dictionaries(header_names, json_values, min_size=1))
def test_no_header_is_too_strange_for_a_refusal(key: SigningKey, expected: Expected, changes: dict[str, Any]) -> None:
    header = segment({"alg": "ES256", "kid": key.kid, **changes})
    assert isinstance(verify(f"{header}.{segment(good_claims())}.{'A' * 86}", expected, NOW), Refused)
