"""Sessions of `login`, kept in the user's configuration for that user alone; each goes to the URL it was made at."""

import ipaddress
import os
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from stationmaster.core.problem import PlatformError
from stationmaster.runtime.files import write_private

URL_VARIABLE = "STATIONMASTER_URL"
TOKEN_VARIABLE = "STATIONMASTER_TOKEN"  # noqa: S105 the name of a variable


class SavedSession(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str
    token: str
    name: str
    role: str
    expires_at: datetime


class _File(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The newest session stands last."""

    sessions: tuple[SavedSession, ...] = ()


def asked_url() -> str | None:
    """The control plane that the caller has named, with `--url` or the environment."""
    named = os.environ.get(URL_VARIABLE, "")
    return control_url(named) if named else None


def given_token() -> str:
    """A machine's token from the environment; it goes to the URL that is named beside it, and nowhere else."""
    return os.environ.get(TOKEN_VARIABLE, "").strip()


def control_url(text: str) -> str:
    """The one form of a control plane's URL. Raises PlatformError `bad-url`."""
    try:
        url = urlsplit(text.strip())
        host, port = url.hostname or "", url.port
    except ValueError:
        url, host, port = urlsplit(""), "", None
    if url.scheme not in ("http", "https") or not host or "@" in url.netloc or url.path.strip("/") or url.query:
        hint = "for example http://127.0.0.1:7000"
        raise PlatformError("bad-url", f"{text!r} is no URL of a control plane", hint=hint)
    return f"{url.scheme}://{f'[{host}]' if ':' in host else host}{'' if port is None else f':{port}'}"


def in_clear(url: str) -> bool:
    """Whether what is sent there can be read on the way."""
    parsed = urlsplit(url)
    host = parsed.hostname or ""
    if parsed.scheme == "https" or host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


def session_of(url: str | None) -> SavedSession | None:
    """The session at that URL; the newest of all where none is named."""
    found = [each for each in _read().sessions if url in (None, each.url)]
    return found[-1] if found else None


def keep(session: SavedSession) -> None:
    _write([*_others(session.url), session])


def forget(url: str) -> None:
    _write(_others(url))


def sessions_file() -> Path:
    root = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(root) / "stationmaster" / "sessions.json"


def _others(url: str) -> list[SavedSession]:
    return [each for each in _read().sessions if each.url != url]


def _read() -> _File:
    """A file that cannot be read as sessions counts as none: the next login replaces it."""
    try:
        return msgspec.json.decode(sessions_file().read_bytes(), type=_File)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return _File()


def _write(sessions: list[SavedSession]) -> None:
    file = sessions_file()
    try:
        write_private(file, msgspec.json.encode(_File(sessions=tuple(sessions))))
    except OSError as error:
        hint = "name a folder that you may write with XDG_CONFIG_HOME"
        raise PlatformError("session-unsaved", f"{file} cannot be written: {error.strerror}", hint=hint) from error
