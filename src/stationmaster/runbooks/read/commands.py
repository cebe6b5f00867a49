"""Takes shell commands out of fences and inline code; text that only looks like one stays text."""

import re

from stationmaster.runbooks.read.document import LOCAL, Command, Session, SessionKind
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.risk_programs import SPECIAL
from stationmaster.runbooks.risk_table import ALIASES, PROGRAM_ROWS, VERB_ROWS, cells
from stationmaster.runbooks.shell import parse, statements

_SHELLS = frozenset({"", "bash", "sh", "shell", "console", "shell-session", "terminal", "zsh", "text", "plaintext"})
_CERTAIN = frozenset({"bash", "sh", "shell", "console", "shell-session", "zsh"})
_PROMPT = re.compile(r"^\s*(?:\$|#(?=\s*(?:sudo|kubectl|docker)\b)|[\w.@:~-]+[$%]|sh-[\d.]+[#$])\s+(?=\S)")
KNOWN = (
    frozenset(row.program for row in VERB_ROWS)
    | frozenset(verb[0] for row in PROGRAM_ROWS for verb in row.verbs)
    | frozenset(SPECIAL)
    | frozenset(ALIASES)
    | frozenset({"sudo", "env", "timeout", "nohup", "xargs", "sh", "bash", "helm", "git", "terraform", "gcloud", "az"})
)
_WORDS_TOO = cells("test type true false host last which time cat who w top date sort find less more [ k")
"""Programs whose names are also plain words: as inline code they need an argument that looks like one."""


def language_of(info: str) -> str:
    return re.split(r"[\s{]", info.strip(), maxsplit=1)[0].lower()


def is_shell(info: str, text: str) -> bool:
    """Whether a block holds commands: by its language, or without one by its first word."""
    language = language_of(info)
    if language in _CERTAIN:
        return True
    return language in _SHELLS and any(looks_like_command(line) for line in text.splitlines()[:3])


def looks_like_command(text: str) -> bool:
    """Whether a line of inline code is a command: a known program with at least one word after it."""
    line = _PROMPT.sub("", text.strip())
    parts = line.split()
    if len(parts) < 2:
        return False
    program = parts[0].rsplit("/", 1)[-1]
    if program not in KNOWN:
        return False
    return program not in _WORDS_TOO or bool(re.search(r"[-/|<>$.=]", line))


def inline_command(text: str, *, line: int) -> Command | None:
    if not looks_like_command(text):
        return None
    return Command(text=_PROMPT.sub("", text.strip()), lines=Lines(first=line, last=line))


def fence_commands(text: str, *, first_line: int) -> tuple[Command, ...]:
    """The statements of a fence whose first line is `first_line` of the document; prompts are taken off.

    When any line has a prompt, lines without one are output. What follows a command that opens a session on
    another machine belongs to that session.
    """
    prompted = [bool(_PROMPT.match(line)) for line in text.splitlines()]
    body = "\n".join(
        _bare(line, marked, any(prompted)) for line, marked in zip(text.splitlines(), prompted, strict=True)
    )
    session = LOCAL
    found: list[Command] = []
    for each in statements(body):
        lines = Lines(first=first_line + each.first_line, last=first_line + each.last_line)
        found.append(Command(text=each.text, lines=lines, comment=each.comment, session=session))
        if opened := _opened(each.text):
            session = Session(
                kind=SessionKind.SSH if opened.startswith("ssh") else SessionKind.CONTAINER, opened_by=opened
            )
    return tuple(found)


def _bare(line: str, prompted: bool, any_prompted: bool) -> str:
    if prompted:
        return _PROMPT.sub("", line)
    return "" if any_prompted and line.strip() and not line.startswith((" ", "\t")) else line


def _opened(text: str) -> str:
    """The session that a command opens for the lines after it."""
    script = parse(text)
    if len(script.commands) != 1:
        return ""
    words = [word.text for word in script.commands[0].words]
    if words and words[0] == "ssh" and len([word for word in words[1:] if not word.startswith("-")]) == 1:
        return text
    shell = words[-1:] and words[-1] in {"sh", "bash", "/bin/sh", "/bin/bash"} and "exec" in words
    client = words[:1] == ["psql"] and "-c" not in words
    return text if shell or client or words[:2] == ["oc", "rsh"] else ""
