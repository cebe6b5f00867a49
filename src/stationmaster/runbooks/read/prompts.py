"""Knows the prompts that documents copy from a terminal, and lines that are output rather than something typed."""

import re
from dataclasses import dataclass

from stationmaster.runbooks.read.document import LOCAL, Session, SessionKind
from stationmaster.runbooks.read.programs import KNOWN, VERBS_AFTER, WORDS_TOO

_SHELL = re.compile(
    r"\s*(?P<prompt>\([\w.-]+\)\s*\$|[\w.:~@/-]{0,80}(?<=\w)[@:][\w.:~@/-]{0,80}[$%>#]"
    r"|\[[^\]\n]{1,60}\]\s?(?:[\w.@~/-]{0,40}\s?)?[$%#]"
    r"|(?:sh|bash|ash)-[\d.]+[#$]|/\s?[#$]|~\s?[#$%]|[\w.-]{1,80}\s?[$%](?=\s)|\$>?|%|~(?=\s+[a-z])|❯"
    r"|➜\s+\S+)(?:\s+(?=\S)|\s*$)"
)
_HASH = re.compile(r"\s*#\s+(?P<program>[\w./-]+)(?:\s+\S.*)?$")
_ANGLE = re.compile(r"\s*>\s+(?=\S)")
_CONSOLE = re.compile(
    r"\s*(?P<prompt>(?:mysql|mongo|redis|sqlite|cqlsh|influx|gitlab-rails|rails|irb|pry|test|\w+-rails|SQL|node"
    r"|iex|ghci|pgbouncer|MariaDB|ftp|zk)(?:\s?[\[(][^\])\n]{0,60}[\])])?(?::\d+:\d+)?\s?[>*]"
    r"|\[\d+\] pry\([^)\n]*\)>|irb\([^)\n]*\):\d+(?::\d+)?[>*]|[\w.-]+\((?:main|dev|prod|staging|development"
    r"|production)\)(?::\d+:\d+)?[>*]|>>>|(?:\d{1,3}\.){3}\d{1,3}:\d+(?:\[\d+\])?>"
    r"|[A-Za-z_]\w*[=-][#>*]|\[ ?[\w-]+ ?\] ?\w+>|PS [A-Za-z]:[^>\n]*>|PS>|[A-Z]:\\[^>\n]*>)\s*(?=\S)"
)
_SQL = re.compile(r"(?:mysql|mariadb|sqlite|cqlsh|SQL|[A-Za-z_]\w*[=-][#>*])", re.IGNORECASE)
_WORD = re.compile(r"""(?:[A-Za-z_]\w*=(?:"[^"]*"|'[^']*'|[^\s"']*)\s+)*(?:sudo\s+(?:-\S+\s+)*)?(?P<word>\S+)""")
_ASSIGNS = re.compile(r"[A-Za-z_]\w*\+?=\S|[A-Za-z_]\w*=$")
_CONTROL = frozenset(
    [
        "for",
        "while",
        "until",
        "if",
        "then",
        "else",
        "elif",
        "fi",
        "do",
        "done",
        "case",
        "esac",
        "function",
        "select",
        "{",
        "}",
        "(",
        ")",
        "((",
        "[[",
        "[",
        "!",
        ".",
        ":",
        "return",
        "break",
        "continue",
        "shift",
        "eval",
    ]
)
_OPTION = re.compile(r"\s--?[A-Za-z]")
_COLUMNS = re.compile(r"\S(?:\s{3,}|\t)\S")
_METRIC = re.compile(r"[a-z:]+(?:_[a-z:]+){2,}(?:\{[^}]*\})?(?:\[\w+\])?")
_NAME = re.compile(r"[a-z_./~$][\w./:~$@{}<>+-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a block: what was typed after its prompt, if it has one. `session` is what the prompt alone tells."""

    text: str
    prompt: str = ""
    session: Session = LOCAL
    console: bool = False


def read_line(text: str, *, hashes: bool) -> Line:
    """`hashes` says that `# ` before a program is the prompt of root rather than a comment."""
    if (match := _CONSOLE.match(text)) is not None:
        prompt = match["prompt"]
        kind = SessionKind.DATABASE if _SQL.match(prompt) else SessionKind.CONSOLE
        return Line(text=text[match.end() :], prompt=prompt, session=Session(kind=kind, opened_by=prompt), console=True)
    if (match := _SHELL.match(text)) is not None:
        prompt = match["prompt"].strip()
        return Line(text=text[match.end() :], prompt=prompt, session=_elsewhere(prompt))
    if hashes and (match := _HASH.match(text)) is not None and is_program(match["program"]):
        return Line(text=text[match.start("program") :], prompt="#")
    if (match := _ANGLE.match(text)) is not None and begins_command(text[match.end() :]):
        return Line(text=text[match.end() :], prompt=">")
    return Line(text=text)


def _elsewhere(prompt: str) -> Session:
    """A prompt such as `sh-5.1#` belongs to a container's shell."""
    if re.match(r"(?:sh|bash|ash)-[\d.]+[#$]", prompt) or prompt in {"/ #", "/ $", "/#"}:
        return Session(kind=SessionKind.CONTAINER, opened_by=prompt)
    return LOCAL


def first_word(text: str) -> str:
    match = _WORD.match(text.strip())
    if match is None:
        return ""
    return "sudo" if match["word"].startswith("-") else match["word"]


def is_program(word: str) -> bool:
    return word.rsplit("/", 1)[-1] in KNOWN and not word.endswith("/")


def begins_command(text: str) -> bool:
    """Whether a line begins with something a shell runs for certain."""
    stripped = text.strip()
    word = first_word(stripped)
    if word in _CONTROL or is_program(word) or _ASSIGNS.match(stripped):
        return not (word in WORDS_TOO and _prose_like(stripped))
    return bool(
        re.match(r"(?:\.{0,2}/|~/|(?:bin|sbin|scripts?|tools?|exe|hack)/)[\w./-]*\w$|/chatops$", word)
    ) or word.endswith((".sh", ".py", ".rb"))


def _prose_like(text: str) -> bool:
    """Whether a line reads as words of a language: no option, path, variable or quotation mark in it."""
    words = text.split()
    if words[0] == "sudo" or len(words) == 1:
        return False
    if words[0] in VERBS_AFTER and len(words) > 1 and words[1][:1].islower():
        return False
    return not re.search(r"[-/|<>$.=\"'\\*@:_\d\[(]", text) and len(words) != 2


def looks_like_output(text: str, *, after_command: bool) -> bool:
    """Whether a line without a prompt, in a block of shell, was printed rather than typed."""
    stripped = text.strip()
    if begins_command(stripped):
        return (
            after_command and bool(_COLUMNS.search(stripped)) and not _OPTION.search(stripped) and "|" not in stripped
        )
    word = first_word(stripped)
    if _METRIC.fullmatch(stripped):
        return True
    if not _NAME.fullmatch(word) or word.endswith((":", ",")):
        return after_command or not word.startswith(("<", "{", "$", '"', "'", "(", "`", "[", "\\"))
    if after_command:
        return not _OPTION.search(stripped)
    words = stripped.split()
    return len(words) > 3 and not re.search(r"\s-|[/=|<>$\"'\\{*]", stripped)
