"""Keeps the beginning and the end of an output of any length."""

_HEAD_BYTES = _TAIL_BYTES = 16_384


class Kept:
    """Of what is added, the first and the last 16 KB, with a line that says how much is left out between them."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    def add(self, chunk: bytes) -> None:
        room = max(0, _HEAD_BYTES - len(self._head))
        self._head += chunk[:room]
        self._tail += chunk[room:]
        if len(self._tail) > 2 * _TAIL_BYTES:
            self._left_out += len(self._tail) - _TAIL_BYTES
            del self._tail[:-_TAIL_BYTES]

    def text(self) -> str:
        gap = f"\n… {self._left_out} bytes left out …\n".encode() if self._left_out else b""
        return (self._head + gap + self._tail).decode("utf-8", "replace")


def too_late(output: str, timeout_s: float) -> str:
    """The output of a command that was stopped because it did not end in time."""
    return f"{output}\n(stopped: no end after {timeout_s:g} s)"
