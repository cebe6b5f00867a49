"""Which headers a declaration may touch: not those that tell who calls, nor those that frame a message."""

import re

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
"""A token (RFC 9110 5.6.2)."""
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]{0,4096}")
_CLAIM = re.compile(r"[A-Za-z0-9_.@/-]{1,128}")
_OURS = ("x-consumer-", "x-credential-", "x-authenticated-", "x-anonymous-", "x-stationmaster-", "x-envoy-")
_FRAMING = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-request-id",
    }
)
_OF_REQUESTS = frozenset({"apikey", "x-forwarded-for", "x-forwarded-proto"})
_OF_RESPONSES = frozenset({"date", "server"})


def may_be_set(name: str, *, requests: bool) -> bool:
    """Whether the headers of requests, or of responses, may be changed by this name."""
    lower = name.lower()
    taken = _FRAMING | (_OF_REQUESTS if requests else _OF_RESPONSES)
    return _NAME.fullmatch(name) is not None and lower not in taken and not lower.startswith(_OURS)


def may_carry(value: str) -> bool:
    """Whether a header may have this value; it is at most 4,096 characters long."""
    return _VALUE.fullmatch(value) is not None


def may_carry_claim(name: str) -> bool:
    """Whether a claim may be told to the endpoint in this header."""
    return may_be_set(name, requests=True) and name.lower() != "authorization" and "_" not in name


def may_be_claim(name: str) -> bool:
    return _CLAIM.fullmatch(name) is not None
