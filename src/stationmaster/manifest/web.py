"""Words of the YAML that HTTP knows: routes, methods, headers, origins and URLs."""

import re
from urllib.parse import SplitResult, urlsplit

from stationmaster.core.spec import PathKind, path_rule
from stationmaster.manifest.patterns import parse_regex
from stationmaster.manifest.values import (
    HEADER_PATTERN,
    METHOD_PATTERN,
    SCOPE_PATTERN,
    VALUE_PATTERN,
    parse_address,
    parse_host_pattern,
    parse_path,
)

_LONGEST_URL = 2000
_METHOD = re.compile(METHOD_PATTERN, re.ASCII)
_HEADER = re.compile(HEADER_PATTERN, re.ASCII)
_VALUE = re.compile(VALUE_PATTERN, re.ASCII)
_SCOPE = re.compile(SCOPE_PATTERN, re.ASCII)


def parse_route(text: str) -> str:
    """A route in the notation of `core.spec.path_rule`; ValueError says what is wrong."""
    rule = path_rule(text)
    parse_path(rule.text)
    if rule.kind is PathKind.REGEX:
        parse_regex(rule.text)
    elif len(rule.text) > 1000:
        raise ValueError("has more than 1,000 characters")
    return text


def parse_method(text: str) -> str:
    if not _METHOD.fullmatch(text):
        raise ValueError("is no method")
    return text


def parse_header(text: str) -> str:
    """The name of a header (a token of RFC 9110 5.1)."""
    if not _HEADER.fullmatch(text):
        raise ValueError("is no name of a header")
    return text


def parse_header_or_star(text: str) -> str:
    return text if text == "*" else parse_header(text)


def parse_value(text: str) -> str:
    """The value of a header (RFC 9110 5.5), without line breaks and blanks around it."""
    if not _VALUE.fullmatch(text):
        if "\r" in text or "\n" in text:
            raise ValueError("holds a line break")
        raise ValueError("is no value of a header")
    return text


def parse_scope(text: str) -> str:
    if not _SCOPE.fullmatch(text):
        raise ValueError("is no scope")
    return text


def parse_url(text: str) -> SplitResult:
    """A URL of http or https with a host, without user information and fragment; ValueError says what is wrong."""
    if len(text) > _LONGEST_URL:
        raise ValueError(f"has more than {_LONGEST_URL:,} characters")
    if not re.fullmatch(r"[!-~]+", text, re.ASCII):
        raise ValueError("holds a blank or a character outside of ASCII")
    try:
        url = urlsplit(text)
    except ValueError:
        raise ValueError("is no URL") from None
    if url.scheme not in ("http", "https") or not url.netloc:
        raise ValueError("is no URL of http or https")
    if "@" in url.netloc or url.fragment:
        raise ValueError("holds a user or a fragment")
    _check_host(url.netloc)
    return url


def _check_host(netloc: str) -> None:
    if netloc.startswith("[") or ":" in netloc:
        parse_address(netloc if not netloc.endswith("]") else f"{netloc}:80")
    elif netloc.startswith("*."):
        raise ValueError("has a host that is no host name")
    else:
        parse_host_pattern(netloc)


def parse_origin(text: str) -> str:
    """An origin as browsers send it (RFC 6454 6.2), or `*`."""
    if text == "*":
        return text
    url = parse_url(text)
    if url.path or url.query or text.endswith(("?", "#")):
        raise ValueError("has more than scheme, host and port")
    if text != text.lower():
        raise ValueError("holds capitals, which browsers never send")
    return text


def parse_location(text: str) -> str:
    """Where a redirect leads: a URL, or a path on the same host."""
    if text.startswith("//"):
        raise ValueError("leads to another host without saying how")
    if text.startswith("/"):
        if len(text) > _LONGEST_URL:
            raise ValueError(f"has more than {_LONGEST_URL:,} characters")
        return parse_path(text)
    parse_url(text)
    return text
