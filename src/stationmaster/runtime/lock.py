"""A lock file that one process holds while it lives; the kernel lets go of it when the process ends in any way."""

import fcntl
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from stationmaster.core.problem import PlatformError

_TRIES, _BETWEEN_S = 10, 0.02
"""Who asks for the holder has the lock for a moment; that is not yet a holder."""


@dataclass(frozen=True, slots=True)
class HeldLock:
    """Keep it: the lock lasts as long as the descriptor is open."""

    descriptor: int

    def release(self) -> None:
        os.close(self.descriptor)


def own_folder(folder: Path) -> None:
    """Makes a folder for locks that nobody else may enter; one that somebody else has put there is refused."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
        hint = "move it away, or choose another place"
        raise PlatformError("lock-folder-foreign", f"{folder} belongs to somebody else", hint=hint)
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def acquire(path: Path) -> HeldLock | None:
    """Takes the lock and writes this process's id into it; None when another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not any(_locked(descriptor, attempt) for attempt in range(_TRIES)):
        os.close(descriptor)
        return None
    # One write of one width: a reader never finds the file empty or half an id.
    text = f"{os.getpid():>10}".encode()
    os.pwrite(descriptor, text, 0)
    os.ftruncate(descriptor, len(text))
    return HeldLock(descriptor)


def _locked(descriptor: int, attempt: int) -> bool:
    time.sleep(_BETWEEN_S if attempt else 0)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def holder(path: Path) -> int | None:
    """The id of the process that holds the lock; None when nobody does."""
    if not path.exists():
        return None
    mine = acquire_quietly(path)
    if mine is not None:
        mine.release()
        return None
    text = path.read_text("ascii").strip()
    return int(text) if text.isdecimal() else None


def acquire_quietly(path: Path) -> HeldLock | None:
    """Takes the lock without writing into it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return HeldLock(descriptor)
