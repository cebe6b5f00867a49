"""Header blocks of HTTP/2 (HPACK, RFC 7541), as far as a health check writes and reads them.

Nothing refers to earlier headers: the reader has told its peer so in its settings. What a block holds beyond the
printable characters that codes of up to eight bits cover is shown as far as it goes.
"""

from collections.abc import Iterator

_KNOWN = {8: "200", 9: "204", 10: "206", 11: "304", 12: "400", 13: "404", 14: "500"}
"""Entries of the static table whose name is `:status`."""

_BY_LENGTH = {
    5: "012aceiost",
    6: " %-./3456789=A_bdfghlmnpru",
    7: ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
    8: "&*,;XZ",
}
"""Appendix B of RFC 7541: the codes of a length follow each other, those of the next begin where they end."""


def _codes() -> dict[tuple[int, int], str]:
    codes, code = {}, 0
    for length, characters in _BY_LENGTH.items():
        code <<= 1 if length > 5 else 0
        for character in characters:
            codes[length, code] = character
            code += 1
    return codes


_CODES = _codes()


def with_known_name(index: int, value: str) -> bytes:
    """A field whose name is entry `index` of the static table; no peer keeps it."""
    return _integer(index, 4, 0x00) + _text(value)


def literal(name: str, value: str) -> bytes:
    return b"\x00" + _text(name) + _text(value)


def fields_in(block: bytes) -> Iterator[tuple[str, str]]:
    """Names and values; what cannot be read ends it."""
    at = 0
    try:
        while at < len(block):
            first = block[at]
            if first & 0x80:
                index, at = _read_integer(block, at, 7)
                if index in _KNOWN:
                    yield ":status", _KNOWN[index]
                continue
            if first & 0xE0 == 0x20:  # a new size of the table of earlier headers
                _, at = _read_integer(block, at, 5)
                continue
            index, at = _read_integer(block, at, 6 if first & 0x40 else 4)
            name, at = (":status" if index in _KNOWN else f"#{index}", at) if index else _read_text(block, at)
            value, at = _read_text(block, at)
            yield name, value
    except IndexError:
        return


def _integer(number: int, bits: int, first: int) -> bytes:
    most = (1 << bits) - 1
    if number < most:
        return bytes((first | number,))
    written = bytearray((first | most,))
    number -= most
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*written, number))


def _text(text: str) -> bytes:
    raw = text.encode()
    return _integer(len(raw), 7, 0x00) + raw


def _read_integer(block: bytes, at: int, bits: int) -> tuple[int, int]:
    most = (1 << bits) - 1
    number = block[at] & most
    at += 1
    if number < most:
        return number, at
    for shift in range(0, 28, 7):
        byte = block[at]
        at += 1
        number += (byte & 0x7F) << shift
        if not byte & 0x80:
            return number, at
    raise IndexError("an integer without end")


def _read_text(block: bytes, at: int) -> tuple[str, int]:
    huffman = block[at] & 0x80
    length, at = _read_integer(block, at, 7)
    raw = block[at : at + length]
    if len(raw) < length:
        raise IndexError("a text without end")
    return _decoded(raw) if huffman else raw.decode("latin-1"), at + length


def _decoded(raw: bytes) -> str:
    text, code, length = [], 0, 0
    for byte in raw:
        for bit in range(7, -1, -1):
            code, length = code << 1 | (byte >> bit & 1), length + 1
            if (length, code) in _CODES:
                text.append(_CODES[length, code])
                code = length = 0
            elif length > 8:
                return "".join(text)
    return "".join(text)
