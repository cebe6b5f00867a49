"""Opaque tokens: how they are made, recognised, read from an Authorization header, and the digests they are kept as."""

import base64
import binascii
import hashlib
import re
import secrets

MACHINE_PREFIX = "stmt_"
SESSION_PREFIX = "stms_"
LENT_PREFIX = "stml_"
"""Lent by the platform to what it runs itself; in no store."""

LONGEST_TOKEN = 512
"""Characters; ours have 48."""

_SHOWN = 12
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""`b64token` of RFC 6750, section 2.1."""


def new_token(prefix: str) -> str:
    """256 random bits behind a prefix that tells people and secret scanners what they have found."""
    return prefix + secrets.token_urlsafe(32)


def shown_part(token: str) -> str:
    """What a list may show: enough to recognise the token, with 214 of its 256 random bits kept back."""
    return token[:_SHOWN]


def digest(token: str) -> str:
    """SHA-256 in hex. Nobody can guess 256 random bits, so that a slow hash would only slow every request down."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def parse_bearer(header: str) -> str | None:
    """The token of `Authorization: Bearer TOKEN` (RFC 6750); None for anything else. The scheme's case is free."""
    scheme, _blank, rest = header.partition(" ")
    token = rest.strip(" ")
    if scheme.lower() != "bearer" or len(token) > LONGEST_TOKEN or not _TOKEN.fullmatch(token):
        return None
    return token


def parse_basic(header: str) -> str | None:
    """The password of `Authorization: Basic` (RFC 7617) as a token, whatever the user; None for anything else."""
    scheme, _blank, rest = header.partition(" ")
    if scheme.lower() != "basic" or len(rest) > 4 * LONGEST_TOKEN:
        return None
    try:
        pair = base64.b64decode(rest.strip(" "), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return parse_bearer(f"Bearer {pair.partition(':')[2]}")
