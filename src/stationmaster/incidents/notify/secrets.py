"""Reads a secret from its file, anew at every use, so that a changed one counts at once."""

from pathlib import Path

from stationmaster.core.problem import PlatformError

_LARGEST_BYTES = 64 * 1024


def read_secret(path: Path) -> str:
    """Raises PlatformError `secret-unreadable`, which names the file and never what it holds."""
    try:
        with path.open("rb") as file:
            found = file.read(_LARGEST_BYTES + 1)
        text = found.decode("utf-8").strip()
    except OSError as error:
        raise _unreadable(path, error.strerror or "it cannot be read") from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, "it is no text") from error
    if not text or len(found) > _LARGEST_BYTES:
        raise _unreadable(path, "it is empty" if not text else f"it is larger than {_LARGEST_BYTES:,} bytes")
    return text


def _unreadable(path: Path, why: str) -> PlatformError:
    hint = "the user who runs the platform has to be able to read it"
    return PlatformError("secret-unreadable", f"the secret in {path}: {why}", hint=hint, status=500)
