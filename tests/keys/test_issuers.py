import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from stationmaster.core.problem import Origin, PlatformError
from stationmaster.core.spec import PlatformSpec, TokenIssuer
from stationmaster.keys.jwks import LARGEST_SET, public_set
from stationmaster.keys.loop import Keys
from stationmaster.runtime.board import Cell
from tests.keys.conftest import running, until

HERE = Origin(file="platform.yaml", line=7)
KEY = ECKey.generate_key("P-256", auto_kid=True)
OTHER = OKPKey.generate_key("Ed25519", auto_kid=True)


def jwks(*keys: Any) -> bytes:
    return json.dumps({"keys": [each.as_dict(private=False) for each in keys]}).encode()


def shown(keys: Keys) -> list[str]:
    return [each["kid"] for issuer in keys.public.value.issuers for each in json.loads(issuer.jwks)["keys"]]


class Publisher:
    """An issuer's server on a loopback port; `answer` is what it sends, byte by byte."""

    def __init__(self) -> None:
        self.answer = b""
        self.asked = 0

    def sends(self, body: bytes, head: str = "200 OK") -> None:
        self.answer = f"HTTP/1.1 {head}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        writer.write(self.answer)
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()


@pytest.fixture
async def publisher(free_port: Callable[[], int]) -> AsyncIterator[tuple[Publisher, str]]:
    made, port = Publisher(), free_port()
    server = await asyncio.start_server(made.serve, "127.0.0.1", port)
    yield made, f"http://127.0.0.1:{port}/jwks"
    server.close()


def issuer(**where: Any) -> TokenIssuer:
    return TokenIssuer(name="partner", issuer="https://partner", audiences=("us",), origin=HERE, **where)


async def test_a_key_set_in_a_file_is_read_and_read_again_when_it_changes(
    keys: Keys, declared: Cell[PlatformSpec], tmp_path: Path
) -> None:
    path = tmp_path / "partner.json"
    async with running(keys):
        declared.set(replace(declared.value, token_issuers=(issuer(jwks_file=path, user_claim="email"),)))
        await until(lambda: bool(keys.problems), "told")
        [problem] = keys.problems
        assert (problem.code, problem.origin) == ("issuer-keys", HERE)
        assert "refused until then" in problem.message
        [proof] = keys.public.value.issuers
        assert (proof.issuer, proof.audiences, proof.user_claim) == ("https://partner", ("us",), "email")
        assert json.loads(proof.jwks) == {"keys": []}
        path.write_bytes(jwks(KEY))
        await until(lambda: shown(keys) == [KEY.kid] and not keys.problems, "read")
        path.write_bytes(jwks(KEY, OTHER))
        await until(lambda: shown(keys) == [KEY.kid, OTHER.kid], "read again")
        path.write_bytes(b"{")
        await until(lambda: bool(keys.problems), "told again")
        assert shown(keys) == [KEY.kid, OTHER.kid]
        declared.set(replace(declared.value, token_issuers=()))
        await until(lambda: keys.public.value.issuers == () and not keys.problems, "gone")


async def test_a_fetched_key_set_outlives_its_server_and_a_restart(
    keys: Keys, make_keys: Callable[..., Keys], declared: Cell[PlatformSpec], publisher: tuple[Publisher, str]
) -> None:
    served, uri = publisher
    served.sends(jwks(KEY))
    declared.set(replace(declared.value, token_issuers=(issuer(jwks_uri=uri),)))
    async with running(keys):
        await until(lambda: shown(keys) == [KEY.kid], "fetched")
    served.sends(b"", "500 No")
    again = make_keys()
    await again.start()
    assert shown(again) == [KEY.kid]
    async with running(again):
        await until(lambda: bool(again.problems), "told")
        assert "answers 500" in again.problems[0].message
        assert "last good key set is used" in again.problems[0].message
        assert shown(again) == [KEY.kid]
        served.sends(jwks(OTHER))
        await until(lambda: shown(again) == [OTHER.kid], "fetched when it is back")
    elsewhere = make_keys()
    declared.set(replace(declared.value, token_issuers=(issuer(jwks_uri=uri + "?other"),)))
    await elsewhere.start()
    assert shown(elsewhere) == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n", "answers 302"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (LARGEST_SET + 65536), "more than 1000000 bytes"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc", "no JSON"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{", "RemoteProtocolError"),
        (b"nonsense\r\n\r\n", "RemoteProtocolError"),
    ],
)
async def test_what_is_no_key_set_is_told_and_proves_nobody(
    keys: Keys, declared: Cell[PlatformSpec], publisher: tuple[Publisher, str], answer: bytes, told: str
) -> None:
    served, uri = publisher
    served.answer = answer
    declared.set(replace(declared.value, token_issuers=(issuer(jwks_uri=uri),)))
    async with running(keys):
        await until(lambda: bool(keys.problems), "told")
    assert told in keys.problems[0].message
    assert shown(keys) == []


def test_only_public_keys_for_signatures_are_kept() -> None:
    private = KEY.as_dict(private=True)
    secret = OctKey.generate_key(256).as_dict(private=True)
    small = RSAKey.generate_key(2048, auto_kid=True).as_dict(private=False)
    mixed = [
        private,
        secret,
        {**small, "use": "enc"},
        {**small, "alg": "none"},
        {**small, "n": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": ["RSA"]},
        "text",
        None,
        {**small, "x5u": "http://127.0.0.1/"},
    ]
    kept = json.loads(public_set(json.dumps({"keys": mixed}).encode()))["keys"]
    assert [each["kid"] for each in kept] == [KEY.kid, small["kid"]]
    assert not any({"d", "x5u"} & each.keys() for each in kept)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [{"kty": "oct"}]}']
)
def test_a_set_without_a_usable_key_is_refused(content: bytes) -> None:
    with pytest.raises(PlatformError) as refused:
        public_set(content)
    assert refused.value.code == "issuer-keys"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
members = st.sampled_from(["kty", "n", "e", "crv", "x", "y", "alg", "use", "kid"])
kinds = st.sampled_from(["RSA", "EC", "OKP", "oct"]) | json_values


@given(key=st.dictionaries(members, json_values), kind=kinds, content=st.binary(max_size=50))
def test_no_document_is_too_strange_for_a_refusal(key: dict[str, Any], kind: Any, content: bytes) -> None:
    for document in (json.dumps({"keys": [{**key, "kty": kind}]}).encode(), content):
        with suppress(PlatformError):
            assert json.loads(public_set(document))["keys"]
