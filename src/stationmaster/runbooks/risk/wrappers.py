"""Programs that run another program: what stands inside is judged in their place."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from stationmaster.runbooks.risk.classes import Risk, cells
from stationmaster.runbooks.risk.variables import HARMLESS_VARIABLES
from stationmaster.runbooks.shell.commands import Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped:
    """The command inside a wrapper, as `words` or as a `text` for another shell, or the `problem` that keeps it from
    being seen. `risk` is what the wrapper itself does at least, for the reason `why`."""

    words: tuple[Word, ...] = ()
    text: str | None = None
    risk: Risk = Risk.READ
    why: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapper:
    """`valued` options take the next word, `flags` stand alone, `own` words come before the command; with `joins`
    the words are put together for another shell; `risk` and `why` are the wrapper's own."""

    programs: frozenset[str]
    valued: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    own: int = 0
    joins: bool = False
    assigns: bool = False
    risk: Risk = Risk.READ
    why: str = ""
    alone: Wrapped = field(default_factory=lambda: Wrapped(risk=Risk.UNKNOWN, problem="runs nothing that is named"))


_SHELL = Wrapped(risk=Risk.INTERACTIVE, problem="opens a shell")
_SSH_SETTING = re.compile(
    r"(?:StrictHostKeyChecking|ConnectTimeout|BatchMode|UserKnownHostsFile|LogLevel|"
    r"ServerAliveInterval|ServerAliveCountMax"
    r"|PasswordAuthentication|IdentitiesOnly|PreferredAuthentications|RequestTTY|"
    r"ConnectionAttempts|ForwardAgent|AddressFamily|User|Port)[= ].*"
)

WRAPPERS: tuple[Wrapper, ...] = (
    Wrapper(
        programs=cells("sudo doas"),
        valued=cells("-u -g -h -p -C -T -U -D -r -t --user --group --host --prompt --chdir"),
        flags=cells("-n -E -H -S -k -b -P --non-interactive --preserve-env --set-home --stdin -i --login"),
        assigns=True,
        alone=_SHELL,
    ),
    Wrapper(
        programs=cells("env"),
        valued=cells("-u --unset -C --chdir"),
        flags=cells("-i --ignore-environment -0 --null -"),
        assigns=True,
        alone=Wrapped(words=(Word(text="printenv"),)),
    ),
    Wrapper(
        programs=cells("timeout gtimeout"),
        valued=cells("-s -k --signal --kill-after"),
        flags=cells("--preserve-status --foreground -v --verbose"),
        own=1,
    ),
    Wrapper(programs=cells("nohup setsid"), flags=cells("-f -w -c --fork --wait --ctty")),
    Wrapper(programs=cells("time"), valued=cells("-f --format"), flags=cells("-p -v --portability --verbose")),
    Wrapper(programs=cells("nice"), valued=cells("-n --adjustment"), flags=frozenset(f"-{n}" for n in range(20))),
    Wrapper(
        programs=cells("ionice"),
        valued=cells("-c -n --class --classdata"),
        flags=cells("-t -c1 -c2 -c3 -n0 -n1 -n2 -n3 -n4 -n5 -n6 -n7"),
    ),
    Wrapper(
        programs=cells("stdbuf"),
        valued=cells("-i -o -e --input --output --error"),
        flags=cells("-oL -eL -iL -o0 -e0 -i0"),
    ),
    Wrapper(programs=cells("unbuffer chronic catchsegv winpty proxychains proxychains4"), flags=cells("-p -q")),
    Wrapper(programs=cells("taskset"), flags=cells("-a"), own=1),
    Wrapper(programs=cells("chrt"), flags=cells("-f -r -b -i -o"), own=1),
    Wrapper(
        programs=cells("command builtin exec"),
        valued=cells("-a"),
        flags=cells("-p -c -l"),
        alone=Wrapped(words=(Word(text="true"),)),
    ),
    Wrapper(programs=cells("!")),
    Wrapper(programs=cells("coproc then do else")),
    Wrapper(programs=cells("busybox toybox")),
    Wrapper(
        programs=cells("chroot"), valued=cells("--userspec --groups"), flags=cells("--skip-chdir"), own=1, alone=_SHELL
    ),
    Wrapper(
        programs=cells("nsenter"),
        valued=cells("-t --target -S -G --setuid --setgid --wd"),
        flags=cells(
            "-a --all -m --mount -u --uts -i --ipc -n --net -p --pid -U --user -C --cgroup -T --time -r -w -F --root"
        ),
        alone=_SHELL,
    ),
    Wrapper(
        programs=cells("chpst"), valued=cells("-u -U -e -/ -n -m -d -o -p -f -c -l -L"), flags=cells("-P -0 -1 -2 -v")
    ),
    Wrapper(programs=cells("envdir setuidgid"), own=1),
    Wrapper(programs=cells("gosu su-exec runas"), own=1),
    Wrapper(
        programs=cells("flock"),
        valued=cells("-w --timeout -E"),
        flags=cells("-n -x -s -e --nonblock --exclusive --shared -u"),
        own=1,
        risk=Risk.CHANGE,
        why="makes a lock file",
    ),
    Wrapper(
        programs=cells("systemd-run systemd-inhibit"),
        flags=cells("--scope --user --wait --pipe -t -P -q --quiet --collect"),
        risk=Risk.CHANGE,
        why="makes a unit",
    ),
    Wrapper(
        programs=cells("unshare firejail bwrap"),
        flags=cells("-n -m -p -u -i -U -r -f --net --mount --pid --fork"),
        alone=_SHELL,
        risk=Risk.CHANGE,
        why="makes namespaces",
    ),
    Wrapper(
        programs=cells("watch"),
        valued=cells("-n --interval"),
        flags=cells("-d -t -e -g -b -c -p --differences --no-title --errexit --chgexit --color -x --exec"),
        joins=True,
        risk=Risk.INTERACTIVE,
        why="holds the terminal",
    ),
    Wrapper(
        programs=cells("xargs gxargs"),
        valued=cells("-n -P -I -L -d -s -a --max-args --max-procs --max-lines --replace --delimiter --arg-file"),
        flags=cells("-r -0 -t -x --no-run-if-empty --null --verbose -i -r0 -0r -rt -rn1 -rn2 -0n1"),
        alone=Wrapped(words=(Word(text="echo"),)),
    ),
    Wrapper(programs=cells("aws-vault"), own=2, flags=cells("-n --no-session")),
    Wrapper(programs=cells("sshpass"), valued=cells("-p -f"), flags=cells("-e")),
)
_BY_PROGRAM = {program: each for each in WRAPPERS for program in each.programs}
WRAPPING = frozenset(_BY_PROGRAM) | cells(
    "ssh su runuser parallel find bundle kubectl oc docker docker-compose gds gds-cli crictl aws"
)


