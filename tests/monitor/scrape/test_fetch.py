"""Whatever a target does with a connection, a scrape ends in time, within its bounds and with a reason."""

import asyncio
import gzip
import ssl
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stationmaster.core.address import Address
from stationmaster.gateway import self_signed
from stationmaster.monitor.scrape.answer import ScrapeError
from stationmaster.monitor.scrape.fetch import fetch, trust
from stationmaster.monitor.scrape.sample_line import Format
from stationmaster.monitor.scrape.target import ScrapeTarget
from tests.monitor.scrape.exporter import Answer, Exporter, body, exporter, in_turn, raw_answer


def target(
    of: Exporter, *, timeout_ms: int = 5000, limit: int = 1_000_000, scheme: str = "http", token: Path | None = None
) -> ScrapeTarget:
    return ScrapeTarget(
        job="test",
        instance="one",
        address=of.address,
        scheme=scheme,
        timeout_ms=timeout_ms,
        body_limit_bytes=limit,
        token_file=token,
    )


async def refused(answer: Answer, *, timeout_ms: int = 5000, limit: int = 1_000_000) -> str:
    async with exporter(answer) as served:
        with pytest.raises(ScrapeError) as error:
            await fetch(target(served, timeout_ms=timeout_ms, limit=limit))
    return str(error.value)


def bytes_of(head: str, *pieces: bytes, pause_s: float = 0.0) -> Answer:
    async def write(outgoing: asyncio.StreamWriter) -> None:
        outgoing.write(head.replace("\n", "\r\n").encode())
        for piece in pieces:
            outgoing.write(piece)
            await outgoing.drain()
            await asyncio.sleep(pause_s)

    return write


@pytest.mark.parametrize("packed", [False, True])
async def test_a_body_comes_whole(packed: bool) -> None:
    text = "".join(f"m{n} {n}\n" for n in range(20_000))
    async with exporter(body(text, packed=packed)) as served:
        answer = await fetch(target(served))
    assert (answer.body.decode(), answer.form) == (text, Format.TEXT)


async def test_the_request_says_what_it_wants(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret-word\n")
    async with exporter(body("up 1\n")) as served:
        await fetch(target(served, token=token, timeout_ms=2500))
    (head,) = served.requests
    assert head.startswith("GET /metrics HTTP/1.1\r\n")
    assert f"host: 127.0.0.1:{served.port}" in head.lower()
    for line in (
        "authorization: bearer secret-word",
        "accept: text/plain;version=0.0.4",
        "accept-encoding: gzip",
        "x-prometheus-scrape-timeout-seconds: 2.5",
    ):
        assert line in head.lower()


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", Format.OPENMETRICS),
        ("text/plain", Format.TEXT),
        ("text/html", Format.TEXT),
    ],
)
async def test_the_form_of_a_body_is_what_its_header_says(content_type: str, form: Format) -> None:
    async with exporter(body("# EOF\n", content_type=content_type)) as served:
        assert (await fetch(target(served))).form is form


async def test_a_chunked_body_comes_whole() -> None:
    pieces = [b"5\r\nup 1\n\r\n", b"7\r\ndown 0\n\r\n", b"0\r\n\r\n"]
    async with exporter(bytes_of("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", *pieces)) as served:
        assert (await fetch(target(served))).body == b"up 1\ndown 0\n"


async def test_a_body_without_a_length_ends_with_its_connection() -> None:
    async with exporter(bytes_of("HTTP/1.0 200 OK\n\n", b"up 1\n")) as served:
        assert (await fetch(target(served))).body == b"up 1\n"


async def test_packed_parts_that_follow_each_other_are_one_body() -> None:
    raw = gzip.compress(b"up 1\n") + gzip.compress(b"down 0\n")
    async with exporter(raw_answer(200, raw, {"Content-Encoding": "gzip"})) as served:
        assert (await fetch(target(served))).body == b"up 1\ndown 0\n"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (raw_answer(404), "server returned HTTP status 404 Word"),
        (raw_answer(500, b"oops"), "server returned HTTP status 500 Word"),
        (raw_answer(302), "server returned HTTP status 302 Word"),
        (raw_answer(200, b"x", {"Content-Encoding": "br"}), "the body is encoded as 'br', which was not asked for"),
        (raw_answer(200, b"no gzip", {"Content-Encoding": "gzip"}), "the packed body is broken"),
        (
            raw_answer(200, gzip.compress(b"up 1\n" * 99)[:-9], {"Content-Encoding": "gzip"}),
            "the packed body ends too early",
        ),
        (
            raw_answer(200, b"", {"Content-Type": "application/vnd.google.protobuf; encoding=delimited"}),
            "the target answers in protobuf",
        ),
        (bytes_of("SSH-2.0-OpenSSH_9.2\n\n"), "no valid HTTP answer"),
        (bytes_of(""), "connection closed"),
        (bytes_of("HTTP/1.1 200 OK\nContent-Length: 100\n\n", b"up 1\n"), "connection closed before the answer was"),
        (bytes_of("HTTP/1.1 200 OK\n" + "X: y\n" * 20_000), "no valid HTTP answer"),
    ],
)
async def test_an_answer_that_is_none_is_refused_with_its_reason(answer: Answer, reason: str) -> None:
    assert reason in await refused(answer)


