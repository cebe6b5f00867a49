"""The state folder of a platform that is up: made for its owner alone, and missed when somebody deletes it."""

import asyncio
import os
import stat
import subprocess

from stationmaster.cli.output import err
from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.lock import HeldLock

_FOR_OTHERS = 0o077
_GRACE_S = 10.0


def make_state(state: StateDir) -> None:
    """Makes the folder where there is none; one that others may read is closed to them, and that is told.

    Raises PlatformError `state-unusable`.
    """
    try:
        state.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = stat.S_IMODE(state.root.stat().st_mode)
        if mode & _FOR_OTHERS:
            state.root.chmod(mode & ~_FOR_OTHERS)
            text = f"{state.root} was open to others (mode {mode:04o}); it holds secrets and is yours alone now"
            err.print(text, style="yellow", markup=False)
    except OSError as error:
        raise PlatformError(
            "state-unusable",
            f"{state.root} cannot be the state folder: {error.strerror}",
            hint="name a folder of your own with --state",
        ) from error


def refuse_lost_state(state: StateDir, held: HeldLock, child: "subprocess.Popen[bytes]") -> None:
    """Raises PlatformError `state-deleted` when the lock that this process holds is no longer in the folder: then
    nothing durable is left, and everything that was started from it has been stopped."""
    if _is_there(state, held):
        return
    err.print(f"{state.root} was deleted while the platform is up: everything is stopped", style="red", markup=False)
    child.terminate()
    try:
        child.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    asyncio.run(_stop_all(state))
    raise PlatformError(
        "state-deleted",
        f"{state.root} was deleted while the platform was up; its processes have been stopped",
        hint="put the folder back from a backup, or start anew with `stationmaster up`",
        status=500,
    )


def _is_there(state: StateDir, held: HeldLock) -> bool:
    try:
        found = state.up_lock.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    mine = os.fstat(held.descriptor)
    return (found.st_dev, found.st_ino) == (mine.st_dev, mine.st_ino)


async def _stop_all(state: StateDir) -> None:
    from stationmaster.fleet.room import executors

    executor = executors(state)
    await asyncio.gather(*(executor.stop(name, grace_s=_GRACE_S) for name in await executor.seen()))
    await executor.close()
