"""An exporter of a test's own that a real Prometheus and our scraper read at the same time."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

_LIMIT_S = 30.0
_SEEN_OFTEN = 3

# Our samples have the moment of their scrape, whatever timestamps an exporter tells.
CONFIG = """
global: {{}}
scrape_configs:
- job_name: live
  honor_timestamps: false
  scrape_interval: {interval}ms
  scrape_timeout: {interval}ms
  static_configs:
  - targets: ["127.0.0.1:{port}"]
    labels: {{zone: a}}
"""


@dataclass
class Exporter:
    """Tells the same until it is told to tell something else; counts how often each of its readers has heard that."""

    port: int = 0
    body: bytes = b""
    status: int = 200
    heard: dict[str, int] = field(default_factory=dict)

    def tell(self, body: str, status: int = 200) -> None:
        self.body, self.status = body.encode(), status
        self.heard = {}

    async def until_heard(self, readers: int) -> None:
        """By so many, each often enough for the last scrape but one to have been stored."""
        deadline = time.monotonic() + _LIMIT_S
        while len(self.heard) < readers or min(self.heard.values()) <= _SEEN_OFTEN:
            assert time.monotonic() < deadline, f"not scraped by {readers}: {self.heard}"
            await asyncio.sleep(0.01)


@contextmanager
def exporting() -> Iterator[Exporter]:
    exporter = Exporter()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body, status, heard = exporter.body, exporter.status, exporter.heard
            self.send_response(status)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            reader = self.headers.get("user-agent", "").partition("/")[0]
            heard[reader] = heard.get(reader, 0) + 1

        def log_message(self, *_: Any) -> None:
            """Not on the test's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    exporter.port = server.server_port
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield exporter
    finally:
        server.shutdown()
        server.server_close()
        thread.join(_LIMIT_S)
