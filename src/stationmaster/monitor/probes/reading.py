"""Judges the bytes of an HTTP answer as they come, and stops as soon as the verdict is clear."""

from dataclasses import dataclass, field

import h11

from stationmaster.core.spec import HealthCheck

MOST_BODY_BYTES = 256 * 1024
"""How far into the body a text is looked for."""

MOST_HEADER_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True)
class Verdict:
    ok: bool
    detail: str


@dataclass(slots=True)
class Reading:
    """One answer: `feed` it until a verdict comes, `feed(b"")` when the connection ends."""

    check: HealthCheck
    _parser: h11.Connection = field(init=False)
    _body: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEADER_BYTES)

    def request(self, host: str, agent: str) -> bytes:
        """The bytes of the request that the answer belongs to."""
        headers = [
            ("Host", host),
            ("User-Agent", agent),
            ("Accept", "*/*"),
            ("Accept-Encoding", "identity"),
            ("Connection", "close"),
        ]
        head = self._parser.send(h11.Request(method="GET", target=self.check.path, headers=headers))
        return (head or b"") + (self._parser.send(h11.EndOfMessage()) or b"")

    def feed(self, data: bytes) -> Verdict | None:
        try:
            self._parser.receive_data(data)
            return self._judge()
        except h11.RemoteProtocolError as error:
            if data:
                return Verdict(False, f"no valid HTTP answer: {error}")
            return Verdict(False, "connection closed before the answer was complete")

    def _judge(self) -> Verdict | None:
        while True:
            match self._parser.next_event():
                case h11.Response() as response:
                    verdict = self._judge_status(response.status_code)
                case h11.Data() as piece:
                    verdict = self._judge_body(bytes(piece.data))
                case h11.EndOfMessage():
                    return Verdict(False, f"body does not contain '{self._wanted}'")
                case h11.ConnectionClosed():
                    return Verdict(False, "connection closed without an answer")
                case h11.InformationalResponse():
                    continue
                case _:
                    return None
            if verdict is not None:
                return verdict

    def _judge_status(self, status: int) -> Verdict | None:
        if status != self.check.status:
            return Verdict(False, f"status {status}")
        return Verdict(True, f"status {status}") if self.check.contains is None else None

    def _judge_body(self, piece: bytes) -> Verdict | None:
        wanted = (self.check.contains or "").encode()
        start = max(0, len(self._body) - len(wanted))
        self._body += piece[: MOST_BODY_BYTES - len(self._body)]
        if self._body.find(wanted, start) >= 0:
            return Verdict(True, f"status {self.check.status}, body contains '{self._wanted}'")
        if len(self._body) >= MOST_BODY_BYTES:
            return Verdict(False, f"body does not contain '{self._wanted}' in its first {MOST_BODY_BYTES // 1024} KB")
        return None

    @property
    def _wanted(self) -> str:
        wanted = self.check.contains or ""
        return f"{wanted[:80]}…" if len(wanted) > 80 else wanted
