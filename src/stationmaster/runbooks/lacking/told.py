"""Tells that a command could not be run here from what a program says of its surroundings, and asks before changes."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import urlsplit

from stationmaster.core.command import NOT_RUNNABLE, CommandResult
from stationmaster.runbooks.lacking.table import (
    LACKS,
    NEEDS_CONTAINER,
    OF_CONTAINERS,
    PROBES,
    Lack,
    Scope,
)
from stationmaster.runbooks.shell.commands import SimpleCommand, parse

_COMMAND_MISSING = re.compile(r"(?:^|[\s:])([\w.+/-]+): (?:command )?not found", re.MULTILINE)
_CURL_UNRESOLVED = 6
_CURL = frozenset({"curl"})
_PRIVATE = re.compile(
    r"[a-z0-9_-]+|.+\.(?:local|internal|svc|lan|corp|intranet|home|consul|localdomain)", re.IGNORECASE
)
"""Names that mean something inside one network alone: without a dot, or under a domain that is never public (RFC 6762,
RFC 9476, Kubernetes' cluster.local)."""
_LONGEST = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A look that says whether a program finds what it works upon; `program` is whose answer it is."""

    program: str
    argv: tuple[str, ...]


def lacks(text: str, result: CommandResult) -> str:
    """Why the command could not do its work here, in words that begin with `not runnable here`; empty where it did,
    whatever it found. What was found wrong with the thing itself is never meant."""
    if not result.output and result.exit_status != _CURL_UNRESOLVED:
        return ""
    if why := _not_found(text, result):
        return f"{NOT_RUNNABLE}: {why}"
    for command in _calls(text):
        why = _of_command(command, result)
        if why:
            return f"{NOT_RUNNABLE}: {' '.join(why.split())[:_LONGEST]}"
    return ""


def missing_program(text: str, found: Callable[[str], object]) -> str:
    """Why the text cannot be run where `found` does not find a program that it calls; empty where it can. What a shell
    may bring along itself is not looked for."""
    script = parse(text)
    known = frozenset[str]().union(*(each.programs for each in LACKS), *(each.programs for each in PROBES))
    for command in _calls(text):
        program = command.program
        asked = program in known or (script.simple and not command.words[0].dynamic and _is_plain(program))
        if asked and not found(program):
            return f"{NOT_RUNNABLE}: {program} not found on PATH"
    return ""


def probes_of(text: str) -> tuple[Probe, ...]:
    """How to find out, by looking alone, whether the programs of a change find what they change."""
    return tuple(dict.fromkeys(_probes(text)))


def _probes(text: str) -> Iterator[Probe]:
    for command in _calls(text):
        program = PurePath(command.program).name
        for known in PROBES:
            if program not in known.programs or set(_plain_words(command)[:2]) & known.alone:
                continue
            carried = tuple(_carried(command, known.carries))
            yield Probe(program=program, argv=(program, *carried, *(_container(command) or known.asks)))


def _container(command: SimpleCommand) -> tuple[str, ...]:
    """A look at the container that is to be changed."""
    words = _plain_words(command)
    if PurePath(command.program).name not in OF_CONTAINERS or not words or words[0] not in NEEDS_CONTAINER:
        return ()
    named = words[1] if words[0] == "exec" else words[-1]
    return ("inspect", "--type", "container", "--format", "{{.Id}}", named) if len(words) > 1 else ()


def _plain_words(command: SimpleCommand) -> list[str]:
    """The words that are no options, nor what an option that says whom to ask takes."""
    taken = {word for known in PROBES for word in _carried(command, known.carries)}
    return [
        word.text
        for word in command.words[1:]
        if not word.text.startswith("-") and not word.dynamic and word.text not in taken
    ]


def _carried(command: SimpleCommand, options: frozenset[str]) -> Iterator[str]:
    """The options that say which cluster, engine or account is meant."""
    words = [word.text for word in command.words[1:] if not word.dynamic]
    for number, word in enumerate(words):
        name, joined, _ = word.partition("=")
        if name in options:
            yield from (word,) if joined else words[number : number + 2]


def _calls(text: str) -> Sequence[SimpleCommand]:
    return [_unwrapped(each) for each in parse(text).commands if each.words]


def _unwrapped(command: SimpleCommand) -> SimpleCommand:
    """`sudo` runs what stands behind it, here."""
    words = command.words
    while words and PurePath(words[0].text).name in {"sudo", "command", "exec", "time", "nohup"}:
        words = words[1:]
        while words and words[0].text.startswith("-"):
            words = words[1:]
    return SimpleCommand(words=words or command.words)


def _not_found(text: str, result: CommandResult) -> str:
    """A shell names the program that it did not find."""
    if not result.exit_status:
        return ""
    named = {PurePath(match[1]).name for match in _COMMAND_MISSING.finditer(result.output)}
    called = {PurePath(each.program).name for each in (*parse(text).commands, *_calls(text))}
    return f"{min(named & called)} not found on PATH" if named & called else ""


def _of_command(command: SimpleCommand, result: CommandResult) -> str:
    program = PurePath(command.program).name
    if program in _CURL:
        return _unresolved(command, result)
    for lack in LACKS:
        if program in lack.programs and (why := _of_lack(lack, command, result)):
            return why
    return ""


def _of_lack(lack: Lack, command: SimpleCommand, result: CommandResult) -> str:
    if not result.exit_status and not lack.whatever_status:
        return ""
    if lack.scope is Scope.DEFAULT_ADDRESS and _names_address(command, lack.addresses):
        return ""
    match = lack.said.search(result.output)
    return match.expand(lack.why) if match is not None else ""


def _names_address(command: SimpleCommand, options: frozenset[str]) -> bool:
    """Whether the command says itself whom it asks: then no answer is a finding."""
    for word in (each.text for each in command.words[1:]):
        named = any(word == option or word.startswith(f"{option}=") for option in options if option.startswith("-"))
        short = any(len(option) == 2 and word.startswith(option) and len(word) > 2 for option in options)
        if named or short or "://" in word or re.search(r"(?:^|\s)host(?:addr)?=", word):
            return True
    return False


def _unresolved(command: SimpleCommand, result: CommandResult) -> str:
    """A name of a private network that nobody here knows; a public name that is not found is a finding."""
    if result.exit_status != _CURL_UNRESOLVED:
        return ""
    for word in (each.text for each in command.words[1:]):
        host = urlsplit(word if "://" in word else f"//{word}").hostname or ""
        if host and not word.startswith("-") and (_PRIVATE.fullmatch(host)) and f"host: {host}" in result.output:
            return f"the name {host} means nothing on this machine"
    return ""


def _is_plain(program: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z][\w.+-]*", program))
