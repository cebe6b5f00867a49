"""Receivers of pages that note when what came: a webhook and a server for e-mail, in threads of this process."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

from bench.ground import free_address


@dataclass(frozen=True, slots=True)
class Arrival:
    """`at_s` on the wall clock; `group` names the incident."""

    at_s: float
    group: str


@dataclass(slots=True)
class Arrivals:
    address: str = field(default_factory=free_address)
    got: list[Arrival] = field(default_factory=list)

    def note(self, group: str) -> None:
        self.got.append(Arrival(time.time(), group))

    @property
    def groups(self) -> set[str]:
        return {each.group for each in self.got}

    def wait(self, groups: int, limit_s: float) -> float:
        """Until pages of so many incidents came; seconds since the epoch of the last of them."""
        end = time.monotonic() + limit_s
        while len(self.groups) < groups:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self.groups)} of {groups} incidents were paged within {limit_s:g} s")
            time.sleep(0.005)
        return max({each.group: each.at_s for each in reversed(self.got)}.values())


@contextmanager
def webhook() -> Iterator[Arrivals]:
    """Takes every POST of Alertmanager's webhook and answers 200."""
    arrivals = Arrivals()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            arrivals.note(str(json.loads(body)["groupKey"]))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """A line for each page would be all that is seen."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 512

    host, _, port = arrivals.address.partition(":")
    server = Server((host, int(port)), Hook)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield arrivals
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextmanager
def mailbox() -> Iterator[Arrivals]:
    """Takes every mail; `References` is the same for all mails of an incident."""
    arrivals = Arrivals()

    class Box:
        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - its name there
            lines = envelope.content.decode("utf-8", "replace").splitlines()
            arrivals.note(next(each for each in lines if each.lower().startswith("references:")))
            return "250 taken"

    host, _, port = arrivals.address.partition(":")
    controller = Controller(Box(), hostname=host, port=int(port))
    controller.start()
    try:
        yield arrivals
    finally:
        controller.stop()
