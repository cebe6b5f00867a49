import base64
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.names import UserName
from stationmaster.core.proofs import shard_of
from stationmaster.keys.credentials import Client, Term, digest, make_key, make_secret
from stationmaster.keys.oauth import (
    OauthCode,
    OauthError,
    client_of_request,
    read_basic,
    read_form,
    scopes_of,
    token_of,
)
from tests.keys.conftest import NOW

FORM = "application/x-www-form-urlencoded"
ADA = Client(user=UserName("ada"), client_id="ada", secret_digests=(digest("old"), digest("s3cret")))
ODD = Client(user=UserName("odd one"), client_id="odd one", secret_digests=(digest("a:b+c%é"),))
CLIENTS = {each.client_id: each for each in (ADA, ODD)}
GRANT = "grant_type=client_credentials"
BY_BODY = f"{GRANT}&client_id=ada&client_secret=s3cret"


def basic(client_id: str, secret: str) -> str:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def ask(body: str | bytes, authorization: str | None = None, content_type: str = FORM) -> Client | OauthCode:
    raw = body if isinstance(body, bytes) else body.encode()
    fields = read_form(content_type, raw)
    if isinstance(fields, OauthError):
        return fields.code
    scopes, client = scopes_of(fields), client_of_request(fields, authorization, CLIENTS.get)
    if isinstance(scopes, OauthError):
        return scopes.code
    return client.code if isinstance(client, OauthError) else client


@pytest.mark.parametrize(
    ("body", "authorization", "content_type"),
    [
        (BY_BODY, None, FORM),
        (BY_BODY + "&scope=", None, FORM),
        (BY_BODY + "&unknown=is+ignored", None, f"{FORM}; charset=UTF-8"),
        (GRANT, basic("ada", "s3cret"), FORM.upper()),
        (GRANT, basic("ada", "s3cret").replace("Basic", "bAsIC"), FORM),
        (GRANT + "&client_id=ada", basic("ada", "s3cret"), FORM),
    ],
)
def test_a_client_may_show_its_secret_by_header_or_body(
    body: str, authorization: str | None, content_type: str
) -> None:
    assert ask(body, authorization, content_type) == ADA


def test_id_and_secret_are_form_encoded_in_the_header() -> None:
    assert ask(GRANT, basic("odd one", "a:b+c%é")) == ODD


def test_the_same_odd_secret_may_come_in_the_body() -> None:
    body = urlencode({"grant_type": "client_credentials", "client_id": "odd one", "client_secret": "a:b+c%é"})
    assert ask(body) == ODD


@pytest.mark.parametrize(
    ("body", "authorization", "code"),
    [
        ("", None, OauthCode.INVALID_REQUEST),
        ("grant_type=", None, OauthCode.INVALID_REQUEST),
        (b"\xff=\xff", None, OauthCode.INVALID_REQUEST),
        ("grant_type=%ff", None, OauthCode.INVALID_REQUEST),
        (f"{BY_BODY}&client_id=ada", None, OauthCode.INVALID_REQUEST),
        (f"{BY_BODY}&client_secret=", None, OauthCode.INVALID_REQUEST),
        ("&".join(f"a{number}=1" for number in range(50)), None, OauthCode.INVALID_REQUEST),
        (BY_BODY, basic("ada", "s3cret"), OauthCode.INVALID_REQUEST),
        (f"{GRANT}&client_id=grace", basic("ada", "s3cret"), OauthCode.INVALID_REQUEST),
        ("grant_type=password&username=ada&password=x", None, OauthCode.UNSUPPORTED_GRANT_TYPE),
        (BY_BODY + "&scope=two++blanks", None, OauthCode.INVALID_SCOPE),
        (BY_BODY + "&scope=+pets", None, OauthCode.INVALID_SCOPE),
        (BY_BODY + "&scope=a%0Ab", None, OauthCode.INVALID_SCOPE),
        (BY_BODY + "&scope=%22", None, OauthCode.INVALID_SCOPE),
        (GRANT, None, OauthCode.INVALID_CLIENT),
        (f"{GRANT}&client_id=ada", None, OauthCode.INVALID_CLIENT),
        (f"{GRANT}&client_id=ada&client_secret=wrong", None, OauthCode.INVALID_CLIENT),
        (f"{GRANT}&client_id=nobody&client_secret=s3cret", None, OauthCode.INVALID_CLIENT),
        (GRANT, basic("ada", "wrong"), OauthCode.INVALID_CLIENT),
        (GRANT, basic("", ""), OauthCode.INVALID_CLIENT),
        (GRANT, "Basic", OauthCode.INVALID_CLIENT),
        (GRANT, "Basic !!!", OauthCode.INVALID_CLIENT),
        (GRANT, "Basic " + base64.b64encode(b"no colon").decode(), OauthCode.INVALID_CLIENT),
        (GRANT, "Basic " + base64.b64encode(b"\xff:\xff").decode(), OauthCode.INVALID_CLIENT),
        (GRANT, "Basic " + base64.b64encode(b"%ff:a").decode(), OauthCode.INVALID_CLIENT),
        (GRANT, "Bearer abc", OauthCode.INVALID_CLIENT),
        (GRANT, "", OauthCode.INVALID_CLIENT),
    ],
)
def test_what_is_wrong_is_answered_in_the_words_of_the_rfc(
    body: str | bytes, authorization: str | None, code: OauthCode
) -> None:
    assert ask(body, authorization) == code


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/form-data; boundary=x", "text/plain"])
def test_only_a_form_is_read(content_type: str) -> None:
    assert ask(BY_BODY, None, content_type) == OauthCode.INVALID_REQUEST


@given(body=st.binary(max_size=200), authorization=st.none() | st.text(max_size=60))
def test_no_request_is_too_strange_for_an_error(body: bytes, authorization: str | None) -> None:
    assert isinstance(ask(body, authorization), OauthCode)


@given(text=st.text(max_size=60))
def test_no_header_is_too_strange_to_be_read(text: str) -> None:
    read_basic("Basic " + text)
    read_basic("Basic " + base64.b64encode(text.encode("utf-8", "surrogatepass")).decode())


def test_scopes_are_read_once_each_in_their_order() -> None:
    fields = read_form(FORM, f"{GRANT}&scope=pets+orders+pets".encode())
    assert not isinstance(fields, OauthError)
    assert scopes_of(fields) == ("pets", "orders")


@pytest.mark.parametrize(("body", "found"), [("token=abc&token_type_hint=what", "abc"), ("token=", None), ("", None)])
def test_introspection_and_revocation_need_a_token(body: str, found: str | None) -> None:
    fields = read_form(FORM, body.encode())
    assert not isinstance(fields, OauthError)
    token = token_of(fields)
    assert (None if isinstance(token, OauthError) else token) == found


def test_while_a_secret_is_rotated_both_are_known() -> None:
    assert (ADA.knows("old"), ADA.knows("s3cret"), ADA.knows("older")) == (True, True, False)


def test_new_credentials_show_no_secret_in_a_repr() -> None:
    key = make_key(UserName("ada"), Term(created_at=NOW))
    secret = make_secret(UserName("ada"))
    assert key.text not in repr(key)
    assert key.key.digest not in repr(key)
    assert secret.text not in repr(secret)
    assert key.text.startswith(key.key.prefix)
    assert len(key.text) - len(key.key.prefix) == 56
    assert len(shard_of(key.text)) == 2
    assert make_secret(UserName("ada")).text != secret.text
