"""Reads the answer to a scrape as it comes, and refuses what is too large before it is all there."""

import zlib
from dataclasses import dataclass
from typing import Final

import h11

from stationmaster.monitor.scrape.sample_line import Format

_MOST_HEADER_BYTES = 32 * 1024
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class ScrapeError(Exception):
    """Why a scrape failed, in words for the target's owner."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole body, unpacked."""

    body: bytes
    form: Format


@dataclass(frozen=True, slots=True)
class Redirected:
    location: str


class AnswerReader:
    """One answer: `feed` it until it is whole, `feed(b"")` when the connection ends. Raises ScrapeError."""

    def __init__(self, *, most_bytes: int) -> None:
        self._most = most_bytes
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEADER_BYTES)
        self._body = bytearray()
        self._received = 0
        self._begun = False
        self._unpacker: zlib._Decompress | None = None
        self._form = Format.TEXT
        self._location: str | None = None

    @property
    def plain(self) -> bool:
        """Whether the head was read, and the body comes as it is."""
        return self._begun and self._unpacker is None

    def request(self, path: str, headers: list[tuple[str, str]]) -> bytes:
        try:
            head = self._parser.send(h11.Request(method="GET", target=path, headers=headers))
        except h11.LocalProtocolError as error:
            raise ScrapeError(f"no request can be made of this path or token: {error}") from error
        return (head or b"") + (self._parser.send(h11.EndOfMessage()) or b"")

    def feed(self, data: bytes) -> Answered | Redirected | None:
        try:
            self._parser.receive_data(data)
            return self._read()
        except h11.RemoteProtocolError as error:
            if data:
                raise ScrapeError(f"no valid HTTP answer: {error}") from error
            raise ScrapeError("connection closed before the answer was complete") from error

    def _read(self) -> Answered | Redirected | None:
        while True:
            match self._parser.next_event():
                case h11.Response() as response:
                    self._begin(response)
                    self._begun = True
                    if self._location is not None:
                        return Redirected(self._location)
                case h11.Data() as piece:
                    self._add(bytes(piece.data))
                case h11.EndOfMessage():
                    return Answered(self._whole(), self._form)
                case h11.ConnectionClosed():
                    raise ScrapeError("connection closed without an answer")
                case h11.InformationalResponse():
                    continue
                case _:
                    return None

    def _begin(self, response: h11.Response) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
        if response.status_code in _REDIRECTS and "location" in headers:
            self._location = headers["location"]
            return
        if response.status_code != 200:
            reason = response.reason.decode("latin-1").strip()
            raise ScrapeError(f"server returned HTTP status {response.status_code} {reason}".rstrip())
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._most:
            raise self._too_large(f"{announced} bytes")
        self._form = _form(headers.get("content-type", ""))
        match headers.get("content-encoding", "identity").strip().lower():
            case "" | "identity":
                pass
            case "gzip" | "x-gzip":
                self._unpacker = zlib.decompressobj(_GZIP_WINDOW)
            case other:
                raise ScrapeError(f"the body is encoded as {other!r}, which was not asked for")

    def _add(self, piece: bytes) -> None:
        self._received += len(piece)
        if self._received > self._most:
            raise self._too_large("more bytes")
        self._body += self._unpacked(piece) if self._unpacker is not None else piece

    def _unpacked(self, piece: bytes) -> bytes:
        """What a piece holds; one packed part may follow the other."""
        found = bytearray()
        while piece:
            if self._unpacker is None or self._unpacker.eof:
                self._unpacker = zlib.decompressobj(_GZIP_WINDOW)
            room = self._most - len(self._body) - len(found)
            try:
                found += self._unpacker.decompress(piece, room + 1)
            except zlib.error as error:
                raise ScrapeError(f"the packed body is broken: {error}") from error
            if len(self._body) + len(found) > self._most:
                raise self._too_large("more bytes when unpacked")
            piece = self._unpacker.unused_data
        return bytes(found)

    def _whole(self) -> bytes:
        if self._unpacker is not None and not self._unpacker.eof:
            raise ScrapeError("the packed body ends too early")
        return bytes(self._body)

    def _too_large(self, what: str) -> ScrapeError:
        return ScrapeError(f"the body has {what}, the limit is {self._most} bytes")


def _form(content_type: str) -> Format:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/vnd.google.protobuf":
        raise ScrapeError("the target answers in protobuf, which was not asked for")
    return Format.OPENMETRICS if kind == Format.OPENMETRICS.value else Format.TEXT
