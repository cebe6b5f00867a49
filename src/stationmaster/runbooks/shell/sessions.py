"""Sends a command into the session that it belongs to as one call of its own, where that is exactly the same."""

import re
import shlex
from collections.abc import Sequence

from stationmaster.runbooks.read.document import Session, SessionKind
from stationmaster.runbooks.risk.classes import cells
from stationmaster.runbooks.shell.commands import parse
from stationmaster.runbooks.shell.script import kept_variables

_SHELLS = re.compile(r"(?P<before>.*?)\s+(?P<shell>(?:/\S*/)?(?:sh|bash|ash|dash|zsh))\s*", re.DOTALL)
_TTY = re.compile(r"(?<=\s)(?:-it|-ti|-i|-t|--stdin|--tty|--interactive|--stdin=true|--tty=true)(?=\s)")
_EXEC_TTY = re.compile(
    r"(?P<before>\b(?:kubectl|oc)\b(?:(?!\s--\s)[^|;&\n])*?\bexec\b(?:(?!\s--\s)[^|;&\n])*?"
    r"|\b(?:docker|podman)(?:[ -]compose)?\s+exec(?:\s+(?:-[uwe]\s+\S+|--?[\w-]+=\S+|-[di]))*?)"
    r"\s(?P<tty>-it|-ti|-t|--tty(?:=true)?)(?=\s)"
)
_SQL = {"psql": "-c", "mysql": "-e", "mariadb": "-e"}
_KEEPS_STATE = re.compile(r"\\c\b|\b(?:use|set|begin|start transaction|savepoint|prepare|declare)\b", re.IGNORECASE)
_SHELL_STATE = cells("cd pushd export source . alias set sudo su exec umask exit")


def compose(session: Session, text: str, before: Sequence[str]) -> str | None:
    """The command as one call through the session's opener; None where that would not be exact: the opener is no plain
    call, or a command typed `before` in the same session changed what this one sees (folder, variables, database)."""
    opener = parse(session.opened_by)
    if not opener.simple or opener.commands[0].assignments or any(_changes_session(each, session) for each in before):
        return None
    words = [word.text for word in opener.commands[0].words]
    match session.kind:
        case SessionKind.SSH:
            return _over_ssh(session.opened_by, words, text)
        case SessionKind.CONTAINER:
            return _in_container(session.opened_by, text)
        case SessionKind.DATABASE:
            option = _SQL.get(words[0])
            return None if option is None else f"{session.opened_by} {option} {shlex.quote(text)}"
        case _:
            return None


def _changes_session(text: str, session: Session) -> bool:
    if session.kind is SessionKind.DATABASE:
        return bool(_KEEPS_STATE.match(text.strip()))
    script = parse(text)
    return bool(script.opaque or kept_variables(text)) or any(each.program in _SHELL_STATE for each in script.commands)


def _over_ssh(opener: str, words: list[str], text: str) -> str | None:
    """ssh hands its words, joined by blanks, to the login shell of the other side: one quoted word is exact."""
    if words[:1] != ["ssh"]:
        return None
    plain = re.sub(r"\s-t+(?=\s)", "", f"{opener} ").strip()
    return f"{plain} {shlex.quote(text)}"


def _in_container(opener: str, text: str) -> str | None:
    found = _SHELLS.fullmatch(opener.strip())
    if found is None and re.match(r"oc\s+rsh\b", opener.strip()):
        found = _SHELLS.fullmatch(f"{opener.strip()} sh")
    if found is None or not re.search(r"\b(?:exec|rsh)\b", found["before"]):
        return None
    before = _TTY.sub("", f"{found['before']} ")
    return f"{' '.join(before.split())} {found['shell']} -c {shlex.quote(text)}"


def without_terminal(text: str) -> str:
    """The same call without asking for a terminal, which a step does not have; nothing else about it changes."""
    return _EXEC_TTY.sub(lambda found: f"{found['before']}{' -i' if 'i' in found['tty'] else ''}", text)
