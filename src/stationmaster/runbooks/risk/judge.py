"""Classes a shell command by its parsed words: what it may do, and why we think so."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from stationmaster.runbooks.risk import remote, variables, wrappers
from stationmaster.runbooks.risk.classes import Judged, Risk, worst
from stationmaster.runbooks.risk.programs import ALIASES, SPECIAL, TABLES
from stationmaster.runbooks.shell.commands import SimpleCommand, Word, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """`why` holds one sentence for every part that gave the line its class."""

    risk: Risk
    why: tuple[str, ...]


_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "rbash"})
_DECLARING = frozenset({"export", "unset", "declare", "local", "readonly", "typeset"})
_PROGRAM_PATH = re.compile(r"(?:/usr|/usr/local|/opt(?:/[\w.-]+){1,3})?/s?bin/[^/]+")
_PRECIOUS = re.compile(
    r"""["']?/dev/(?!null|stdout|stderr|tty|tcp/|udp/|fd/|shm/).*|["']?/(?:etc/(?:passwd|shadow|group|sudoers|fstab|hosts|crontab|ssh/.*|pam\.d/.*)|proc/.*|sys/.*|boot/.*)"""
)
_OF_BASH_ALONE = re.compile(r"""\$['"]|\[\[|\(\(|[<>]\(|&>|<<<|\{[^}]*,|\|&|;&|\$\[|\bfunction\b""")
"""What other shells read differently, or not at all."""
_DEEPEST = 8
_KEPT, _LONGEST_KEPT = 4096, 2000


def assess(text: str) -> Assessment:
    """The class of a whole text: its worst part wins; what cannot be read is unknown. Placeholders such as
    `<pod-name>` count as filled in by plain words."""
    return _remembered(text) if len(text) <= _LONGEST_KEPT else _assess(text, depth=0)


@lru_cache(maxsize=_KEPT)
def _remembered(text: str) -> Assessment:
    return _assess(text, depth=0)


def forget() -> None:
    """Empties the bounded memory of texts that were classed."""
    _remembered.cache_clear()


def _assess(text: str, *, depth: int, reader: str = "bash") -> Assessment:
    if depth > _DEEPEST:
        return _of(Risk.UNKNOWN, "shells within shells are not followed any deeper")
    script = parse(text)
    parts = [_of(Risk.UNKNOWN, reason) for reason in script.opaque]
    if reader != "bash" and _OF_BASH_ALONE.search(text):
        parts.append(_of(Risk.UNKNOWN, f"`{reader}` may read it otherwise than bash"))
    parts += [_assess_command(command, depth=depth) for command in script.commands]
    return _together(parts) if parts else _of(Risk.UNKNOWN, "there is no command in it")


def _together(parts: Sequence[Assessment]) -> Assessment:
    risk = worst(*(part.risk for part in parts))
    why = dict.fromkeys(reason for part in parts if part.risk is risk for reason in part.why)
    return Assessment(risk=risk, why=tuple(why))


def _of(risk: Risk, reason: str) -> Assessment:
    return Assessment(risk=risk, why=(reason,))


def _assess_command(command: SimpleCommand, *, depth: int) -> Assessment:
    found = [_written(name) for name in command.writes]
    if not command.words or command.program in _DECLARING:
        found += [_of(*variables.assigned(name)) for name in command.assignments]
    else:
        found.append(_assess_words(command.words, command, depth=depth))
        strange = (name for name in command.assignments if name not in variables.HARMLESS_VARIABLES)
        found += [_of(Risk.UNKNOWN, f"`{name}=` may change which program runs") for name in strange]
    return _together(found) if found else _of(Risk.UNKNOWN, "no program is named")


def _written(name: str) -> Assessment:
    if _PRECIOUS.fullmatch(name):
        return _of(Risk.DESTROY, f"`> {name}` overwrites a device or what the host stands on")
    return _of(Risk.CHANGE, f"`> {name}` writes a file")


