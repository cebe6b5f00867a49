"""What may change something without being asked for: the rules that the operator or a file of the team gives."""

import re
from dataclasses import dataclass

import msgspec

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.risk import Risk
from stationmaster.runbooks.risk.classes import cells
from stationmaster.runbooks.shell.commands import parse

_NAMED = re.compile(r"[\w.+-]+")
_RUNS_ANYTHING = cells(
    "sh bash dash zsh ksh ash sudo doas su env xargs parallel find nohup timeout nice setsid watch flock ssh eval exec"
    " command time chroot nsenter unshare busybox source . awk python python3 perl ruby node make"
)
"""Programs whose name says nothing about what they do: a policy never allows them by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`changes` allows every step of class change (`--yes`), `steps` those addresses, `programs` changes whose every
    program is listed, and that write no file and set no variable beside it. Nothing here ever
    allows what destroys or what is unknown."""

    changes: bool = False
    steps: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    """First words of commands, as `stm target out`, that may run when every command of the step begins so."""
    name: str = ""
    """Where the rules come from, as a reader of the transcript should see it."""


class PolicyFile(msgspec.Struct, forbid_unknown_fields=True):
    """The YAML form: `allow: {steps: ["3.2"], programs: [kubectl], changes: false}`."""

    class Allow(msgspec.Struct, forbid_unknown_fields=True):
        changes: bool = False
        steps: tuple[str, ...] = ()
        programs: tuple[str, ...] = ()

    allow: Allow = msgspec.field(default_factory=Allow)


def read_policy(text: str, *, name: str) -> Policy:
    """Raises PlatformError with the place of the first problem."""
    try:
        found = msgspec.yaml.decode(text, type=PolicyFile)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        hint = 'write for example `allow: {steps: ["3.2"], programs: [kubectl]}`'
        raise PlatformError("policy-unreadable", f"{name}: {error}", hint=hint) from error
    allow = found.allow
    for each in (*allow.steps, *allow.programs):
        if not _NAMED.fullmatch(each):
            hint = "name every step and every program: a policy has no wildcards, and no folders"
            raise PlatformError("policy-unreadable", f"{name}: {each!r} names no step and no program", hint=hint)
    return Policy(changes=allow.changes, steps=allow.steps, programs=allow.programs, name=name)


def permitted(policy: Policy, *, key: str, risk: Risk, command: str) -> str:
    """Why a change may be made without asking; empty when somebody has to be asked."""
    if risk is not Risk.CHANGE:
        return ""
    source = f"the policy {policy.name}".strip()
    if key in policy.steps:
        return f"{source} (step {key})"
    script = parse(command)
    programs = {each.program for each in script.commands}
    plain = not script.opaque and not any(each.writes or each.assignments for each in script.commands)
    if programs and plain and programs <= set(policy.programs) - _RUNS_ANYTHING:
        return f"{source} ({', '.join(sorted(programs))})"
    calls = [" ".join(word.text for word in each.words) for each in script.commands]
    if calls and plain and all(_begins(each, policy.commands) for each in calls):
        return f"{source} ({'; '.join(calls)})"
    return "--yes (every change is allowed)" if policy.changes else ""


def _begins(call: str, commands: tuple[str, ...]) -> bool:
    return any(call == each or call.startswith(f"{each} ") for each in commands)
