"""Bytes that are no HTTP request, or headers that are too large, get a problem document as every other refusal."""

import json
import sys

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from stationmaster.runtime.problems import PROBLEM_TYPE

_LARGEST_HEAD_KIB = 64
"""What the server takes by default."""

_TOO_LARGE = 431


class ProblemProtocol(H11Protocol):
    def send_400_response(self, msg: str) -> None:
        """Is called while the parser's error is handled, which knows the status (RFC 9110, RFC 6585)."""
        error = sys.exception()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        body = json.dumps(_problem(status, str(error or msg))).encode()
        headers = [("content-type", PROBLEM_TYPE), ("content-length", str(len(body))), ("connection", "close")]
        for event in (h11.Response(status_code=status, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def _problem(status: int, detail: str) -> dict[str, object]:
    code, hint = "bad-request", "speak HTTP/1.1"
    if status == _TOO_LARGE:
        code = "headers-too-large"
        detail, hint = "request line and headers are too large", f"{_LARGEST_HEAD_KIB} KiB are taken"
    return {"type": "about:blank", "title": code, "status": status, "detail": detail, "code": code, "hint": hint}
