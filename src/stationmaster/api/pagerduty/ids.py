"""Ids as PagerDuty's clients expect them: opaque, of capital letters and digits, and readable back without a table.

`P`, a letter for the kind, then a number in base 36, or a name in base 32 (RFC 4648, section 6, without padding).
"""

import base64
import binascii
import re
from enum import Enum

from stationmaster.api.pagerduty.refusals import not_found

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WIDTH = 5
_LARGEST = 2**63 - 1
_NUMBER = re.compile(r"[0-9]{1,18}")
_PARTS = "\x1f"


class Kind(Enum):
    INCIDENT = "I"
    SERVICE = "S"
    USER = "U"
    POLICY = "E"
    RULE = "R"
    SCHEDULE = "L"
    LAYER = "Y"
    OVERRIDE = "O"
    ALERT = "A"
    NOTE = "N"
    LINE = "G"
    PRIORITY = "Q"


def of_number(kind: Kind, number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return f"P{kind.value}{text.rjust(_WIDTH, '0')}"


def number_of(kind: Kind, text: str) -> int:
    """Raises PlatformError `not-found` for what is no id of that kind."""
    try:
        number = int(_body(kind, text), 36) if text.isalnum() else 0
    except ValueError:
        number = 0
    if not 0 < number <= _LARGEST or of_number(kind, number) != text.upper():
        raise not_found(text)
    return number


def incident_number_of(text: str) -> int:
    """Of an id, or of the number itself."""
    if _NUMBER.fullmatch(text) and text.isascii():
        return int(text)
    return number_of(Kind.INCIDENT, text)


def of_name(kind: Kind, *parts: str) -> str:
    encoded = base64.b32encode(_PARTS.join(parts).encode()).decode().rstrip("=")
    return f"P{kind.value}{encoded}"


def name_of(kind: Kind, text: str) -> str:
    """Raises PlatformError `not-found` for what is no id of that kind."""
    body = _body(kind, text)
    try:
        return base64.b32decode(body + "=" * (-len(body) % 8)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise not_found(text) from None


def _body(kind: Kind, text: str) -> str:
    known = text.upper()
    if not known.isascii() or not known.startswith(f"P{kind.value}"):
        raise not_found(text)
    return known[2:]
