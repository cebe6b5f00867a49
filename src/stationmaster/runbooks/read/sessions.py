"""Knows which commands open a shell or a prompt somewhere else, and which leave it again."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from stationmaster.runbooks.read.document import LOCAL, Session, SessionKind
from stationmaster.runbooks.risk.classes import cells
from stationmaster.runbooks.shell.commands import parse

_HINT = re.compile(
    r"\b(?:ssh|mosh|telnet|exec|rsh|debug|attach|psql|mysql|mariadb|redis-cli|sqlite3|mongo(?:sh)?|cqlsh|influx"
    r"|clickhouse-client"
    r"|console|dbconsole|rails|irb|pry|python[23]?|su|sudo|bash|sh|zsh|ash|chroot|nsenter|run|pgb-console"
    r"|gitlab-psql|start-session"
    r"|toolbox|shell|connect|zkCli\.sh|etcdctl)\b"
)
_PROMPTING = re.compile(
    r"\b(?:psql|mysql|mariadb|redis-cli|sqlite3|mongo(?:sh)?|cqlsh|influx|clickhouse-client|console|dbconsole"
    r"|rails|irb|pry"
    r"|python[23]?|pgb-console|node|erl|iex)\b"
)
_SHELLS = cells("sh bash ash zsh dash ksh /bin/sh /bin/bash /bin/ash /bin/zsh /usr/bin/bash /bin/dash")
_SSH_VALUES = cells("-i -p -l -L -o -J -F -D -R -b -c -e -m -w -W -B -E -I -Q -S -O")
_SQL = {
    "psql": cells("-c --command -f --file -l --list"),
    "gitlab-psql": cells("-c --command -f --file -l"),
    "pgb-console": cells("-c --command -f"),
    "mysql": cells("-e --execute"),
    "mariadb": cells("-e --execute"),
    "cqlsh": cells("-e --execute -f --file"),
    "clickhouse-client": cells("-q --query --queries-file"),
    "mongo": cells("--eval"),
    "mongosh": cells("--eval"),
    "influx": cells("-execute --execute"),
}
_REDIS_VALUES = cells("-h -p -a -n -u -s --user --pass -r -i -t --sni --cacert --cert --key")
_CONSOLES = cells("irb pry python python2 python3 node erl iex php ghci scala groovy bundle")
_WRAPPERS = cells("sudo env timeout nohup time command winpty bundle")
_VALUES = {"sudo": cells("-u -g -h -U --user --group"), "timeout": cells("-s -k"), "env": cells("-u -C")}
_EXEC_VALUES = cells(
    "-n --namespace -c --container -e --env -u --user -w --workdir --context --kubeconfig --index --as --name"
    " --network -v --volume -p --image"
)
_SUBSTITUTED = re.compile(r"\$\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|`[^`]*`")
_FED = re.compile(r"<<|<\s+\S|<[./]|\|")
_BANNER = re.compile(r"\S+ \(\S")
"""What a client prints when it starts: `psql (11.7, server 12.0)`."""
_SIMPLE = re.compile(r"(?!\w+=)[\w./:@%+,\- ]+")
"""One command without anything that only a shell's grammar explains."""
_LEAVES = re.compile(r"(?:exit|logout|quit|bye|\\q|exit\(\)|quit\(\)|:q|\.exit|\^D|ctrl[-+ ]d)\s*;?\s*", re.IGNORECASE)


@dataclass(slots=True, kw_only=True)
class OpenSessions:
    """The sessions that a document has opened and not yet left, the innermost last."""

    stack: list[Session] = field(default_factory=list)
    left: list[Session] = field(default_factory=list)
    """What was open at the end of the block before, for a text that goes on "in the same shell"."""
    lasting: bool = False
    """Whether the next block is typed in there too: nothing followed the command that opened it."""

    @property
    def current(self) -> Session:
        return self.stack[-1] if self.stack else LOCAL

    def note(self, text: str) -> None:
        """Takes notice of a statement that was typed."""
        if self.stack and leaves(text):
            self.stack.pop()
            self.lasting = self.lasting and bool(self.stack)
        elif (opened := opened_by(text)) is not None:
            self.stack.append(opened)

    def opened_in_prose(self, text: str) -> None:
        """Takes notice of a command that a sentence tells to run: its prompt is there for the next block."""
        if (opened := opened_by(text)) is not None and opened.kind in {SessionKind.CONSOLE, SessionKind.DATABASE}:
            self.stack, self.lasting = [*self.stack, opened], True

    def copy(self) -> "OpenSessions":
        return OpenSessions(stack=list(self.stack), lasting=self.lasting)

    def reopen(self) -> None:
        if not self.stack and self.left:
            self.stack, self.lasting = self.left, True

    def clear(self) -> None:
        self.left, self.stack = self.stack, []
        self.lasting = False


def leaves(text: str) -> bool:
    return _LEAVES.fullmatch(text.strip()) is not None


def may_open_prompt(text: str) -> bool:
    """Whether a line names a program that reads a language of its own."""
    return _PROMPTING.search(text) is not None


def opened_by(text: str) -> Session | None:
    """The session that a statement opens for what is typed after it."""
    if not _HINT.search(text) or _BANNER.match(text):
        return None
    plain = _SUBSTITUTED.sub("SUBSTITUTED", text)
    if _FED.search(plain):
        return None
    words = plain.split() if _SIMPLE.fullmatch(plain) else _last_words(plain)
    kind = _kind(words)
    return None if kind is None else Session(kind=kind, opened_by=text)


