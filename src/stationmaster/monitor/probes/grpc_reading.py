"""The bytes of one gRPC health call over HTTP/2 (RFC 9113), and the verdict in the bytes that answer it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from stationmaster.monitor.probes.header_block import fields_in, literal, with_known_name
from stationmaster.monitor.probes.verdict import Verdict

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GO_AWAY, _CONTINUATION = 0, 1, 3, 4, 6, 7, 9
_ACK = _END_STREAM = 0x1
_END_HEADERS, _PADDED, _PRIORITY = 0x4, 0x8, 0x20
_OUR_STREAM = 1
_NO_TABLE = b"\x00\x01\x00\x00\x00\x00" + b"\x00\x02\x00\x00\x00\x00"
"""Settings: the answer's headers may refer to no earlier ones, and nothing is pushed."""

_MOST_BYTES = 64 * 1024
_SERVING = 1
_STATES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_STATUSES = {
    "5": "NOT_FOUND",
    "7": "PERMISSION_DENIED",
    "12": "UNIMPLEMENTED",
    "14": "UNAVAILABLE",
    "16": "UNAUTHENTICATED",
}


def request(authority: str, service: str) -> bytes:
    """The whole call: preface, settings, headers and the message that names the service."""
    headers = b"".join(
        (
            b"\x83\x86",  # :method POST, :scheme http
            with_known_name(4, "/grpc.health.v1.Health/Check"),
            with_known_name(1, authority),
            with_known_name(31, "application/grpc"),
            literal("te", "trailers"),
        )
    )
    name = service.encode()
    message = b"\x0a" + _varint(len(name)) + name if name else b""
    framed = b"\x00" + len(message).to_bytes(4, "big") + message
    settings = _frame(_SETTINGS, 0, 0, _NO_TABLE)
    asked = _frame(_HEADERS, _END_HEADERS, _OUR_STREAM, headers) + _frame(_DATA, _END_STREAM, _OUR_STREAM, framed)
    return _PREFACE + settings + asked


@dataclass(slots=True)
class GrpcReading:
    """One answer: `feed` it until a verdict comes."""

    _waiting: bytearray = field(default_factory=bytearray)
    _message: bytearray = field(default_factory=bytearray)
    _headers: bytearray = field(default_factory=bytearray)
    _reply: bytearray = field(default_factory=bytearray)

    def reply(self) -> bytes:
        """What has to be sent back now."""
        given = bytes(self._reply)
        self._reply.clear()
        return given

    def feed(self, data: bytes) -> Verdict | None:
        self._waiting += data
        if self._waiting[:5] == b"HTTP/":
            return Verdict(False, "it speaks HTTP/1, not gRPC")
        for kind, flags, stream, payload in self._frames():
            verdict = self._judge(kind, flags, stream, payload)
            if verdict is not None:
                return verdict
        if len(self._waiting) + len(self._message) + len(self._headers) > _MOST_BYTES:
            return Verdict(False, "no valid gRPC answer: it is too long")
        return None

    def _frames(self) -> Iterator[tuple[int, int, int, bytes]]:
        while len(self._waiting) >= 9:
            length = int.from_bytes(self._waiting[:3], "big")
            if len(self._waiting) < 9 + length:
                return
            kind, flags = self._waiting[3], self._waiting[4]
            stream = int.from_bytes(self._waiting[5:9], "big") & 0x7FFF_FFFF
            payload = bytes(self._waiting[9 : 9 + length])
            del self._waiting[: 9 + length]
            yield kind, flags, stream, payload

    def _judge(self, kind: int, flags: int, stream: int, payload: bytes) -> Verdict | None:
        match kind:
            case 4 if not flags & _ACK:
                self._reply += _frame(_SETTINGS, _ACK, 0, b"")
            case 6 if not flags & _ACK:
                self._reply += _frame(_PING, _ACK, 0, payload)
            case 3 if stream == _OUR_STREAM:
                return Verdict(False, f"the call was reset (HTTP/2 error {int.from_bytes(payload, 'big')})")
            case 7:
                return Verdict(False, f"the server went away (HTTP/2 error {int.from_bytes(payload[4:8], 'big')})")
            case 0 if stream == _OUR_STREAM:
                self._message += _unpadded(payload, flags)
                return self._judge_message() or (self._judge_end() if flags & _END_STREAM else None)
            case 1 | 9 if stream == _OUR_STREAM:
                return self._judge_headers(kind, flags, payload)
        return None

    def _judge_message(self) -> Verdict | None:
        length = int.from_bytes(self._message[1:5], "big")
        if len(self._message) < 5 + length or len(self._message) < 5:
            return None
        if self._message[0]:
            return Verdict(False, "no valid gRPC answer: it is compressed")
        state = _state_in(bytes(self._message[5 : 5 + length]))
        return Verdict(state == _SERVING, _STATES.get(state, f"health state {state}"))

    def _judge_headers(self, kind: int, flags: int, payload: bytes) -> Verdict | None:
        if kind == _HEADERS:
            self._headers.clear()
            payload = _unpadded(payload, flags)[5 if flags & _PRIORITY else 0 :]
        self._headers += payload
        if not flags & _END_HEADERS:
            return None
        told = dict(fields_in(bytes(self._headers)))
        status = told.get("grpc-status", "")
        if status not in ("", "0"):
            words = f" {_STATUSES[status]}" if status in _STATUSES else ""
            text = f": {told['grpc-message'][:80]}" if told.get("grpc-message") else ""
            return Verdict(False, f"grpc-status {status}{words}{text}")
        if told.get(":status", "200") != "200":
            return Verdict(False, f"status {told[':status']}, not a gRPC answer")
        return self._judge_end() if kind == _HEADERS and flags & _END_STREAM else None

    def _judge_end(self) -> Verdict:
        return Verdict(False, "the call ended without a health state")


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _unpadded(payload: bytes, flags: int) -> bytes:
    if not flags & _PADDED or not payload:
        return payload
    return payload[1 : max(1, len(payload) - payload[0])]


def _varint(number: int) -> bytes:
    """Protocol Buffers' base 128."""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*written, number))


def _state_in(message: bytes) -> int:
    """Field 1 of HealthCheckResponse; 0 where it is not there, as Protocol Buffers leave out what is 0."""
    return message[1] if len(message) >= 2 and message[0] == 0x08 else 0
