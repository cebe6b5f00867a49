"""A WebSocket (RFC 6455) that returns every message, as a protocol that uvicorn hands connections to."""

import asyncio
import base64
import hashlib
import re
from typing import Any

_ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""Section 1.3."""
_KEY = re.compile(rb"\r\nsec-websocket-key:[ \t]*(\S+)", re.IGNORECASE)
_CLOSE, _PING, _PONG = 0x8, 0x9, 0xA
_FINAL = 0x80
_MOST_BYTES = 1_000_000
_BAD_DATA, _TOO_BIG = 1002, 1009


def echo_protocol(instance: str) -> type[asyncio.Protocol]:
    """`instance` stands in the answer to the handshake."""

    class Echo(asyncio.Protocol):
        def __init__(self, **_of_uvicorn: Any) -> None:
            self._transport: asyncio.Transport | None = None
            self._waiting = bytearray()
            self._open = False

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            if isinstance(transport, asyncio.Transport):
                self._transport = transport

        def data_received(self, data: bytes) -> None:
            self._waiting += data
            if self._transport is None or self._transport.is_closing():
                return
            if not self._open and not self._shake_hands(self._transport):
                return
            while (frame := _frame_in(self._waiting)) is not None:
                _reply(self._transport, *frame)
            if self._open and len(self._waiting) > _MOST_BYTES:
                _close(self._transport, _TOO_BIG)

        def _shake_hands(self, transport: asyncio.Transport) -> bool:
            head, end, rest = bytes(self._waiting).partition(b"\r\n\r\n")
            if not end:
                return False
            key = _KEY.search(head)
            if key is None:
                transport.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
                transport.close()
                return False
            accept = base64.b64encode(hashlib.sha1(key[1] + _ACCEPT, usedforsecurity=False).digest())
            answer = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            served_by = b"x-served-by: " + instance.encode("latin-1", "replace")
            transport.write(answer + b"sec-websocket-accept: " + accept + b"\r\n" + served_by + b"\r\n\r\n")
            self._waiting = bytearray(rest)
            self._open = True
            return True

    return Echo


def _frame_in(waiting: bytearray) -> tuple[int, int, bytes] | None:
    """Takes one whole frame: the final bit, the kind and the bytes; None while there is none. A kind below 0 is a
    close with that code, for what breaks the rules."""
    if len(waiting) < 2:
        return None
    length, start = waiting[1] & 0x7F, 2
    if length >= 126:
        width = 2 if length == 126 else 8
        start += width
        length = int.from_bytes(waiting[2:start], "big") if len(waiting) >= start else 0
    if not waiting[1] & 0x80 or waiting[0] & 0x70:
        waiting.clear()
        return _FINAL, -_BAD_DATA, b""
    if length > _MOST_BYTES:
        waiting.clear()
        return _FINAL, -_TOO_BIG, b""
    if len(waiting) < start + 4 + length:
        return None
    mask, masked = bytes(waiting[start : start + 4]), bytes(waiting[start + 4 : start + 4 + length])
    kind, final = waiting[0] & 0x0F, waiting[0] & _FINAL
    del waiting[: start + 4 + length]
    key = mask * (length // 4 + 1)
    plain = int.from_bytes(masked, "big") ^ int.from_bytes(key[:length], "big")
    return final, kind, plain.to_bytes(length, "big")


def _reply(transport: asyncio.Transport, final: int, kind: int, payload: bytes) -> None:
    """Parts of a message return as they come."""
    if transport.is_closing():
        return
    if kind < 0:
        _close(transport, -kind)
    elif kind == _CLOSE:
        transport.write(_framed(_FINAL, _CLOSE, payload[:2]))
        transport.close()
    elif kind == _PING:
        transport.write(_framed(_FINAL, _PONG, payload))
    elif kind != _PONG:
        transport.write(_framed(final, kind, payload))


def _close(transport: asyncio.Transport, code: int) -> None:
    transport.write(_framed(_FINAL, _CLOSE, code.to_bytes(2, "big")))
    transport.close()


def _framed(final: int, kind: int, payload: bytes) -> bytes:
    length = len(payload)
    if length < 126:
        return bytes((final | kind, length)) + payload
    if length < 65_536:
        return bytes((final | kind, 126)) + length.to_bytes(2, "big") + payload
    return bytes((final | kind, 127)) + length.to_bytes(8, "big") + payload
