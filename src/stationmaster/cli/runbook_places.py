"""Where a person's own runbook files lie (XDG Base Directory Specification), and who they are on this machine."""

import os
import pwd
from pathlib import Path
from typing import Annotated

import typer

_JOURNAL = "~/.local/state/stationmaster/runs.db"
JOURNAL_HELP = "Where runs are written down."
JournalOption = Annotated[
    Path | None, typer.Option("--journal", metavar="FILE", help=JOURNAL_HELP, show_default=_JOURNAL)
]
ByOption = Annotated[
    str, typer.Option("--by", metavar="NAME", help="Who you are, where a login is shared.", show_default="your login")
]


def state_folder() -> Path:
    return _folder("XDG_STATE_HOME", ".local/state")


def approver_folder() -> Path:
    """Private keys of approvers; on an approver's own machine only."""
    return _folder("XDG_CONFIG_HOME", ".config") / "approver"


def request_folder() -> Path:
    """Requests to a second person that wait for their code."""
    return state_folder() / "requests"


def journal_file(given: Path | None) -> Path:
    """The journal, made readable by its owner alone where it does not stand yet."""
    path = given or state_folder() / "runs.db"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    return path


def login() -> str:
    """The account that runs this; behind `sudo` the one that called it. Never what a variable of one's own says."""
    uid = os.getuid()
    if uid == 0 and (caller := os.environ.get("SUDO_USER")):
        return caller
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"


def _folder(variable: str, below_home: str) -> Path:
    """A relative path in the variable is to be ignored, says the specification."""
    given = Path(os.environ.get(variable) or "")
    root = given if given.is_absolute() else Path.home() / below_home
    return root / "stationmaster"
