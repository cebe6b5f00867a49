"""The folder in which instances of the key service hand revocations over to the control plane: a revocation that was
answered with success is on disk, and every instance heeds it before the control plane has taken it up."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

import msgspec
import structlog

from stationmaster.core.problem import PlatformError
from stationmaster.runtime.files import write_private

log = structlog.get_logger("keys")

_SUFFIX = ".json"


class Revoked(Enum):
    TOKEN = "token"  # noqa: S105 a word
    API_KEY = "api-key"


class Revocation(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """`id` is the `jti` of a token or the id of an API key; a token is forgotten after `until`."""

    kind: Revoked
    id: str
    user: str
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    path: Path
    revocation: Revocation


@dataclass(frozen=True, slots=True)
class Spool:
    folder: Path

    def leave(self, revocation: Revocation) -> None:
        """Durable when it returns. Raises PlatformError `revocation-not-kept`."""
        try:
            write_private(self._path(revocation.kind, revocation.id), msgspec.json.encode(revocation))
        except OSError as error:
            raise PlatformError(
                "revocation-not-kept",
                f"the revocation cannot be kept: {error.strerror}",
                hint="ask again; the state folder must be writable and on a disk that is not full",
                status=503,
            ) from error

    def holds(self, kind: Revoked, name: str) -> bool:
        return self._path(kind, name).exists()

    def waiting(self) -> tuple[Waiting, ...]:
        """What was left and not yet taken up; a file that cannot be read is put aside for a person to see."""
        try:
            paths = [each for each in self.folder.iterdir() if each.suffix == _SUFFIX]
        except FileNotFoundError:
            return ()
        return tuple(found for path in sorted(paths) if (found := _read(path)) is not None)

    def taken(self, done: Iterable[Waiting]) -> None:
        for each in done:
            each.path.unlink(missing_ok=True)

    def problem(self) -> str | None:
        """Why a revocation could not be kept now; tries it with a file of no meaning."""
        try:
            write_private(self.folder / "probe", b"")
        except OSError as error:
            return error.strerror or "cannot be written"
        return None

    def _path(self, kind: Revoked, name: str) -> Path:
        return self.folder / f"{hashlib.sha256(f'{kind.value}/{name}'.encode()).hexdigest()}{_SUFFIX}"


def _read(path: Path) -> Waiting | None:
    try:
        return Waiting(path, msgspec.json.decode(path.read_bytes(), type=Revocation))
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        log.error("revocation cannot be read", file=str(path), problem=str(error))
        if isinstance(error, msgspec.DecodeError):
            path.rename(path.with_suffix(".unreadable"))
        return None
