"""Reads keys and lines from a terminal without ever blocking, and gives the terminal back as it was."""

import asyncio
import codecs
import os
import re
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

_NAMED = {
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x01": "ctrl-a",
    "\x04": "ctrl-d",
    "\x05": "ctrl-e",
    "\x0c": "ctrl-l",
    "\x15": "ctrl-u",
    "\x17": "ctrl-w",
    "\t": "tab",
}
_SEQUENCES = {
    "[A": "up",
    "[B": "down",
    "[C": "right",
    "[D": "left",
    "[H": "home",
    "[F": "end",
    "[1~": "home",
    "[3~": "delete",
    "[4~": "end",
    "[5~": "page-up",
    "[6~": "page-down",
    "OA": "up",
    "OB": "down",
    "OC": "right",
    "OD": "left",
    "OH": "home",
    "OF": "end",
}
_SEQUENCE = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|O[@-~])")
_BEGUN = re.compile(r"\x1b(\[[0-9;?]*[ -/]*|O)?")
ESCAPE_WAIT_S = 0.05
"""How long an Escape may still turn out to be the beginning of another key."""
_LFLAG, _CC = 3, 6


def split_keys(text: str) -> tuple[list[str], str]:
    """The names of the keys in `text`, and the beginning of one whose rest has not come yet."""
    keys: list[str] = []
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\x1b":
            if (found := _SEQUENCE.match(text, position)) is not None:
                keys.append(_SEQUENCES.get(found[1], "unknown"))
                position = found.end()
                continue
            if (begun := _BEGUN.match(text, position)) is not None and begun.end() == len(text):
                return keys, text[position:]
            keys.append("escape")
        else:
            keys.append(_NAMED.get(char, char))
        position += 1
    return keys, ""


class Keyboard:
    """Hands each key to `on_key` while it is open. Ctrl-C stays a signal; Ctrl-Z and flow control are switched off."""

    def __init__(self, fd: int, on_key: Callable[[str], None], on_lost: Callable[[], None]) -> None:
        self._fd = fd
        self._on_key = on_key
        self._on_lost = on_lost
        self._before: list[Any] | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._begun = ""
        self._timer: asyncio.TimerHandle | None = None

    def open(self) -> None:
        self._before = termios.tcgetattr(self._fd)
        tty.setcbreak(self._fd, termios.TCSANOW)
        now = termios.tcgetattr(self._fd)
        for name in (termios.VSUSP, termios.VSTOP, termios.VSTART):
            now[_CC][name] = b"\x00"
        termios.tcsetattr(self._fd, termios.TCSANOW, now)
        asyncio.get_running_loop().add_reader(self._fd, self._read)

    def close(self) -> None:
        """Safe to call twice and when the terminal is gone."""
        if self._before is None:
            return
        asyncio.get_running_loop().remove_reader(self._fd)
        self._still()
        with suppress(termios.error, OSError):
            termios.tcsetattr(self._fd, termios.TCSANOW, self._before)
        self._before = None

    def _read(self) -> None:
        try:
            raw = os.read(self._fd, 4096)
        except OSError:
            raw = b""
        if not raw:
            self.close()
            self._on_lost()
            return
        self._still()
        keys, self._begun = split_keys(self._begun + self._decoder.decode(raw))
        if self._begun:
            self._timer = asyncio.get_running_loop().call_later(ESCAPE_WAIT_S, self._escape)
        for key in keys:
            self._on_key(key)

    def _escape(self) -> None:
        rest, self._begun = self._begun[1:], ""
        self._on_key("escape")
        for key in split_keys(rest)[0]:
            self._on_key(key)

    def _still(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


async def read_line(fd: int, *, secret: bool = False) -> str | None:
    """A line as the terminal's own line editing gives it, without its newline; None at the end of input."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[bytes] = loop.create_future()
    parts: list[bytes] = []

    def take() -> None:
        try:
            raw = os.read(fd, 4096)
        except OSError:
            raw = b""
        parts.append(raw)
        if (not raw or raw.endswith(b"\n")) and not line.done():
            line.set_result(b"".join(parts))

    with _echo(fd, off=secret):
        loop.add_reader(fd, take)
        try:
            raw = await line
        finally:
            loop.remove_reader(fd)
    return raw.decode("utf-8", errors="replace").rstrip("\r\n") if raw else None


@contextmanager
def _echo(fd: int, *, off: bool) -> Iterator[None]:
    if not off:
        yield
        return
    before = termios.tcgetattr(fd)
    changed = termios.tcgetattr(fd)
    changed[_LFLAG] &= ~termios.ECHO
    termios.tcsetattr(fd, termios.TCSANOW, changed)
    try:
        yield
    finally:
        with suppress(termios.error, OSError):
            termios.tcsetattr(fd, termios.TCSANOW, before)
