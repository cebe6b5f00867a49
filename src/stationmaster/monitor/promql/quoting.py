"""Strings of queries: Go's escapes and quotes, and Go's way to write a number."""

import math
import re
from typing import Final

from stationmaster.monitor.promql.results import Fault, QueryError

_SIMPLE: Final = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92}
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL)


def unquoted(literal: str) -> str:
    """The text of a string with its quotes; QueryError where an escape is unknown or the bytes are no UTF-8."""
    quote, body = literal[0], literal[1:-1]
    if quote == "`" or "\\" not in body:
        return body

    def replaced(match: re.Match[bytes]) -> bytes:
        return _byte_or_rune(match, quote, literal)

    try:
        return _ESCAPE.sub(replaced, body.encode()).decode()
    except UnicodeError:
        raise _bad(literal, "is no UTF-8") from None


def _byte_or_rune(match: re.Match[bytes], quote: str, literal: str) -> bytes:
    byte, short, long, octal, simple = match.groups()
    if byte is not None:
        return bytes([int(byte, 16)])
    if octal is not None and int(octal, 8) < 256:
        return bytes([int(octal, 8)])
    rune = short or long
    if rune is not None and int(rune, 16) <= 0x10FFFF:
        return chr(int(rune, 16)).encode()
    letter = (simple or b"").decode("latin-1")
    if letter in _SIMPLE:
        return bytes([_SIMPLE[letter]])
    if letter == quote:
        return letter.encode()
    raise _bad(literal, "has an unknown escape sequence")


def _bad(literal: str, what: str) -> QueryError:
    return QueryError(Fault.BAD_DATA, f"string {literal} {what}", hint="Write a backslash twice, or use `backquotes`.")


def quoted(text: str) -> str:
    """The text as a string of the query language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def number_text(value: float) -> str:
    """The shortest decimal that reads back the same, without an exponent (Go's `FormatFloat(v, 'f', -1, 64)`)."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(float(value))
    if "e" in text:
        mantissa, exponent = text.split("e")
        text = _shifted(mantissa, int(exponent))
    return text.removesuffix(".0")


def _shifted(mantissa: str, exponent: int) -> str:
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, part = mantissa.lstrip("-").partition(".")
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - len(whole))}{whole}{part if part != '0' else ''}"
    digits = whole + ("" if part == "0" else part)
    return sign + digits + "0" * (exponent + len(whole) - len(digits))
