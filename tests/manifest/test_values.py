"""Durations, addresses and host patterns, written well and badly."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.spec import Address
from stationmaster.manifest.values import (
    LARGEST_BYTES,
    LONGEST_MS,
    parse_address,
    parse_duration,
    parse_host_pattern,
    parse_path,
    parse_seconds,
    parse_size,
)
from stationmaster.manifest.web import (
    parse_header,
    parse_location,
    parse_method,
    parse_origin,
    parse_route,
    parse_scope,
    parse_url,
    parse_value,
)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("1ms", 1), ("500ms", 500), ("1s", 1000), ("1.5s", 1500), ("0.001s", 1), ("2m", 120_000), ("24h", 86_400_000)],
)
def test_a_duration_has_a_unit(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "s",
        "1 s",
        "-1s",
        "+1s",
        "0s",
        "0.0001s",
        "1.5ms",
        "25h",
        "1d",
        "1S",
        "1e3s",
        "1s ",
        "1s\n",
        "٣s",
        "1.s",
        ".5s",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is n"):
        parse_duration(text)


@given(st.integers(1, LONGEST_MS))
def test_every_whole_millisecond_can_be_written(milliseconds: int) -> None:
    assert parse_duration(f"{milliseconds}ms") == milliseconds
    assert parse_duration(f"{milliseconds // 1000}.{milliseconds % 1000:03d}s") == milliseconds


@given(st.text())
def test_any_text_is_a_duration_in_bounds_or_refused(text: str) -> None:
    try:
        milliseconds = parse_duration(text)
    except ValueError:
        return
    assert 1 <= milliseconds <= LONGEST_MS


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:80", Address(host="127.0.0.1", port=80)),
        ("Keys.Example.org:443", Address(host="keys.example.org", port=443)),
        ("[::1]:65535", Address(host="::1", port=65535)),
        ("[0:0::1]:1", Address(host="::1", port=1)),
        ("my_host:1", Address(host="my_host", port=1)),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no port"),
        ("host", "no port"),
        (":80", "no host"),
        ("host:", "port"),
        ("host:0", "port"),
        ("host:65536", "port"),
        ("host:-1", "port"),
        ("host:٣", "port"),
        ("host:80 ", "port"),
        ("1.2.3:80", "IPv4"),
        ("1.2.3.256:80", "IPv4"),
        ("::1:80", "brackets"),
        ("[::g]:80", "IPv6"),
        ("[1.2.3.4]:80", "IPv6"),
        ("a b:80", "host name"),
        ("http://host:80", "colons"),
        ("-a:80", "host name"),
        ("a..b:80", "host name"),
        ("a" * 64 + ":80", "host name"),
        ("ho\nst:80", "host name"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_address(text)


@given(st.text())
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except ValueError:
        return
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("text", "host"), [("*.Example.org", "*.example.org"), ("a.b", "a.b"), ("127.0.0.1", "127.0.0.1")]
)
def test_a_host_pattern_may_begin_with_a_star(text: str, host: str) -> None:
    assert parse_host_pattern(text) == host


@pytest.mark.parametrize("text", ["", "*", "*.", "a:80", "a.*", "*a.org", "a b"])
def test_what_is_no_host_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="has a"):
        parse_host_pattern(text)


@pytest.mark.parametrize("text", ["", "a", "/a b", "/a\n", "/ä", "/a#b", "http://a/"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"does not start|holds a"):
        parse_path(text)


@pytest.mark.parametrize(
    ("text", "size"), [("1B", 1), ("512B", 512), ("64KB", 65_536), ("10MB", 10 * 1024**2), ("1GB", LARGEST_BYTES)]
)
def test_a_size_has_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "1", "0B", "1.5MB", "1kb", "1 KB", "2GB", "-1B", "٣B", "1KB\n", "99999999999B"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is n"):
        parse_size(text)


@pytest.mark.parametrize(("text", "seconds"), [("1s", 1), ("15m", 900), ("2h", 7200), ("30d", 30 * 86_400)])
def test_long_durations_are_whole_seconds(text: str, seconds: int) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "500ms", "1.5h", "1w", "1d\n", "-1s"])
def test_what_is_no_whole_number_of_seconds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^is no"):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("parse", "good", "bad"),
    [
        (parse_header, ["X-A", "a", "x_y"], ["", ":path", "X A", "X\n", "ä", "a" * 129]),
        (parse_value, ["a", "a b", "%x%", "a\tb"], ["", " a", "a ", "a\nb", "a\r\nX: y", "ä", "a" * 4097, "a\0b"]),
        (
            parse_origin,
            ["*", "https://a.org", "http://a.org:8080"],
            ["", "a.org", "https://A.org", "https://a.org?", "null"],
        ),
        (
            parse_location,
            ["/a?b=c", "https://a.org/x?y"],
            ["", "a", "//a.org", "ftp://a.org", "/a b", "https://u@a.org"],
        ),
        (parse_method, ["GET", "M-SEARCH"], ["", "get", "GET ", "G\n"]),
        (parse_scope, ["a", "orders:read"], ["", "a b", 'a"b', "a\n"]),
        (parse_route, ["/a", "=/a", "~/a+"], ["", "a", "~a", "=", "~", "= /a", "/" + "a" * 1001]),
    ],
)
def test_words_of_http_are_read_or_refused(parse: Callable[[str], object], good: list[str], bad: list[str]) -> None:
    for text in good:
        parse(text)
    for text in bad:
        with pytest.raises(ValueError, match=r"."):
            parse(text)


@given(st.text(max_size=40))
def test_any_text_is_a_url_or_refused(text: str) -> None:
    for candidate in (text, f"https://{text}"):
        try:
            url = parse_url(candidate)
        except ValueError:
            continue
        assert url.hostname
