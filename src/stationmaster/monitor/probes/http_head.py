"""Reads the plain kind of HTTP/1 answer at once: its head in one piece, its body of a told length.

Most answers to a health check are of this kind, and reading them so costs a tenth of a parser that knows every kind;
whatever is not is left to that one.
"""

import re
from dataclasses import dataclass

_HEAD = re.compile(
    rb"HTTP/1\.[01] ([2-5]\d\d)(?: [\t\x20-\x7e]*)?\r\n"
    rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*"
    rb"\r\n"
)
_FRAMING = re.compile(rb"\r\n(content-length|transfer-encoding):[ \t]*([^\r\n]*?)[ \t]*(?=\r\n)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Head:
    """`body_at` is where the body begins; `body_bytes` is None where its length is not told plainly."""

    status: int
    body_at: int
    body_bytes: int | None


def plain_head(data: bytes | bytearray, most_bytes: int) -> Head | None:
    """None where the head is not complete yet, or not of the plain kind."""
    found = _HEAD.match(data, 0, most_bytes)
    if found is None:
        return None
    head = data[: found.end()]
    framing = [(name.lower(), value) for name, value in _FRAMING.findall(head)]
    match framing:
        case [] | [(b"transfer-encoding", b"chunked")]:
            return Head(int(found[1]), found.end(), None)
        case [(b"content-length", length)] if re.fullmatch(rb"\d{1,9}", length):
            return Head(int(found[1]), found.end(), int(length))
    return None
