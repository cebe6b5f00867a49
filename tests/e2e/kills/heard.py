"""A receiver of pages in a thread of this process: notes every POST of Alertmanager's webhook and answers it late."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_ANSWERS_AFTER_S = 0.15
"""Long enough for a kill between the arrival of a page and the note that it was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One message: to which receiver, about which incident, on which occasion, with which alerts."""

    receiver: str
    incident: int
    occasion: str
    alerts: tuple[str, ...]
    summary: str


@dataclass(slots=True)
class Receiver:
    port: int
    heard: list[Heard] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/page"


@contextmanager
def receiving(port: int) -> Iterator[Receiver]:
    receiver = Receiver(port)

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.heard.append(_read(self.rfile.read(int(self.headers["content-length"]))))
            time.sleep(_ANSWERS_AFTER_S)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """A line for each page would be all that is seen."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Who sends dies now and then: that is what is tried here."""

    server = Server(("127.0.0.1", port), Hook)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _read(body: bytes) -> Heard:
    said = json.loads(body)
    notes = said["commonAnnotations"]
    return Heard(
        receiver=said["receiver"],
        incident=int(said["groupLabels"]["incident"]),
        occasion=notes["occasion"],
        alerts=tuple(each["labels"].get("alertname", "") for each in said["alerts"]),
        summary=notes.get("summary", ""),
    )