async def test_a_body_of_a_hundred_megabytes_is_refused_when_the_limit_is_reached() -> None:
    sent = 0

    async def endless(outgoing: asyncio.StreamWriter) -> None:
        nonlocal sent
        outgoing.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(100):
            outgoing.write(b"up 1\n" * 200_000)
            await outgoing.drain()
            sent += 1

    assert await refused(endless, limit=5_000_000) == "the body has more bytes, the limit is 5000000 bytes"
    assert sent < 60


async def test_a_body_that_says_that_it_is_too_large_is_not_read() -> None:
    head = "HTTP/1.1 200 OK\nContent-Length: 100000000\n\n"
    assert await refused(bytes_of(head)) == "the body has 100000000 bytes, the limit is 1000000 bytes"


async def test_a_bomb_is_not_unpacked_beyond_the_limit() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(512)) + packer.flush()
    assert len(bomb) < 1_000_000
    reason = await refused(raw_answer(200, bomb, {"Content-Encoding": "gzip"}), limit=1_000_000)
    assert reason == "the body has more bytes when unpacked, the limit is 1000000 bytes"


@pytest.mark.parametrize("head", ["HTTP/1.1 200 OK\n", "HTTP/1.1 200 OK\nContent-Length: 1000\n\n"])
async def test_a_target_that_drips_does_not_hold_a_scrape_beyond_its_time(head: str) -> None:
    started = time.monotonic()
    drops = [b"X" for _ in range(1000)]
    assert await refused(bytes_of(head, *drops, pause_s=0.02), timeout_ms=300) == "no complete answer within 300 ms"
    assert time.monotonic() - started < 2


async def test_nobody_there_is_said(free_port: Callable[[], int]) -> None:
    nobody = Exporter(body(""), port=free_port())
    with pytest.raises(ScrapeError, match="connection refused"):
        await fetch(target(nobody))


async def test_a_name_that_does_not_resolve_is_said() -> None:
    there = ScrapeTarget(job="j", instance="i", address=Address(host="no-such-host.invalid", port=1), timeout_ms=5000)
    with pytest.raises(ScrapeError, match=r"no-such-host|within 5000 ms"):
        await fetch(there)


async def test_redirects_are_followed_on_the_same_host_and_port() -> None:
    answers = (
        raw_answer(302, b"", {"Location": "/other?x=1"}),
        raw_answer(307, b"", {"Location": "last"}),
        body("up 1\n"),
    )
    async with exporter(in_turn(*answers)) as served:
        assert (await fetch(target(served))).body == b"up 1\n"
    assert [head.split(" ")[1] for head in served.requests] == ["/metrics", "/other?x=1", "/last"]


@pytest.mark.parametrize(
    "location",
    ["http://localhost:1/metrics", "https://127.0.0.1/metrics", "//example.com/x", "http://[::1/", "ftp://a"],
)
async def test_redirects_elsewhere_are_not_followed(location: str) -> None:
    reason = await refused(raw_answer(302, b"", {"Location": location}))
    assert reason.startswith("a redirect to")


async def test_redirects_in_a_circle_end() -> None:
    assert await refused(raw_answer(302, b"", {"Location": "/metrics"})) == "more than 5 redirects"


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"two\nlines"])
async def test_a_token_file_that_holds_none_is_said(tmp_path: Path, content: bytes | None) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_bytes(content)
    async with exporter(body("up 1\n")) as served:
        with pytest.raises(ScrapeError, match=r"token"):
            await fetch(target(served, token=token))
    assert served.requests == []


async def test_a_path_that_is_none_is_said() -> None:
    async with exporter(body("up 1\n")) as served:
        strange = ScrapeTarget(job="j", instance="i", address=served.address, path="/a b")
        with pytest.raises(ScrapeError, match="no request can be made"):
            await fetch(strange)


async def test_a_certificate_has_to_be_vouched_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = self_signed.make(["127.0.0.1"], datetime.now(UTC))
    chain, pair = tmp_path / "chain.pem", tmp_path / "pair.pem"
    chain.write_text(made.chain)
    pair.write_text(made.chain + made.key)
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(pair)
    async with exporter(body("up 1\n"), secure) as served:
        with pytest.raises(ScrapeError, match="its certificate is not accepted"):
            await fetch(target(served, scheme="https"))
        monkeypatch.setenv("SSL_CERT_FILE", str(chain))
        trust.cache_clear()
        assert (await fetch(target(served, scheme="https"))).body == b"up 1\n"
    trust.cache_clear()


async def test_a_target_that_speaks_no_tls_is_said() -> None:
    async def greet(_: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        outgoing.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        outgoing.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        plain = Exporter(body(""), port=server.sockets[0].getsockname()[1])
        with pytest.raises(ScrapeError, match="no TLS connection"):
            await fetch(target(plain, scheme="https"))
