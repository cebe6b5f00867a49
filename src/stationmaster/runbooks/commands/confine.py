"""Starts a reading command where the kernel lets it write nothing but its scratch folder and its tools' caches.

Landlock (Linux 5.13, landlock(7)) binds a thread and what that thread starts: the command is started from a thread of
its own that has given up writing. Where the kernel has no Landlock the command is started as it is.
"""

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_NO_NEW_PRIVS = 38
# landlock(7): write-file, remove-dir, remove-file, make-char … make-sym; refer since version 2, truncate since 3.
_WRITES = (1 << 1) | sum(1 << bit for bit in range(4, 13))
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_ON_FILES = (1 << 1) | _TRUNCATE
_CACHES = (".cache", ".kube/cache", ".config/gcloud", ".aws/cli", ".aws/sso", ".azure", ".config/helm")
_DEVICES = tuple(Path("/dev") / name for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts"))
_NEEDS_PRIVILEGES = frozenset(
    {"sudo", "doas", "su", "pkexec", "ping", "ping6", "traceroute", "mtr", "crontab", "mount"}
)
"""Programs that take privileges when they start, which a confined process may not."""


class _Ruleset(ctypes.Structure):
    _fields_ = [("handled_access_fs", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32)]


def can_confine(words: Iterable[str]) -> bool:
    """Whether this kernel can, and a call of these words would still work."""
    return _works() and not any(PurePosixPath(word).name in _NEEDS_PRIVILEGES for word in words)


def start_confined(start: Callable[[], subprocess.Popen[bytes]], scratch: Path) -> subprocess.Popen[bytes]:
    """Calls `start` in a thread that may write below `scratch`, to harmless devices and into the tools' caches."""
    attempt = _Attempt(start=start, writable=(scratch, *_DEVICES, *(Path.home() / each for each in _CACHES)))
    thread = threading.Thread(target=attempt.run)
    thread.start()
    thread.join()
    if attempt.error is not None:
        raise attempt.error
    if attempt.process is None:
        raise OSError("the thread that starts the command ended early")
    return attempt.process


@dataclass(slots=True, kw_only=True)
class _Attempt:
    start: Callable[[], subprocess.Popen[bytes]]
    writable: tuple[Path, ...]
    process: subprocess.Popen[bytes] | None = None
    error: OSError | ValueError | subprocess.SubprocessError | None = field(default=None)

    def run(self) -> None:
        try:
            _restrict_this_thread(self.writable)
            self.process = self.start()
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self.error = error


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


@cache
def _version() -> int:
    """The version of the kernel's Landlock; 0 without."""
    if os.uname().sysname != "Linux":
        return 0
    return max(0, int(_libc().syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))))


@cache
def _works() -> bool:
    """Tried once: a container may forbid what its kernel could do."""
    if _version() == 0:
        return False
    refused: list[OSError] = []

    def attempt() -> None:
        try:
            _restrict_this_thread(())
        except OSError as error:
            refused.append(error)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return not refused


def _restrict_this_thread(writable: tuple[Path, ...]) -> None:
    version = _version()
    handled = _WRITES | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    attributes = _Ruleset(handled)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    ruleset = _called(_CREATE, ctypes.byref(attributes), size, ctypes.c_uint32(0))
    try:
        for each in writable:
            _allow(ruleset, each, handled)
        if _libc().prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
        _called(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, handled: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rights = handled if path.is_dir() else handled & _ON_FILES
        beneath = _Beneath(rights, descriptor)
        _called(
            _ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), ctypes.byref(beneath), ctypes.c_uint32(0)
        )
    finally:
        os.close(descriptor)


def _called(number: int, *arguments: object) -> int:
    result = int(_libc().syscall(number, *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"landlock: {os.strerror(ctypes.get_errno())}")
    return result
