"""Reads which container or unit of the machine a command line is about, and what it does with it; pure."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from pathlib import PurePath

from stationmaster.runbooks.risk.classes import cells
from stationmaster.runbooks.shell.commands import parse

MOST_LINES = 10_000


class UnitVerb(Enum):
    RESTART = "restart"
    START = "start"
    STOP = "stop"
    LOGS = "logs"
    STATUS = "status"
    USAGE = "usage"
    INSIDE = "inside"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCall:
    """`name` is the container or unit as it is written, `lines` how many of a log are asked for (0: not said), `rest`
    the part of a pipeline behind the call, with its bar. `container`: the name is one of a container engine."""

    verb: UnitVerb
    name: str
    container: bool
    lines: int = 0
    rest: str = ""


_CONTAINER_VERBS: Mapping[str, UnitVerb] = {
    "restart": UnitVerb.RESTART,
    "start": UnitVerb.START,
    "unpause": UnitVerb.START,
    "stop": UnitVerb.STOP,
    "logs": UnitVerb.LOGS,
    "inspect": UnitVerb.STATUS,
    "top": UnitVerb.USAGE,
    "stats": UnitVerb.USAGE,
    "exec": UnitVerb.INSIDE,
}
_UNIT_VERBS: Mapping[str, UnitVerb] = {
    "restart": UnitVerb.RESTART,
    "try-restart": UnitVerb.RESTART,
    "reload-or-restart": UnitVerb.RESTART,
    "start": UnitVerb.START,
    "stop": UnitVerb.STOP,
    "status": UnitVerb.STATUS,
    "is-active": UnitVerb.STATUS,
    "show": UnitVerb.STATUS,
    "tail": UnitVerb.LOGS,
    "logs": UnitVerb.LOGS,
}
_ENGINES = cells("docker podman nerdctl")
_COMPOSERS = cells("docker-compose podman-compose")
_VALUED = cells(
    """
        -t --time --timeout -s --signal -n --tail --since --until --lines -e --env --env-file -u --user -w --workdir
        --format --type --filter -f --file -p --project-name --project-directory --profile --detach-keys --output -o
        -S -U --priority
        """
)
_FLAGS_OF_LOGS = cells("-f")
"""What elsewhere takes a value and of a log only means to follow it."""
_ELSEWHERE = cells("-H --host --context -c --connection --url --machine -M")
"""Another engine or machine than this one."""
_COUNTS = cells("--tail -n --lines")
_UNIT_OPTION = re.compile(r"-[a-z]*u|--unit")


def unit_call(text: str) -> UnitCall | None:
    """None where the text is no plain call about one container or unit of this machine."""
    head, rest = _first_of_pipeline(text)
    script = parse(head)
    if not script.simple or script.commands[0].assignments:
        return None
    words = [word.text for word in script.commands[0].words]
    words = words[1:] if words[:1] == ["sudo"] else words
    read = _READERS.get(PurePath(words[0]).name) if words else None
    call = read(words[1:]) if read is not None and not _goes_elsewhere(words) else None
    if call is None or (rest and call.verb not in {UnitVerb.LOGS, UnitVerb.STATUS, UnitVerb.USAGE}):
        return None
    return UnitCall(verb=call.verb, name=call.name, container=call.container, lines=call.lines, rest=rest)


def _first_of_pipeline(text: str) -> tuple[str, str]:
    """The call before the first bar, and the rest with it. Both streams of a log are what the platform keeps of it."""
    head, bar, rest = text.partition("|")
    if not bar or rest.startswith(("|", "&")):
        return text, ""
    whole, first = parse(text), parse(head)
    same = first.commands and whole.commands and first.commands[0].words == whole.commands[0].words
    if not same or whole.opaque or len(first.commands) != 1 or re.search(r"[;&]|\n", rest.replace("2>&1", "")):
        return text, ""
    return re.sub(r"\s*2>\s*&1\s*$", "", head).strip(), f"| {rest.strip()}"


def _goes_elsewhere(words: Sequence[str]) -> bool:
    """Options before the verb say whom to ask."""
    for word in words[1:]:
        if not word.startswith("-"):
            return False
        if word.partition("=")[0] in _ELSEWHERE:
            return True
    return False


def _container(words: Sequence[str]) -> UnitCall | None:
    """`docker [container] VERB … NAME`, `docker compose … VERB NAME`."""
    words = _behind_options(words)
    if words[:1] == ["compose"]:
        words = _behind_options(words[1:])
    elif words[:1] == ["container"]:
        words = words[1:]
    verb = _CONTAINER_VERBS.get(words[0]) if words else None
    return _named(verb, words[1:], container=True) if verb is not None else None


def _unit(words: Sequence[str]) -> UnitCall | None:
    """`systemctl VERB NAME`, `supervisorctl VERB NAME`."""
    words = _behind_options(words)
    verb = _UNIT_VERBS.get(words[0]) if words else None
    return _named(verb, words[1:], container=False) if verb is not None else None


def _service(words: Sequence[str]) -> UnitCall | None:
    """`service NAME VERB`."""
    verb = _UNIT_VERBS.get(words[1]) if len(words) == 2 else None
    return UnitCall(verb=verb, name=words[0], container=False) if verb is not None else None


def _journal(words: Sequence[str]) -> UnitCall | None:
    """`journalctl -u NAME`."""
    names = [after for word, after in pairwise(words) if _UNIT_OPTION.fullmatch(word)]
    names += [word.partition("=")[2] for word in words if word.startswith("--unit=")]
    if len(names) != 1:
        return None
    return UnitCall(verb=UnitVerb.LOGS, name=_unit_name(names[0]), container=False, lines=_lines(words))


def _named(verb: UnitVerb, words: Sequence[str], *, container: bool) -> UnitCall | None:
    """With exactly one name; what runs inside a container stands behind the name."""
    names = list(_positional(words, verb))
    several = len(names) > 1 and verb is not UnitVerb.INSIDE and not (verb is UnitVerb.USAGE and names[1][0] == "-")
    if not names or several:
        return None
    name = names[0] if container else _unit_name(names[0])
    lines = _lines(words) if verb is UnitVerb.LOGS else 0
    return UnitCall(verb=verb, name=name, container=container, lines=lines)


def _positional(words: Sequence[str], verb: UnitVerb) -> Iterator[str]:
    skip = False
    for word in words:
        if skip or word.startswith("-"):
            alone = verb is UnitVerb.LOGS and word in _FLAGS_OF_LOGS
            skip = not skip and word in _VALUED and not alone
            continue
        yield word


def _behind_options(words: Sequence[str]) -> Sequence[str]:
    number = 0
    while number < len(words) and words[number].startswith("-"):
        number += 2 if words[number] in _VALUED else 1
    return words[number:]


def _lines(words: Sequence[str]) -> int:
    """How many lines of a log are asked for; 0 where that is not said."""
    said = [after for word, after in pairwise(words) if word in _COUNTS]
    said += [word.partition("=")[2] for word in words if "=" in word and word.partition("=")[0] in _COUNTS]
    said += [word[2:] for word in words if re.fullmatch(r"-n\d+", word)]
    return min(int(said[-1]), MOST_LINES) if said and said[-1].isdecimal() else 0


def _unit_name(name: str) -> str:
    return name.removesuffix(".service")


_READERS: Mapping[str, Callable[[Sequence[str]], UnitCall | None]] = {
    **dict.fromkeys((*sorted(_ENGINES), *sorted(_COMPOSERS)), _container),
    **dict.fromkeys(("systemctl", "supervisorctl", "pm2"), _unit),
    "service": _service,
    "journalctl": _journal,
}
