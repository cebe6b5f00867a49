"""Words of the YAML that stand for values: durations, sizes, addresses and paths."""

import ipaddress
import re
from decimal import Decimal

from stationmaster.core.spec import Address

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$"
DURATION_PATTERN = r"^[0-9]{1,9}(\.[0-9]{1,3})?(ms|s|m|h)$"
LONG_DURATION_PATTERN = r"^[0-9]{1,9}(s|m|h|d)$"
SIZE_PATTERN = r"^[0-9]{1,10}(B|KB|MB|GB)$"
ADDRESS_PATTERN = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$"
PATH_PATTERN = r"^/[!-~]*$"
HOST_PATTERN = r"^(\*\.)?[A-Za-z0-9._-]+$"
ROUTE_PATTERN = r"^[=~]?/[!-~]*$"
METHOD_PATTERN = r"^[A-Z][A-Z-]{0,31}$"
HEADER_PATTERN = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$"
VALUE_PATTERN = r"^[!-~]([ -~\t]{0,4094}[!-~])?$"
GROUP_PATTERN = r"^([A-Za-z_][A-Za-z0-9_]{0,127}|\.\.\.)$"
LABEL_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"
SCOPE_PATTERN = r"^[!#-\[\]-~]{1,200}$"

_NAME = re.compile(NAME_PATTERN, re.ASCII)
_LABEL = re.compile(LABEL_PATTERN, re.ASCII)
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h)", re.ASCII)
_LONG_DURATION = re.compile(r"([0-9]{1,9})(s|m|h|d)", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,10})(B|KB|MB|GB)", re.ASCII)
_HOST_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_UNITS_BYTES = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3}
LONGEST_MS = 24 * 3_600_000
LARGEST_BYTES = 1024**3
SHORTEST_INTERVAL_MS = 50


def parse_name(text: str) -> str:
    """A name of something declared; ValueError says what is wrong."""
    if not _NAME.fullmatch(text):
        raise ValueError("is no name" if text else "is empty")
    return text


def parse_label(text: str) -> str:
    """The name of a label that users may give; ValueError says what is wrong."""
    if not _LABEL.fullmatch(text):
        raise ValueError("is no name of a label")
    if text.startswith("__"):
        raise ValueError("begins with '__', which is reserved")
    return text


def parse_group_label(text: str) -> str:
    """The name of a label, or "..." for grouping by none."""
    return text if text == "..." else parse_label(text)


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


def parse_interval(text: str) -> int:
    """`parse_duration` of at least 50 ms."""
    milliseconds = parse_duration(text)
    if milliseconds < SHORTEST_INTERVAL_MS:
        raise ValueError(f"is shorter than {SHORTEST_INTERVAL_MS}ms")
    return milliseconds


def parse_seconds(text: str) -> int:
    """Seconds of "90s", "5m", "1h" or "30d"; ValueError says what is wrong."""
    found = _LONG_DURATION.fullmatch(text)
    if found is None:
        raise ValueError("is no duration in whole seconds")
    return int(found[1]) * _UNITS_S[found[2]]


def parse_size(text: str) -> int:
    """Bytes of "512B", "64KB" (1024 bytes each), "10MB" or "1GB": 1 B to 1 GB; ValueError says what is wrong."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ValueError("is no size")
    size = int(found[1]) * _UNITS_BYTES[found[2]]
    if not 1 <= size <= LARGEST_BYTES:
        raise ValueError("is not between 1B and 1GB")
    return size


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
