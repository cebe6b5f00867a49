"""Runs one command on the operator's machine: its own process group, a time limit, output streamed and bounded."""

import asyncio
import codecs
import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Protocol

from stationmaster.core.command import NOT_RUNNABLE, CommandResult
from stationmaster.runbooks.commands.confine import can_confine, start_confined
from stationmaster.runbooks.commands.processes import MARKER, end_all, ended, kill_marked, signal_group, uninterrupted
from stationmaster.runtime.master_key import COMMAND_VARIABLE, KEY_VARIABLE

HEAD_BYTES, TAIL_BYTES = 16_384, 32_768
_LONGEST_CUT = 4_096
_LEAVES = frozenset({"setsid", "nohup", "daemonize", "start-stop-daemon", "systemd-run", "disown", "&"})
_EOF_GRACE_S = 0.5
_KEPT_BYTES = 65_536
_TAKEN_OUT = frozenset({"HISTFILE", "BASH_ENV", "ENV", "PROMPT_COMMAND", "CDPATH", KEY_VARIABLE, COMMAND_VARIABLE})
_QUIET = {
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "SYSTEMD_PAGER": "cat",
    "MANPAGER": "cat",
    "AWS_PAGER": "",
    "GIT_TERMINAL_PROMPT": "0",
    "TERM": "dumb",
}


class Ending(Enum):
    EXITED = "exited"
    TIMED_OUT = "timed-out"
    STOPPED = "stopped"
    """A person did not want to wait for it any longer."""
    NOT_STARTED = "not-started"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`keeps` are the shell variables that are wanted afterwards; what only `reads` is kept from writing, where the
    kernel can, and may not leave anything running. `words` are the words of its calls."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    timeout_s: float
    marker: str
    keeps: tuple[str, ...] = ()
    reads: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """`output` is both streams as they came, head and tail; `printed` is standard output alone."""

    ending: Ending
    exit_status: int | None
    output: str
    printed: str
    kept: Mapping[str, str] = field(default_factory=dict)
    took_ms: int = 0

    @property
    def result(self) -> CommandResult:
        return CommandResult(exit_status=self.exit_status, output=self.output)


class Runner(Protocol):
    """Runs one order; `seen` hears every piece of output and whether it came on standard error, `stop` ends it."""

    async def __call__(
        self, order: Order, seen: Callable[[str, bool], None], *, stop: asyncio.Event | None = None
    ) -> Ran: ...


async def run_locally(order: Order, seen: Callable[[str, bool], None], *, stop: asyncio.Event | None = None) -> Ran:
    """`seen` hears every piece of output, and whether it came on standard error. When the caller is cancelled, or
    `stop` is set, the command is ended first: SIGTERM, then SIGKILL, for everything that it started."""
    with tempfile.TemporaryDirectory(prefix="stm-step-", ignore_cleanup_errors=True) as scratch:
        both, printed = Kept(), Kept()
        pipes = _Pipes(
            out=_Pipe(hear=partial(_hear, (both, printed), seen, False)),
            error=_Pipe(hear=partial(_hear, (both,), seen, True)),
        )
        try:
            return await _ran(order, Path(scratch), pipes, (both, printed), stop=stop)
        finally:
            pipes.close()


async def _ran(
    order: Order, scratch: Path, pipes: "_Pipes", heard: tuple["Kept", "Kept"], *, stop: asyncio.Event | None
) -> Ran:
    started = time.monotonic()
    kept = scratch / "kept"
    try:
        process = _spawn(order, kept, scratch, pipes)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        pipes.unused()
        told = error.strerror if isinstance(error, OSError) else str(error)
        text = f"{NOT_RUNNABLE}: {order.argv[0]}: {told}"
        return Ran(ending=Ending.NOT_STARTED, exit_status=None, output=text, printed="")
    pipes.begin()
    ending = await _followed(process, order, pipes, stop)
    cut = {Ending.TIMED_OUT: f"\n(stopped: no end after {order.timeout_s:g} s)", Ending.STOPPED: "\n(stopped by hand)"}
    return Ran(
        ending=ending,
        exit_status=None if ending in cut else process.returncode,
        output=heard[0].text() + cut.get(ending, ""),
        printed=heard[1].text(),
        kept=_read_kept(kept, order.keeps),
        took_ms=round((time.monotonic() - started) * 1000),
    )


def _hear(into: tuple["Kept", ...], seen: Callable[[str, bool], None], error: bool, chunk: bytes, text: str) -> None:
    for each in into:
        each.add(chunk)
    if text:
        seen(text, error)


def environment(order: Order, scratch: Path) -> dict[str, str]:
    """What the command sees: no history, pager or prompts, nothing that a shell would run first, no keys of ours."""
    found = {
        name: value
        for name, value in order.env.items()
        if name not in _TAKEN_OUT and not name.startswith("BASH_FUNC_") and "\0" not in value
    }
    found.update(_QUIET)
    found[MARKER] = order.marker
    return {**found, "TMPDIR": str(scratch)} if order.reads else found


