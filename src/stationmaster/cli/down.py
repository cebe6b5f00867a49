"""`down`: stop the platform, its gateway nodes drained first."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from stationmaster.api.wire import Empty
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import out, refusals
from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.lock import holder

EXAMPLES = "Example: [bold]stationmaster down[/bold]"

_STOP_LIMIT_S = 40.0
_POLL_S = 0.1


def down(state: StateOption = DEFAULT_STATE) -> None:
    """Stop every process of the platform; nothing durable is lost."""
    place = state_dir(state)
    with refusals():
        if not place.root.is_dir():
            raise PlatformError("no-state", f"there is no {place.root}", hint="name the state folder with --state")
        if not place.up_lock.exists() and not place.control_lock.exists():
            raise PlatformError(
                "no-state", f"no platform was ever run from {place.root}", hint="name the state folder with --state"
            )
        supervisor = holder(place.up_lock)
        if supervisor is None:
            stop_platform(place)
        else:
            _signal(supervisor, signal.SIGTERM)
            _wait_until(lambda: _ended(supervisor), place.up_lock)
    out.print("stopped")


def stop_platform(state: StateDir) -> None:
    """Asks the control plane to stop all; where it is away, or fails to, stops every process directly."""
    with suppress(PlatformError):
        ControlClient(state, local_only=True).post("/api/v1/shutdown", Empty(), Empty)
        _wait_until(lambda: holder(state.control_lock) is None, state.control_lock)
    remaining = holder(state.control_lock)
    if remaining is not None:
        _signal(remaining, signal.SIGKILL)
        _wait_until(lambda: holder(state.control_lock) is None, state.control_lock)
    if state.database.exists():
        from stationmaster.app import stop_without_control

        stop_without_control(state)


def end_process(pid: int, lock: Path) -> None:
    """Asks the holder of a lock to end and waits for it."""
    _signal(pid, signal.SIGTERM)
    _wait_until(lambda: holder(lock) is None, lock)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _wait_until(done: Callable[[], bool], what: Path) -> None:
    deadline = time.monotonic() + _STOP_LIMIT_S
    while not done():
        if time.monotonic() > deadline:
            raise PlatformError(
                "not-stopped", f"the holder of {what} does not end", hint="see its log in the state folder"
            )
        time.sleep(_POLL_S)