def wrapped(program: str, words: Sequence[Word]) -> Wrapped | None:
    """What a wrapper runs; None when `program` is no wrapper here."""
    if program in {"command", "builtin"} and len(words) > 1 and words[1].text in {"-v", "-V"}:
        return Wrapped(words=(Word(text="type"),))
    if program == "aws-vault" and (len(words) < 2 or words[1].text != "exec"):
        return None
    wrapper = _BY_PROGRAM.get(program)
    return None if wrapper is None else _inside(program, wrapper, words)


def _inside(program: str, wrapper: Wrapper, words: Sequence[Word]) -> Wrapped:
    rest = after_options(words[1:], wrapper.valued, wrapper.flags)
    if rest is None:
        if program == "sudo" and any(word.text in {"-i", "-s", "--login", "--shell"} for word in words):
            return _SHELL
        listing = program == "sudo" and [word.text for word in words[1:]] in (["-l"], ["-v"], ["-V"])
        return (
            Wrapped(words=(Word(text="true"),))
            if listing
            else Wrapped(risk=Risk.UNKNOWN, problem="has an option that is not known")
        )
    if wrapper.assigns:
        rest, foreign = _without_assignments(rest)
        if foreign:
            return Wrapped(risk=Risk.UNKNOWN, problem=f"sets `{foreign}`, which may change what runs")
    rest = rest[wrapper.own :]
    if rest and rest[0].text == "--":
        rest = rest[1:]
    if not rest:
        return wrapper.alone
    if wrapper.joins:
        return joined(rest, wrapper.risk, wrapper.why)
    if program in {"xargs", "gxargs"}:
        rest = _with_fed_words(words, rest)
    return Wrapped(words=tuple(rest), risk=wrapper.risk, why=wrapper.why)


def joined(words: Sequence[Word], risk: Risk = Risk.READ, why: str = "") -> Wrapped:
    """Words that another shell puts together and reads anew."""
    if any(word.substituted or word.loose for word in words):
        return Wrapped(risk=Risk.UNKNOWN, problem="gives another shell words that are known only when it runs")
    return Wrapped(text=" ".join(word.text for word in words), risk=risk, why=why)


def _with_fed_words(words: Sequence[Word], rest: Sequence[Word]) -> list[Word]:
    """xargs adds words that nobody has seen, at the end or in the place of its replacement."""
    own = [word.text for word in words[: len(words) - len(rest)]]
    marks = [two for one, two in pairwise(own) if one in {"-I", "--replace"}]
    marks += [text[2:] for text in own if text.startswith("-I") and len(text) > 2] + (["{}"] if "-i" in own else [])
    marks += [text.split("=", 1)[1] for text in own if text.startswith("--replace=")]
    if not marks:
        return [*rest, Word(text="", dynamic=True, loose=True, splits=True)]
    return [
        Word(
            text=word.text,
            dynamic=True,
            substituted=True,
            loose=word.loose or word.text.startswith(tuple(marks)),
            splits=word.splits,
        )
        if any(mark in word.text for mark in marks)
        else word
        for word in rest
    ]


def _without_assignments(words: Sequence[Word]) -> tuple[Sequence[Word], str]:
    position = 0
    while position < len(words) and re.match(r"\w+=", words[position].text):
        name = words[position].text.split("=", 1)[0]
        if name not in HARMLESS_VARIABLES:
            return (), name
        position += 1
    return words[position:], ""


def after_options(words: Sequence[Word], valued: frozenset[str], flags: frozenset[str]) -> Sequence[Word] | None:
    """What follows the options of a wrapper; None when one of them is not known."""
    glued = tuple(each for each in valued if not each.startswith("--"))
    position = 0
    while position < len(words) and words[position].text.startswith("-"):
        word, option = words[position], words[position].text
        if option == "--":
            return words[position + 1 :]
        if option in valued:
            if any(each.splits for each in words[position + 1 : position + 2]):
                return None
            position += 2
        elif (
            option in flags
            or _is_known_pair(option, valued | flags)
            or option.startswith(glued)
            or _is_bundle(option, flags)
        ):
            position += 1
        else:
            return None
        if word.splits:
            return None
    return words[position:]


def _is_known_pair(option: str, known: frozenset[str]) -> bool:
    return option.startswith("--") and "=" in option and option.split("=", 1)[0] in known


def _is_bundle(option: str, flags: frozenset[str]) -> bool:
    return bool(re.fullmatch(r"-[A-Za-z0-9]{2,}", option)) and all(f"-{letter}" in flags for letter in option[1:])


def safe_ssh_setting(text: str) -> bool:
    return bool(_SSH_SETTING.fullmatch(text))
