"""Finds and ends what a step has started: by its process group and by the marker in its environment."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import psutil

MARKER = "STATIONMASTER_STEP"
"""Names the step in the environment of everything that it starts."""
GRACE_S = 3.0
"""How long a command has between SIGTERM and SIGKILL."""
HANGING_S = 10.0
"""How long a command that was killed may still hang before it is left behind."""
_POLL_S = 0.05


async def ended(process: subprocess.Popen[bytes], *, unless: asyncio.Event | None = None) -> bool:
    """Until the process itself has ended; its pipes may live on in its children. False when `unless` is set before."""
    delay_s = 0.001
    while process.poll() is None:
        if unless is not None and unless.is_set():
            return False
        await asyncio.sleep(delay_s)
        delay_s = min(delay_s * 1.3, _POLL_S)
    return True


async def end_all(process: subprocess.Popen[bytes], marker: str) -> None:
    """Ends a command and all that it started, also what has left its process group: first politely, then for good."""
    pid = process.pid
    signal_group(pid, signal.SIGTERM)
    for each in marked(marker):
        _signal(each, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_S
    while (process.poll() is None or _group_lives(pid) or marked(marker)) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(_POLL_S)
    signal_group(pid, signal.SIGKILL)
    for each in marked(marker):
        _signal(each, signal.SIGKILL)
    with suppress(TimeoutError):  # one that hangs in the kernel (a lost disk or share) ends when that lets it go
        async with asyncio.timeout(HANGING_S):
            await ended(process)


async def uninterrupted(work: Coroutine[Any, Any, None]) -> None:
    """To its end, however often the caller is cancelled meanwhile; the cancellation comes after it."""
    task, cancelled = asyncio.create_task(work), False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    task.result()


async def end_marked(marker: str) -> None:
    """Ends what a run that is no more has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for each in marked(marker):
            _signal(each, number)
        deadline = time.monotonic() + GRACE_S
        while marked(marker) and time.monotonic() < deadline:  # noqa: ASYNC110 nothing tells when they end
            await asyncio.sleep(_POLL_S)


def kill_marked(marker: str) -> None:
    """Ends what a look has left behind, until nothing is left: it has nothing to tidy up."""
    deadline = time.monotonic() + GRACE_S
    while (found := marked(marker)) and time.monotonic() < deadline:
        for each in found:
            _signal(each, signal.SIGKILL)
        time.sleep(_POLL_S / 5)


def marked(marker: str) -> list[psutil.Process]:
    """Every process that bears the step's marker; what belongs to another user cannot be seen."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARKER) == marker and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _group_lives(pid: int) -> bool:
    """Whether anything but a zombie is left in the group."""
    try:
        os.killpg(pid, 0)
    except OSError:
        return False
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if os.getpgid(process.pid) == pid and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


def signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(OSError):
        os.killpg(pid, number)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.Error):
        process.send_signal(number)
