"""The words that fields of the YAML are made of: names, durations, sizes, addresses, paths, each with its form."""

from enum import Enum
from typing import Annotated

from msgspec import Meta, Struct

from stationmaster.manifest.values import (
    ADDRESS_PATTERN,
    DURATION_PATTERN,
    GROUP_PATTERN,
    HEADER_PATTERN,
    HOST_PATTERN,
    LABEL_PATTERN,
    LONG_DURATION_PATTERN,
    METHOD_PATTERN,
    NAME_PATTERN,
    PATH_PATTERN,
    ROUTE_PATTERN,
    SCOPE_PATTERN,
    SIZE_PATTERN,
    VALUE_PATTERN,
)

BROKEN_TEXT = "\0broken"
"""Stands for a required text that did not fit; nobody can write it, because NUL is refused."""

Name = Annotated[
    str,
    Meta(
        pattern=NAME_PATTERN,
        description="A name: letters, digits and `. _ ~ -`, at most 128 characters, unique among its kind.",
        extra={"form": "name"},
    ),
]
Reference = Annotated[str, Meta(description="The name of something that this file declares.")]
Duration = Annotated[
    str,
    Meta(
        pattern=DURATION_PATTERN,
        description="A duration with its unit: ms, s, m or h; 1ms to 24h.",
        examples=["500ms", "1s", "2m"],
        extra={"form": "duration"},
    ),
]
Interval = Annotated[
    str,
    Meta(
        pattern=DURATION_PATTERN,
        description="Time between two checks: 50ms to 24h.",
        examples=["500ms", "5s"],
        extra={"form": "interval"},
    ),
]
Wait = Annotated[
    str,
    Meta(
        pattern=LONG_DURATION_PATTERN,
        description="A duration in whole seconds with its unit: s, m, h or d; 1s to 30d.",
        examples=["30s", "5m", "1h"],
        extra={"form": "wait"},
    ),
]
Lifetime = Annotated[
    str,
    Meta(
        pattern=LONG_DURATION_PATTERN,
        description="How long a token is good, in whole seconds with its unit: s, m, h or d; 1m to 30d.",
        examples=["15m", "1h", "7d"],
        extra={"form": "lifetime"},
    ),
]
Rotation = Annotated[
    str,
    Meta(
        pattern=LONG_DURATION_PATTERN,
        description="How long a signing key signs, with its unit: s, m, h or d; 1h to 365d.",
        examples=["30d"],
        extra={"form": "rotation"},
    ),
]
Retention = Annotated[
    str,
    Meta(
        pattern=LONG_DURATION_PATTERN,
        description="How long samples are kept, with its unit: s, m, h or d; 2h to 400d.",
        examples=["15d"],
        extra={"form": "retention"},
    ),
]
LabelName = Annotated[
    str,
    Meta(
        pattern=LABEL_PATTERN,
        description="The name of a label: letters, digits and `_`; `__` at its beginning is reserved.",
        examples=["team"],
        extra={"form": "label"},
    ),
]
GroupLabel = Annotated[
    str,
    Meta(
        pattern=GROUP_PATTERN,
        description="The name of a label; `...`: every alert has an incident of its own.",
        examples=["team"],
        extra={"form": "group label"},
    ),
]
ObjectiveText = Annotated[
    str,
    Meta(
        description="What share of the requests has to be good: answered without a server error, and within a time "
        "where one is given, over a window of days.",
        examples=["99.9% over 30d", "99% under 300ms over 7d"],
        extra={"form": "objective"},
    ),
]
Scalar = Annotated[
    str, Meta(description="Text, a number, true or false.", examples=["Running", "0"], extra={"form": "scalar"})
]
Size = Annotated[
    str,
    Meta(
        pattern=SIZE_PATTERN,
        description="A size in B, KB, MB or GB (1KB is 1024 bytes); 1B to 1GB.",
        examples=["512B", "64KB", "10MB"],
        extra={"form": "size"},
    ),
]
AddressText = Annotated[
    str,
    Meta(
        pattern=ADDRESS_PATTERN,
        description="Host and port, port 1 to 65535; an IPv6 address stands between brackets.",
        examples=["127.0.0.1:8080", "[::1]:8080", "keys.example.org:443"],
        extra={"form": "address"},
    ),
]
PathText = Annotated[
    str,
    Meta(
        pattern=PATH_PATTERN,
        description="A path of a URL: starts with `/`, ASCII without blanks.",
        examples=["/healthz"],
        extra={"form": "path"},
    ),
]
RouteText = Annotated[
    str,
    Meta(
        pattern=ROUTE_PATTERN,
        max_length=1000,
        description="`/pets` matches that path and all below it, `=/pets` that path alone, and `~/pets/[0-9]+` is a "
        "regular expression (RE2) that has to match the whole path.",
        examples=["/pets", "=/pets", "~/pets/[0-9]+"],
        extra={"form": "route"},
    ),
]
HostText = Annotated[
    str,
    Meta(
        pattern=HOST_PATTERN,
        description="A host name; `*.` before it stands for every name below it.",
        examples=["api.example.org", "*.example.org"],
        extra={"form": "host"},
    ),
]
Method = Annotated[
    str,
    Meta(
        pattern=METHOD_PATTERN,
        description="An HTTP method in capitals.",
        examples=["GET", "POST"],
        extra={"form": "method"},
    ),
]
HeaderName = Annotated[
    str,
    Meta(
        pattern=HEADER_PATTERN,
        description="The name of a header, at most 128 characters; case does not matter.",
        examples=["X-Version"],
        extra={"form": "header"},
    ),
]
HeaderValue = Annotated[
    str,
    Meta(
        pattern=VALUE_PATTERN,
        description="The value of a header: one line of visible ASCII, at most 4096 characters.",
        extra={"form": "value"},
    ),
]
HeaderOrStar = Annotated[
    str,
    Meta(description="The name of a header, or `*` for all.", examples=["X-Version", "*"], extra={"form": "star"}),
]
Scope = Annotated[
    str,
    Meta(
        pattern=SCOPE_PATTERN,
        description="A scope of tokens (RFC 6749 3.3).",
        examples=["orders:read"],
        extra={"form": "scope"},
    ),
]
OriginText = Annotated[
    str,
    Meta(
        description="The origin of a page: scheme, host and, where it is not the scheme's own, port; or `*` for all.",
        examples=["https://shop.example.org", "*"],
        extra={"form": "origin"},
    ),
]
RedirectText = Annotated[
    str,
    Meta(
        description="A URL, or a path on the same host.",
        examples=["https://example.org/new", "/new"],
        extra={"form": "location"},
    ),
]
UrlText = Annotated[
    str,
    Meta(
        description="A URL of http or https.",
        examples=["https://login.example.org/jwks.json"],
        extra={"form": "url"},
    ),
]
FileText = Annotated[
    str,
    Meta(min_length=1, description="A file, relative to the folder of this one; it has to exist."),
]
Claim = Annotated[
    str, Meta(min_length=1, max_length=200, description="The name of a claim of a token.", examples=["sub", "tenant"])
]
Port = Annotated[int, Meta(ge=1, le=65535, description="A TCP port.")]
Count = Annotated[int, Meta(ge=1, le=255, description="Consecutive answers.")]
Most = Annotated[int, Meta(ge=1, le=1_000_000, description="The most that one gateway node has under way.")]
Percent = Annotated[int, Meta(ge=0, le=100, description="A share in percent.")]
Status = Annotated[int, Meta(ge=100, le=599, description="An HTTP status.")]
Text = Annotated[str, Meta(min_length=1, max_length=1000, description="Text that must stand in the body.")]
Argument = Annotated[str, Meta(max_length=4096, description="One argument; placeholders in braces are filled in.")]


class Scheme(Enum):
    HTTP = "http"
    HTTPS = "https"


class SigningAlgorithm(Enum):
    """How tokens are signed (RFC 7518, RFC 8037)."""

    RS256 = "RS256"
    ES256 = "ES256"
    EDDSA = "EdDSA"


class Document(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """What all parts of the YAML have in common: unknown fields are refused, defaults are not written."""
