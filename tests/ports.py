"""Loopback ports for tests."""

import random
import socket
from collections.abc import Callable
from contextlib import suppress

_OURS = range(10_000, 32_000)
"""Below those from which the kernel takes the ports of outgoing connections: one of these could take a port in the
moment between two lives of a process."""


def free_ports() -> Callable[[], int]:
    """Hands out TCP ports of 127.0.0.1 that nobody listens on, each once."""
    candidates = iter(random.sample(_OURS, len(_OURS)))

    def next_port() -> int:
        for port in candidates:
            with socket.socket() as probe, suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
        raise RuntimeError("no port is free")

    return next_port
