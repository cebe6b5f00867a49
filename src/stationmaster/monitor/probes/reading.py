"""Judges the bytes of an HTTP answer as they come, and stops as soon as the verdict is clear."""

from dataclasses import dataclass, field

import h11

from stationmaster.core.spec import HealthCheck
from stationmaster.monitor.probes.http_head import plain_head
from stationmaster.monitor.probes.json_value import difference
from stationmaster.monitor.probes.verdict import Verdict, broken, told

MOST_BODY_BYTES = 256 * 1024
"""How far into the body a text or a value is looked for."""
_BODY_KB = MOST_BODY_BYTES // 1024

MOST_HEADER_BYTES = 32 * 1024
_MOST_BYTES = MOST_BODY_BYTES + 4 * MOST_HEADER_BYTES
"""An answer that comes to no end is left after so much."""

_BEGINNING = b"HTTP/1."


@dataclass(slots=True)
class Reading:
    """One answer: `feed` it until a verdict comes, `feed(b"")` when the connection ends."""

    check: HealthCheck
    _raw: bytearray = field(default_factory=bytearray)
    """All that came, for as long as it is of the plain kind."""
    _parser: h11.Connection | None = None
    """Reads what is not."""
    _body: bytearray = field(default_factory=bytearray)
    _status: int = 0
    _came: int = 0

    def feed(self, data: bytes) -> Verdict | None:
        self._came += len(data)
        if self._parser is not None:
            return self._parse(data)
        self._raw += data
        if not self._raw.startswith(_BEGINNING[: len(self._raw)]):
            return broken(f"no valid HTTP answer: it begins with '{told(self._raw.decode('latin-1'), 40)}'")
        if data and (b"\r\n\r\n" not in self._raw and len(self._raw) < MOST_HEADER_BYTES):
            return None
        head = plain_head(self._raw, MOST_HEADER_BYTES)
        if head is None or not data:
            return self._parse_all(data)
        verdict = self._judge_status(head.status)
        if verdict is not None:
            return verdict
        if head.body_bytes is None or head.body_bytes > MOST_BODY_BYTES:
            return self._parse_all(data)
        body = self._raw[head.body_at : head.body_at + head.body_bytes]
        return self._judge_body(body, complete=len(body) == head.body_bytes)

    def _parse_all(self, last: bytes) -> Verdict | None:
        """Goes over to the parser that knows every kind of answer."""
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEADER_BYTES)
        self._parser.send(h11.Request(method="GET", target="/", headers=[("Host", ""), ("Connection", "close")]))
        self._parser.send(h11.EndOfMessage())
        verdict = self._parse(bytes(self._raw)) if self._raw else None
        self._raw.clear()
        return verdict if verdict is not None or last else self._parse(b"")

    def _parse(self, data: bytes) -> Verdict | None:
        if self._parser is None or self._came > _MOST_BYTES:
            return broken(f"the answer comes to no end in {_MOST_BYTES // 1024} KB")
        try:
            self._parser.receive_data(data)
            return self._judge_events(self._parser)
        except h11.RemoteProtocolError as error:
            if data:
                return broken(f"no valid HTTP answer: {told(str(error))}")
            return broken("connection closed before the answer was complete")

    def _judge_events(self, parser: h11.Connection) -> Verdict | None:
        while True:
            match parser.next_event():
                case h11.Response() as response:
                    verdict = self._judge_status(response.status_code)
                case h11.Data() as piece:
                    self._body += bytes(piece.data)[: MOST_BODY_BYTES - len(self._body)]
                    verdict = self._judge_body(self._body, complete=False)
                case h11.EndOfMessage():
                    return self._judge_body(self._body, complete=True)
                case h11.ConnectionClosed():
                    return broken("connection closed without an answer")
                case h11.InformationalResponse():
                    continue
                case _:
                    return None
            if verdict is not None:
                return verdict

    def _judge_status(self, status: int) -> Verdict | None:
        self._status = status
        if status != self.check.status:
            return self._bad(f"status {status}")
        return None if self._wants_body else self._good(f"status {status}")

    def _judge_body(self, body: bytearray, *, complete: bool) -> Verdict | None:
        contains, value = self.check.contains, self.check.json
        full = len(body) >= MOST_BODY_BYTES
        if contains is not None and body.find(contains.encode()) < 0:
            if complete:
                return self._bad(f"body does not contain '{told(contains)}'")
            return self._bad(f"body does not contain '{told(contains)}' in its first {_BODY_KB} KB") if full else None
        if value is None:
            return self._good(f"status {self._status}, body contains '{told(contains or '')}'")
        if not complete:
            return self._bad(f"body is longer than {_BODY_KB} KB") if full else None
        wrong = difference(bytes(body), value)
        return self._bad(wrong) if wrong else self._good(f"status {self._status}, {told(value.path)} = {value.value}")

    @property
    def _wants_body(self) -> bool:
        return self.check.contains is not None or self.check.json is not None

    def _good(self, detail: str) -> Verdict:
        return Verdict(True, detail, status=self._status)

    def _bad(self, detail: str) -> Verdict:
        return Verdict(False, detail, status=self._status)