def _assess_words(words: Sequence[Word], command: SimpleCommand, *, depth: int) -> Assessment:
    if not words:
        return _of(Risk.UNKNOWN, "no program is named")
    if depth > _DEEPEST:
        return _of(Risk.UNKNOWN, "wrappers within wrappers are not followed any deeper")
    if words[0].dynamic:
        return _of(Risk.UNKNOWN, f"`{words[0].text}` names its program only when it runs")
    named = words[0].text
    if "/" in named and not _PROGRAM_PATH.fullmatch(named):
        return _of(Risk.UNKNOWN, f"`{named}` may be any program, whatever its name")
    program = ALIASES.get(PurePosixPath(named).name, PurePosixPath(named).name)
    if program in _SHELLS:
        return _assess_shell(words, command, depth=depth)
    inner = wrappers.wrapped(program, words) or remote.elsewhere(program, words)
    if inner is not None:
        return _assess_inner(program, inner, command, depth=depth)
    return _of(*_judge(program, words, command))


def _judge(program: str, words: Sequence[Word], command: SimpleCommand) -> Judged:
    if program == "read":
        return _read_into(words)
    if (special := SPECIAL.get(program)) is not None:
        odd = next((word for word in words if word.dynamic and word.bare.startswith("-") and word.text[0] != "-"), None)
        if odd is not None:
            return Risk.UNKNOWN, f"`{program}` gets `{odd.text}`, which may be any option"
        risk, reason = special(words, command.fed)
        return risk, f"`{program}` {reason}"
    if (table := TABLES.get(program)) is not None:
        return table.judge(words)
    return Risk.UNKNOWN, f"`{program}` is not in the table of known programs"


def _read_into(words: Sequence[Word]) -> Judged:
    for word in words[1:]:
        risk, reason = variables.assigned(word.text)
        if word.dynamic or (risk is not Risk.READ and not re.fullmatch(r"-[a-zA-Z]\w*|\d+|''|", word.text)):
            return Risk.UNKNOWN, reason
    return Risk.READ, "`read` takes a line of input into a variable"


def _assess_inner(program: str, inner: wrappers.Wrapped, command: SimpleCommand, *, depth: int) -> Assessment:
    if inner.problem:
        return _of(inner.risk, f"`{program}` {inner.problem}")
    if inner.text is not None:
        found = _assess(inner.text, depth=depth + 1, reader="another shell")
    else:
        found = _assess_words(inner.words, command, depth=depth + 1)
    return _together([found, _of(inner.risk, f"`{program}` {inner.why}")]) if inner.why else found


def _assess_shell(words: Sequence[Word], command: SimpleCommand, *, depth: int) -> Assessment:
    rest, shell = list(words[1:]), PurePosixPath(words[0].text).name
    while rest and rest[0].text in {"-l", "-e", "-x", "-i", "-s", "--login", "-ex", "-xe", "--norc", "--noprofile"}:
        rest.pop(0)
    if not rest:
        return _assess_fed(command, shell, depth=depth)
    if rest[0].text in {"--version", "--help"}:
        return _of(Risk.READ, "shows the version of the shell")
    if re.fullmatch(r"-[lexu]*c", rest[0].text) and len(rest) >= 2:
        if rest[1].dynamic:
            return _of(Risk.UNKNOWN, "the text for the shell is known only when it runs")
        return _assess(rest[1].text, depth=depth + 1, reader=shell)
    return _of(Risk.UNKNOWN, f"what `{rest[0].text}` does cannot be seen here")


def _assess_fed(command: SimpleCommand, shell: str, *, depth: int) -> Assessment:
    if command.fed:
        return _assess(command.fed, depth=depth + 1, reader=shell)
    if command.piped or command.fed is None:
        return _of(Risk.UNKNOWN, "a shell runs whatever it is fed")
    return _of(Risk.INTERACTIVE, "opens a shell")
