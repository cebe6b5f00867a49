"""Loopback ports for tests."""

import socket
from collections.abc import Callable


def free_ports() -> Callable[[], int]:
    """Hands out TCP ports of 127.0.0.1 that nobody listens on, each once."""
    given: set[int] = set()

    def next_port() -> int:
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port: int = probe.getsockname()[1]
            if port not in given:
                given.add(port)
                return port

    return next_port