def _spawn(order: Order, kept: Path, scratch: Path, pipes: "_Pipes") -> subprocess.Popen[bytes]:
    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            _keeping(order.argv, order.keeps, kept),
            stdin=subprocess.DEVNULL,
            stdout=pipes.out.write_end,
            stderr=pipes.error.write_end,
            cwd=order.cwd,
            env=environment(order, scratch),
            start_new_session=True,
        )

    return start_confined(start, scratch) if order.reads and can_confine(order.words) else start()


def _keeping(argv: tuple[str, ...], keeps: tuple[str, ...], kept: Path) -> tuple[str, ...]:
    """A shell writes the wanted variables when it ends, however it ends."""
    if not keeps or argv[0] != "bash":
        return argv
    written = " ".join(f'{name} "${{{name}-}}"' for name in keeps)
    at_end = f'printf "%s\\0" {written} >{shlex.quote(str(kept))}'
    return (*argv[:-1], f"trap {shlex.quote(at_end)} EXIT\n{argv[-1]}")


def _read_kept(path: Path, keeps: tuple[str, ...]) -> dict[str, str]:
    if not keeps or not path.exists() or path.stat().st_size > _KEPT_BYTES:
        return {}
    parts = path.read_bytes().decode("utf-8", "replace").split("\0")
    return {name: value for name, value in zip(parts[::2], parts[1::2], strict=False) if name in keeps}


async def _followed(
    process: subprocess.Popen[bytes], order: Order, pipes: "_Pipes", stop: asyncio.Event | None
) -> Ending:
    """Waits until the command ends; what it leaves running in the background does not hold us."""
    over = False
    try:
        async with asyncio.timeout(order.timeout_s):
            over = await ended(process, unless=stop)
    except TimeoutError:
        over = process.poll() is not None  # it may have ended while we were stopped ourselves
    finally:
        if not over:
            await uninterrupted(end_all(process, order.marker))
        elif order.reads:
            await _nothing_left(process.pid, order)
        await pipes.drained(_EOF_GRACE_S)
    if over:
        return Ending.EXITED
    return Ending.STOPPED if stop is not None and stop.is_set() else Ending.TIMED_OUT


async def _nothing_left(pid: int, order: Order) -> None:
    """What only looks leaves nothing running; who could have left its process group is looked for by its marker."""
    signal_group(pid, signal.SIGKILL)
    if order.argv[0] == "bash" or _LEAVES & {Path(word).name for word in order.words}:
        await asyncio.to_thread(kill_marked, order.marker)


@dataclass(slots=True, kw_only=True)
class _Pipe:
    """One stream of a command, read without ever blocking the loop."""

    hear: Callable[[bytes, str], None]
    read_end: int = field(init=False)
    write_end: int = field(init=False)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"), init=False)

    def __post_init__(self) -> None:
        self.decoder.errors = "replace"
        self.read_end, self.write_end = os.pipe()
        os.set_blocking(self.read_end, False)

    def begin(self) -> None:
        os.close(self.write_end)
        asyncio.get_running_loop().add_reader(self.read_end, self._ready)

    def _ready(self) -> None:
        try:
            chunk = os.read(self.read_end, 65_536)
        except BlockingIOError:
            return
        if not chunk:
            asyncio.get_running_loop().remove_reader(self.read_end)
            self.ended.set()
        self.hear(chunk, self.decoder.decode(chunk, final=not chunk))

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.read_end)
        os.close(self.read_end)


@dataclass(slots=True, kw_only=True)
class _Pipes:
    out: _Pipe
    error: _Pipe

    def begin(self) -> None:
        self.out.begin()
        self.error.begin()

    def unused(self) -> None:
        os.close(self.out.write_end)
        os.close(self.error.write_end)

    async def drained(self, limit_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self.out.ended.wait()
                await self.error.ended.wait()

    def close(self) -> None:
        self.out.close()
        self.error.close()


@dataclass(slots=True)
class Kept:
    """Head and tail of a stream, whatever its length."""

    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    left_out: int = 0

    def add(self, chunk: bytes) -> None:
        room = max(0, HEAD_BYTES - len(self.head))
        self.head += chunk[:room]
        self.tail += chunk[room:]
        if len(self.tail) > 2 * TAIL_BYTES:
            self.left_out += len(self.tail) - TAIL_BYTES
            del self.tail[:-TAIL_BYTES]

    def text(self) -> str:
        if not self.left_out:
            return bytes(self.head + self.tail).decode("utf-8", "replace")
        head, tail = _whole_words(self.head), _whole_words(self.tail[::-1])[::-1]
        left_out = self.left_out + len(self.head) - len(head) + len(self.tail) - len(tail)
        return f"{_text(head)}\n… {left_out} bytes left out …\n{_text(tail)}"


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _whole_words(raw: bytes | bytearray) -> bytes:
    """Without the line that was cut off, or what may be half a word: half a secret would not be known for one."""
    end = max(raw.rfind(b"\n", -_LONGEST_CUT), raw.rfind(b"\r", -_LONGEST_CUT))
    return bytes(raw[:end] if end >= 0 else raw[:-_LONGEST_CUT])
