"""Decides which values of an alert may stand in commands that nobody looks at: none that leads to what is secret."""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import unquote

from stationmaster.core.facts import Alert

_KEPT_FROM_RUNS = tuple(
    PurePosixPath(each)
    for each in (
        "/etc",
        "/root",
        "/home",
        "/proc",
        "/sys",
        "/boot",
        "/run",
        "/var/run",
        "/var/lib/docker",
        "/var/spool",
    )
)
"""Where files lie that a label has no business to name; a disk or a mount point elsewhere it may."""
_SECRET_PART = re.compile(r"(?:^|/)(?:\.ssh|\.aws|\.gnupg|\.kube|\.docker|\.netrc|\.env|id_[a-z0-9]+|secrets?)(?:/|$)")
_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_PATH_SCHEMES = frozenset({"file", "dict", "gopher", "ftp", "sftp", "scp", "tftp", "ldap", "smb"})


def trusted(alert: Alert, state: PurePosixPath | None = None) -> Alert:
    """Without the labels, and the URL, that lead astray: what needs them is left to a person. `state` is the folder of
    the platform, with its keys."""
    labels = {name: value for name, value in alert.labels.items() if not astray(value, state)}
    return replace(alert, labels=labels, url="" if astray(alert.url, state) else alert.url)


def refused(labels: Mapping[str, str], state: PurePosixPath | None = None) -> Mapping[str, str]:
    """Labels that are left out, and why."""
    return {name: why for name, value in labels.items() if (why := astray(value, state))}


def astray(value: str, state: PurePosixPath | None = None) -> str:
    """Why the value may not be read by a run that nobody watches; empty when it may. Percent escapes count as what they
    stand for."""
    plain = unquote(unquote(value)).replace("\\", "/").strip()
    scheme = _SCHEME.match(plain)
    if scheme and scheme[1].lower() in _PATH_SCHEMES:
        return f"it is a URL of {scheme[1].lower()}:"
    if scheme and plain[scheme.end() :].startswith("//"):
        return ""
    parts = re.split(r"[/=:,\s@]", plain)
    if ".." in parts:
        return "it leads out of its folder"
    for word in re.split(r"[=,\s@]", plain):
        if why := _names_secret(word, state):
            return why
    return ""


def _names_secret(word: str, state: PurePosixPath | None) -> str:
    if word.startswith("~"):
        return "it names somebody's home"
    if "/" in word and _SECRET_PART.search(word):
        return "it names what is secret"
    if not word.startswith("/"):
        return ""
    path = PurePosixPath("/" + posixpath.normpath(word).lstrip("/"))
    for each in (*_KEPT_FROM_RUNS, *([state] if state is not None else [])):
        if path.is_relative_to(each):
            return f"it lies in {'the state folder' if each == state else each}"
    return ""
