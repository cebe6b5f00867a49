"""Words of the YAML that stand for values: durations, addresses and paths."""

import ipaddress
import re
from decimal import Decimal

from stationmaster.core.spec import Address

DURATION_PATTERN = r"^[0-9]{1,9}(\.[0-9]{1,3})?(ms|s|m|h)$"
ADDRESS_PATTERN = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$"
PATH_PATTERN = r"^/[!-~]*$"
HOST_PATTERN = r"^(\*\.)?[A-Za-z0-9._-]+$"

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h)", re.ASCII)
_HOST_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
LONGEST_MS = 24 * 3_600_000


def parse_duration(text: str) -> int:
    """Milliseconds of "500ms", "1s", "1.5s", "2m" or "1h": 1 ms to 24 h; ValueError says what is wrong."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError("is no duration")
    amount = Decimal(found[1]) * _UNITS_MS[found[2]]
    if amount != int(amount):
        raise ValueError("is no whole number of milliseconds")
    if not 1 <= amount <= LONGEST_MS:
        raise ValueError("is not between 1ms and 24h")
    return int(amount)


def parse_address(text: str) -> Address:
    """A host name, IPv4 address or bracketed IPv6 address with its port; ValueError says what is wrong."""
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise ValueError("has no port" if host or not colon else "has no host")
    if not re.fullmatch(r"[0-9]{1,5}", port, re.ASCII) or not 1 <= int(port) <= 65535:
        raise ValueError(f"has the port '{port[:20]}', which is not between 1 and 65535")
    return Address(host=_host(host), port=int(port))


def _host(text: str) -> str:
    if text.startswith("[") and text.endswith("]"):
        try:
            return str(ipaddress.IPv6Address(text[1:-1]))
        except ValueError:
            raise ValueError("has no IPv6 address between its brackets") from None
    if ":" in text:
        raise ValueError("has several colons; an IPv6 address stands between brackets")
    if re.fullmatch(r"[0-9.]+", text, re.ASCII):
        try:
            return str(ipaddress.IPv4Address(text))
        except ValueError:
            raise ValueError("has a host of digits that is no IPv4 address") from None
    if len(text) > 253 or not all(_HOST_LABEL.fullmatch(label) for label in text.removesuffix(".").split(".")):
        raise ValueError("has a host that is no host name")
    return text.lower()


def parse_path(text: str) -> str:
    """The path of a URL, ASCII without blanks; ValueError says what is wrong."""
    if not text.startswith("/"):
        raise ValueError("does not start with '/'")
    if not re.fullmatch(r"[!-~]+", text, re.ASCII) or "#" in text:
        raise ValueError("holds a blank, a '#' or a character outside of ASCII")
    return text


def parse_host_pattern(text: str) -> str:
    """A host name that an API answers to, `*.` before it for all below it; ValueError says what is wrong."""
    if ":" in text:
        raise ValueError("has a port; hosts are compared without it")
    return ("*." if text.startswith("*.") else "") + _host(text.removeprefix("*."))
