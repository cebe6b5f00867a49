"""Where the master key comes from: a private file, the environment, or a command; the first written key is the one
that seals, those after it only open."""

import base64
import binascii
import os
import secrets
import shlex
import stat
import subprocess
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from stationmaster.core.problem import PlatformError
from stationmaster.runtime.cipher import KEY_BYTES, Cipher
from stationmaster.runtime.files import create_private, write_private

KEY_VARIABLE = "STATIONMASTER_MASTER_KEY"
COMMAND_VARIABLE = "STATIONMASTER_MASTER_KEY_COMMAND"
_COMMAND_LIMIT_S = 10.0
_PREFIX = "stationmaster-master-key-1:"
_LONGEST_TEXT = 4096


class Origin(Enum):
    FILE = "file"
    ENVIRONMENT = "environment"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class MasterKeySource:
    """`path` is the key file; the environment variables go before it."""

    path: Path

    @property
    def origin(self) -> Origin:
        if os.environ.get(KEY_VARIABLE):
            return Origin.ENVIRONMENT
        return Origin.COMMAND if os.environ.get(COMMAND_VARIABLE) else Origin.FILE

    @property
    def name(self) -> str:
        match self.origin:
            case Origin.ENVIRONMENT:
                return KEY_VARIABLE
            case Origin.COMMAND:
                return COMMAND_VARIABLE
            case Origin.FILE:
                return str(self.path)

    def load(self) -> Cipher:
        """Raises PlatformError: `master-key-missing`, `-exposed`, `-unreadable`, `-malformed` or `-command`."""
        first, *older = self._keys()
        return Cipher(first, older)

    def load_or_make(self) -> Cipher:
        """Makes the key file (mode 0600) where the key comes from a file and there is none."""
        if self.origin is Origin.FILE and not self.path.exists():
            try:
                create_private(self.path, written(new_key()).encode())
            except OSError as error:
                raise self._unwritable(error) from error
        return self.load()

    def add_key(self) -> bytes:
        """A new key at the head of the key file; the ones before it stay behind it."""
        self._refuse_foreign()
        fresh = new_key()
        self._write(fresh, *self._keys())
        return fresh

    def drop_older(self) -> None:
        """Leaves the first key alone in the key file. Keys from elsewhere are for their owner to drop."""
        if self.origin is Origin.FILE:
            self._write(self._keys()[0])

    def _refuse_foreign(self) -> None:
        if self.origin is not Origin.FILE:
            raise PlatformError(
                "master-key-elsewhere",
                f"the master key comes from {self.name}, which cannot be written from here",
                hint="let it give two keys, the new one first and a blank between them, start the platform again and "
                "repeat this; then take the old one away (`stationmaster cipher new-key` prints a new key)",
                status=409,
            )

    def _write(self, *keys: bytes) -> None:
        try:
            write_private(self.path, "".join(map(written, keys)).encode())
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> PlatformError:
        hint = "the state folder must be writable and on a disk that is not full"
        return PlatformError("master-key-unwritable", f"{self.path}: {error.strerror}", hint=hint, status=500)

    def _keys(self) -> list[bytes]:
        match self.origin:
            case Origin.ENVIRONMENT:
                text = os.environ[KEY_VARIABLE].encode("utf-8", "surrogateescape")
            case Origin.COMMAND:
                text = _said(os.environ[COMMAND_VARIABLE])
            case Origin.FILE:
                text = _read(self.path)
        return _parsed(self.name, text)


def load_cipher(path: Path) -> Cipher:
    """The cipher of the master key that is in force for a state folder whose key file is `path`."""
    return MasterKeySource(path).load()


def load_or_make_cipher(path: Path) -> Cipher:
    return MasterKeySource(path).load_or_make()


def new_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def written(key: bytes) -> str:
    """The line that stands for a key in a file, a variable or the output of a command."""
    return f"{_PREFIX}{base64.urlsafe_b64encode(key).decode()}\n"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            _check_mode(path, os.fstat(file.fileno()).st_mode)
            return file.read(_LONGEST_TEXT)
    except FileNotFoundError as error:
        raise PlatformError(
            "master-key-missing",
            f"there is no master key at {path}",
            hint="the control plane makes it on its first start",
            status=500,
        ) from error
    except OSError as error:
        hint = "run as the user that owns the file"
        raise PlatformError("master-key-unreadable", f"{path}: {error.strerror}", hint=hint, status=500) from error


def _said(command: str) -> bytes:
    """What the command prints. Its output never goes into an error: it may hold the key."""
    try:
        done = subprocess.run(
            shlex.split(command), capture_output=True, timeout=_COMMAND_LIMIT_S, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        # Not chained: the library's error holds what the command printed so far.
        raise _command_failed(f"takes more than {_COMMAND_LIMIT_S:g} s") from None
    except (OSError, ValueError, IndexError) as error:
        raise _command_failed("cannot be started") from error
    if done.returncode != 0:
        raise _command_failed(f"ended with status {done.returncode}")
    return done.stdout[:_LONGEST_TEXT]


def _command_failed(why: str) -> PlatformError:
    return PlatformError(
        "master-key-command",
        f"the command of {COMMAND_VARIABLE} {why}",
        hint="run it by hand as the platform's user; it has to print the master key and end with status 0",
        status=500,
    )


def _check_mode(path: Path, mode: int) -> None:
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise PlatformError(
            "master-key-exposed",
            f"{path} is open to other users (mode {stat.S_IMODE(mode):04o})",
            hint=f"chmod 600 {path}; when others may have read it, replace the key",
            status=500,
        )


def _parsed(name: str, content: bytes) -> list[bytes]:
    keys = [_key(each) for each in content.split()]
    if not keys or None in keys:
        raise PlatformError(
            "master-key-malformed",
            f"{name} holds no master key",
            hint="put the right key back; without it what was sealed cannot be opened",
            status=500,
        )
    return [each for each in keys if each is not None]


def _key(text: bytes) -> bytes | None:
    if not text.startswith(_PREFIX.encode()):
        return None
    try:
        key = base64.urlsafe_b64decode(text.removeprefix(_PREFIX.encode()))
    except binascii.Error:
        return None
    return key if len(key) == KEY_BYTES else None
