"""Targets for scrapes: a process that serves `/0`, `/1` …, each with its share of the series; counters rise by time."""

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_BUCKETS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "+Inf")
_METHODS, _CODES = ("GET", "POST"), ("200", "404", "500")


class Body:
    """Of one target, `series` in all: a third are histograms' buckets, a third counters, the rest gauges."""

    def __init__(self, series: int) -> None:
        self.buckets = [
            f'http_duration_seconds_bucket{{path="/p{at // len(_BUCKETS)}",le="{_BUCKETS[at % len(_BUCKETS)]}"}}'
            for at in range(series // 3 // len(_BUCKETS) * len(_BUCKETS))
        ]
        self.counters = [
            f'http_requests_total{{path="/p{at // 6}",method="{_METHODS[at % 2]}",code="{_CODES[at // 2 % 3]}"}}'
            for at in range(series // 3)
        ]
        gauges = series - len(self.buckets) - len(self.counters)
        self.gauges = [f'queue_length{{queue="q{at % 50}",shard="{at // 50}"}}' for at in range(gauges)]

    def text(self, now: float) -> bytes:
        elapsed = int(now * 10) % 10_000_000
        lines = [f"{each} {elapsed * (1 + at % len(_BUCKETS))}" for at, each in enumerate(self.buckets)]
        lines += [f"{each} {elapsed * (1 + at % 7)}" for at, each in enumerate(self.counters)]
        lines += [f"{each} {(elapsed + at * 7) % 101}" for at, each in enumerate(self.gauges)]
        return "\n".join([*lines, ""]).encode()


def serve(port: int, targets: int, series: int) -> None:
    body = Body(series // targets)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = body.text(time.time())
            self.send_response(200)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the name of the base class
            return

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(*map(int, sys.argv[1:]))