def _last_words(text: str) -> list[str]:
    """The words of the command that is left running: the only one, or the last of `a && b`."""
    commands = parse(text).commands
    if not commands or (len(commands) > 1 and "&&" not in text):
        return []
    return [word.text for word in commands[-1].words]


def _kind(words: Sequence[str]) -> SessionKind | None:
    words = list(words)
    while words and words[0].rsplit("/", 1)[-1] in _WRAPPERS:
        if (own := _privileged(words)) is not None:
            return own
        words = _inner(words)
    if not words:
        return None
    program, rest = words[0].rsplit("/", 1)[-1], words[1:]
    match program:
        case "ssh" | "mosh" | "telnet":
            return _remote(rest)
        case "kubectl" | "oc" | "k" | "docker" | "podman" | "nerdctl" | "crictl" | "lxc" | "docker-compose":
            return _container(rest)
        case "su":
            return None if "-c" in rest or "--command" in rest else SessionKind.LOCAL
        case "chroot":
            return SessionKind.CONTAINER if len(rest) < 2 else _kind(rest[1:])
        case "nsenter" | "toolbox":
            return SessionKind.CONTAINER
    if program in _SQL:
        return None if any(word.split("=", 1)[0] in _SQL[program] for word in rest) else SessionKind.DATABASE
    return _other(program, words[0], rest)


def _other(program: str, word: str, rest: Sequence[str]) -> SessionKind | None:
    if word in _SHELLS:
        return SessionKind.LOCAL if not rest or rest == ["-l"] else None
    if program == "redis-cli":
        return SessionKind.CONSOLE if not _operands(rest, _REDIS_VALUES) else None
    if program == "sqlite3":
        return SessionKind.DATABASE if len(_operands(rest, frozenset())) <= 1 else None
    if program in _CONSOLES or program.endswith("rails-console"):
        return SessionKind.CONSOLE if not rest else None
    if program in {"rails", "gitlab-rails", "spring", "heroku", "artisan", "govuk-docker-run"}:
        first = rest[0] if rest else ""
        return (
            SessionKind.CONSOLE
            if first in {"c", "console"}
            else (SessionKind.DATABASE if first in {"dbconsole", "db"} else None)
        )
    if list(rest[:2]) == ["compute", "ssh"] or (
        program in {"tsh", "vagrant", "cf", "bosh", "docker-machine"} and "ssh" in rest
    ):
        return (
            None if {"-c", "--command"} & {each.split("=", 1)[0] for each in rest} or "--" in rest else SessionKind.SSH
        )
    if program == "aws" and list(rest[:2]) == ["ssm", "start-session"]:
        return SessionKind.SSH
    return None


def _privileged(words: Sequence[str]) -> SessionKind | None:
    """`sudo -i`, `sudo -s`, `sudo su -`: another shell on the same host."""
    if words[0] != "sudo":
        return None
    inner = _inner(words)
    flags = {word for word in words[1:] if word.startswith("-")}
    return SessionKind.LOCAL if not inner and flags & {"-i", "-s", "-su", "--login", "--shell"} else None


def _inner(words: Sequence[str]) -> list[str]:
    rest, values = list(words[1:]), _VALUES.get(words[0], frozenset())
    while rest and (rest[0].startswith("-") or re.match(r"[A-Za-z_]\w*=", rest[0])):
        rest = rest[2:] if rest[0] in values else rest[1:]
    if words[0] == "timeout":
        return rest[1:]
    return rest[1:] if words[0] == "bundle" and rest[:1] == ["exec"] else rest


def _operands(rest: Sequence[str], values: frozenset[str]) -> list[str]:
    found: list[str] = []
    skip = False
    for word in rest:
        if skip:
            skip = False
        elif word in values:
            skip = True
        elif not word.startswith("-"):
            found.append(word)
    return found


def _remote(rest: Sequence[str]) -> SessionKind | None:
    flags = {word for word in rest if word.startswith("-")}
    return SessionKind.SSH if len(_operands(rest, _SSH_VALUES)) == 1 and not flags & {"-N", "-G", "-V"} else None


def _container(rest: Sequence[str]) -> SessionKind | None:
    plain = _operands([word for word in rest if word != "--"], _EXEC_VALUES)
    if not plain:
        return None
    verb = next((word for word in plain if word in {"exec", "rsh", "debug", "attach", "run", "shell"}), "")
    if not verb or plain.index(verb) > 2:
        return None
    if verb in {"rsh", "debug"}:
        inner = list(rest[rest.index("--") + 1 :]) if "--" in rest else plain[plain.index(verb) + 2 :]
        return SessionKind.CONTAINER if not inner else _inside(inner)
    if verb == "attach":
        return SessionKind.CONTAINER
    inner = list(rest[rest.index("--") + 1 :]) if "--" in rest else plain[plain.index(verb) + 2 :]
    return _inside(inner) if inner else (SessionKind.CONTAINER if verb == "exec" else None)


def _inside(words: Sequence[str]) -> SessionKind | None:
    if words[0] in _SHELLS:
        if len(words) == 1 or words[1:] == ["-l"]:
            return SessionKind.CONTAINER
        at = next((number for number, word in enumerate(words) if word in {"-c", "-lc", "-ic"}), 0)
        return _inside(words[at + 1].split()) if at and at + 1 < len(words) and words[at + 1].split() else None
    return _kind(words)
