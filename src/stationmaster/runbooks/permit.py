"""What may change something without being asked for: the rules that the operator or a file of the team gives."""

from dataclasses import dataclass

import msgspec

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.risk import Risk
from stationmaster.runbooks.shell import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`changes` allows every step of class change (`--yes`), `steps` those addresses, `programs` changes whose every
    program is listed. Nothing here ever allows what destroys or what is unknown."""

    changes: bool = False
    steps: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
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
    return Policy(changes=allow.changes, steps=allow.steps, programs=allow.programs, name=name)


def permitted(policy: Policy, *, key: str, risk: Risk, command: str) -> str:
    """Why a change may be made without asking; empty when somebody has to be asked."""
    if risk is not Risk.CHANGE:
        return ""
    source = f" of {policy.name}" if policy.name else ""
    if key in policy.steps:
        return f"step {key} is allowed by the policy{source}"
    programs = {each.program for each in parse(command).commands if each.program}
    if programs and programs <= set(policy.programs):
        return f"{', '.join(sorted(programs))}: allowed by the policy{source}"
    return "every change is allowed (--yes)" if policy.changes else ""
