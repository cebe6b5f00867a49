"""Runs the command line in a real pseudo-terminal: what it writes, what is typed, what it leaves behind."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

STM = Path(sys.executable).parent / "stm"
ENTER_SCREEN, LEAVE_SCREEN = "\x1b[?1049h", "\x1b[?1049l"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>])")
LIMIT_S = 30.0


def environment(home: Path, **more: str) -> dict[str, str]:
    """A person's own folders below `home`, and a terminal that can do what most can."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "SHELL": "/bin/sh",
        **more,
    }


class PseudoTerminal:
    """`written` is every byte that reached the terminal, decoded. Use as a context: what still runs is ended."""

    def __init__(
        self, arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path, size: tuple[int, int] = (80, 24)
    ) -> None:
        self._master, self._slave = os.openpty()
        self.resize(*size, told=False)
        self.before = termios.tcgetattr(self._slave)
        self.written = ""
        self.process = subprocess.Popen(
            [str(STM), *arguments],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 one thread only
        )

    def __enter__(self) -> "PseudoTerminal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for fd in (self._master, self._slave):
            if fd >= 0:
                os.close(fd)

    def resize(self, width: int, height: int, *, told: bool = True) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        if told:
            self.process.send_signal(signal.SIGWINCH)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def lose(self) -> None:
        """The terminal is gone, as when a connection breaks."""
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1

    def wait_for(self, text: str, *, after: int = 0) -> int:
        """Waits until `text` was shown, and says where in `written` that was over."""
        ends = time.monotonic() + LIMIT_S
        while time.monotonic() < ends:
            if text in plain(self.written[after:]):
                return len(self.written)
            if not self._read() and self.process.poll() is not None and text not in plain(self.written[after:]):
                break
        raise AssertionError(f"{text!r} was not shown:\n{plain(self.written[after:])[-3000:]}")

    def ends(self) -> int:
        """The exit status, once everything that was written has been read."""
        ends = time.monotonic() + LIMIT_S
        while self.process.poll() is None:
            self._read()
            assert time.monotonic() < ends, plain(self.written)[-3000:]
        while self._read(wait_s=0.05):
            pass
        return self.process.wait()

    def assert_given_back(self) -> None:
        """The ordinary screen is shown, the cursor as well, and the settings are what they were."""
        assert self.written.count(ENTER_SCREEN) == self.written.count(LEAVE_SCREEN)
        if HIDE_CURSOR in self.written:
            assert self.written.rindex(SHOW_CURSOR) > self.written.rindex(HIDE_CURSOR)
        assert termios.tcgetattr(self._slave) == self.before

    def _read(self, *, wait_s: float = 0.2) -> bool:
        ready, _, _ = select.select([self._master], [], [], wait_s)
        if not ready:
            return False
        self.written += os.read(self._master, 65536).decode("utf-8", errors="replace")
        return True


def plain(written: str) -> str:
    return _SEQUENCE.sub("", written)


def frames(written: str) -> list[list[str]]:
    """The screens that were drawn, each as its lines without colours."""
    shown = written.partition(ENTER_SCREEN)[2].partition(LEAVE_SCREEN)[0]
    return [plain(each).replace("\r", "").split("\n") for each in shown.split("\x1b[H")[1:]]
